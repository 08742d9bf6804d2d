"""The page in a real browser: it stays true by itself, leaves the reader in peace and can be used by everybody."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.web import scenes
from tests.web.browser import Chromium, a_browser
from tests.web.conftest import HANDLE, TOKEN, Site, a_status, another

pytestmark = pytest.mark.servers  # the browser is fetched like them

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PARTITIONS = a_status().pipelines[0].partitions
#: Those that documents show.
PICTURES = {("calm", "light"), ("busy", "light"), ("outage", "dark"), ("parked", "light")}
#: What axe calls an obstacle, not a matter of taste.
SERIOUS = ("serious", "critical")


@pytest.fixture
async def browser(chromium: Chromium, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A browser of this test's own."""
    async with a_browser(chromium, tmp_path / "browser") as opened:
        yield opened


@pytest.fixture
async def tab(browser: BrowserContext) -> AsyncIterator[Page]:
    """An empty page; whatever the browser complains about, also blocked content, fails the test."""
    complaints: list[str] = []
    page = await browser.new_page()
    page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    # A worker that is stopped, or refuses, is what some tests are about.
    assert [one for one in complaints if not re.search(r"ERR_|status of 403", one)] == []


async def test_a_change_appears_by_itself(site: Site, tab: Page) -> None:
    """Within a sample, without a reload, also in the title of the tab."""
    await tab.goto(site.url)
    await expect(tab).to_have_title("unknown - syncsvc")

    site.status = a_status(freshness_seconds=0.0, parked=0, partitions=PARTITIONS[:1])

    await expect(tab).to_have_title("up to date - syncsvc")
    await expect(tab.get_by_text("Parked keys")).to_have_count(0)


async def test_a_paused_page_stands_still_until_it_may_go_on(site: Site, tab: Page) -> None:
    """Who reads slowly can stop it (WCAG 2.2.2); then it catches up at once."""
    await tab.goto(site.url)
    await tab.get_by_role("button", name="Pause").click()
    site.status = a_status(documents_written=777_777)
    async with tab.expect_response("**/api/fleet"):
        await tab.evaluate("fetch('/api/fleet')")
    await expect(tab.get_by_role("button", name="go on")).to_have_attribute("aria-pressed", "true")
    await expect(tab.get_by_text("777")).to_have_count(0)

    await tab.get_by_role("button", name="go on").click()

    await expect(tab.get_by_text("777\u2009777 since start")).to_be_visible()


async def test_an_opened_list_stays_open_and_focus_stays_where_it_is(site: Site, tab: Page) -> None:
    """Each second new figures and notes arrive; who reads a table by keyboard must not lose the place."""
    await tab.goto(site.url)
    await tab.get_by_text("All 3 partitions").focus()
    await tab.keyboard.press("Enter")

    site.status = a_status(last_error="mongo.down", parked=0, first_copy=(1, 2), partitions=PARTITIONS[:1])
    await expect(tab.get_by_text("mongo.down")).to_be_visible()

    await expect(tab.locator("details[open] > summary")).to_be_focused()


async def test_everything_is_reached_by_keyboard_in_order(site: Site, tab: Page) -> None:
    """Tab goes from the skip link through the page to the footer; the link leads past the header."""
    await tab.goto(site.url)
    await tab.keyboard.press("Tab")
    await expect(tab.get_by_text("Skip to the pipelines")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#main")).to_be_focused()

    reached = []
    for _ in range(40):
        await tab.keyboard.press("Tab")
        reached.append(await tab.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        if reached[-1] == "ready":
            break

    assert [name for name in reached if name in ("All 3 partitions", "Pause", "metrics", "ready")] == [
        "All 3 partitions", "Pause", "metrics", "ready",
    ]  # fmt: skip
    visible = await tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert visible == "solid"


async def test_a_pipeline_that_comes_and_goes(site: Site, tab: Page) -> None:
    """After a restart with another list of pipelines the page shows those."""
    await tab.goto(site.url)
    second = dataclasses.replace(site.status.pipelines[0], name="members")
    site.status = dataclasses.replace(site.status, pipelines=(second, *site.status.pipelines))
    await expect(tab.locator("section[id]")).to_have_count(2)
    site.status = dataclasses.replace(site.status, pipelines=(second,))
    await expect(tab.locator("section[id]")).to_have_count(1)

    await expect(tab.locator("h2").first).to_have_text("members")


async def test_a_worker_that_is_gone_is_said(start: Callable[..., Site], tab: Page) -> None:
    """Old figures must not look like new ones."""
    site = start()
    await tab.goto(site.url)
    await expect(tab.locator("#link")).to_be_hidden()

    assert site.server is not None
    site.server.stop()

    await expect(tab.locator("#link")).to_contain_text("does not answer")


async def test_signed_in_a_person_retries_and_skips(start: Callable[..., Site], tab: Page) -> None:
    """With the keyboard alone: the token once, then one button; skipping is asked about first."""
    site = start(token=True)
    await tab.goto(site.url)
    await tab.get_by_text("Sign in").first.focus()
    await tab.keyboard.press("Enter")
    await tab.get_by_label("Token").fill("not the token at all")
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_text("This is not the token.")).to_be_visible()
    await tab.get_by_text("Back to the page").click()

    await tab.get_by_text("Sign in").first.click()
    await tab.get_by_label("Token").fill(TOKEN)
    await tab.keyboard.press("Enter")
    await tab.get_by_role("button", name="Retry").press("Enter")
    await expect(tab.get_by_text("Tried again")).to_be_visible()
    await tab.get_by_text("Back to the page").click()
    await tab.get_by_text("Skip\u2026").click()
    await tab.get_by_role("button", name="Skip for good").click()
    await expect(tab.get_by_text("everything goes on without it")).to_be_visible()

    assert [(one.handle, one.action) for one in site.decided] == [(HANDLE, "retry"), (HANDLE, "skip")]
    await tab.get_by_text("Back to the page").click()
    await tab.get_by_role("button", name="Sign out").click()
    await expect(tab.get_by_role("button", name="Retry")).to_have_count(0)


async def test_without_its_script_it_reloads_itself(site: Site, chromium: Chromium, tmp_path: Path) -> None:
    """It is complete as it is served, tables and pictures too."""
    async with a_browser(chromium, tmp_path / "plain", java_script_enabled=False) as browser:
        tab = await browser.new_page()
        await tab.goto(site.url)
        await expect(tab.locator("svg.picture")).to_be_visible()
        await expect(tab.locator("#controls")).to_be_hidden()

        site.status = a_status(documents_written=4242)

        await expect(tab.get_by_text("4\u2009242 since start")).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_obstacle_is_found_by_axe(start: Callable[..., Site], tab: Page, scheme: Any) -> None:
    """WCAG 2.2 A and AA as far as a program can tell, contrast included, with everything opened."""
    site = start(scenes.busy(), token=True)
    site.others = (*scenes.fleet(), another(700.0, "syncsvc-7"))
    await tab.emulate_media(color_scheme=scheme)
    await tab.goto(site.url)
    await tab.get_by_text("Sign in").first.click()
    await tab.get_by_label("Token").fill(TOKEN)
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_text("signed in", exact=True)).to_be_visible()
    await tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    await tab.evaluate(AXE)

    found = await tab.evaluate("axe.run(document, {resultTypes: ['violations']})")

    assert [
        (one["id"], one["impact"], [node["html"] for node in one["nodes"]][:3])
        for one in found["violations"]
        if one["impact"] in SERIOUS or one["id"] == "color-contrast"
    ] == []


@pytest.mark.parametrize("width", [320, 768, 1280])
async def test_no_width_makes_the_page_scroll_sideways(site: Site, tab: Page, width: int) -> None:
    """Wide tables and pictures scroll inside their own box."""
    site.status = scenes.busy()
    await tab.set_viewport_size({"width": width, "height": 900})
    await tab.goto(site.url)
    await tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")

    assert await tab.evaluate("document.documentElement.scrollWidth") <= width


async def test_colours_can_be_chosen_and_are_remembered(site: Site, tab: Page) -> None:
    """Whatever the system prefers."""
    await tab.emulate_media(color_scheme="light")
    await tab.goto(site.url)
    light = await tab.evaluate("getComputedStyle(document.body).backgroundColor")
    await tab.get_by_role("button", name="Colours: system").click()
    await tab.get_by_role("button", name="Colours: light").click()
    await expect(tab.get_by_role("button", name="Colours: dark")).to_be_visible()
    await tab.reload()

    assert await tab.evaluate("getComputedStyle(document.body).backgroundColor") != light


@pytest.mark.parametrize("scene", scenes.SCENES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_as_the_manual_shows_it(
    start: Callable[..., Site], tab: Page, scene: str, scheme: Any, request: pytest.FixtureRequest
) -> None:
    """Each scene is drawn in light and dark; with `--screenshots FOLDER` the pictures of documents are left there."""
    site = start(token=scene == "parked")
    await scenes.play(scene, site)
    await tab.set_viewport_size({"width": 1180, "height": 900})
    await tab.emulate_media(color_scheme=scheme)
    await tab.goto(site.url)
    await expect(tab.locator("h2").first).to_be_visible()
    if scene == "parked":
        await tab.get_by_text("Sign in").first.click()
        await tab.get_by_label("Token").fill(TOKEN)
        await tab.keyboard.press("Enter")
        await expect(tab.get_by_text("signed in", exact=True)).to_be_visible()
    folder: Path | None = request.config.getoption("--screenshots")
    kept = folder is not None and (scene, scheme) in PICTURES
    path = folder / f"page-{scene}-{scheme}.png" if folder is not None and kept else None

    assert len(await tab.screenshot(full_page=True, path=path)) > 8_000
