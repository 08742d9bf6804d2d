"""The page in a real browser: it stays true by itself and leaves the reader in peace."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.web.browser import CHROMIUM, Tab, a_tab
from tests.web.conftest import Site, a_status

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="CHROMIUM IS NOT HERE: the page was not tried in a browser (apt-get install chromium)"
)

PARTITIONS = a_status().pipelines[0].partitions


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A browser of this test's own."""
    async with a_tab(tmp_path / "browser") as opened:
        yield opened


async def test_a_change_appears_by_itself(site: Site, tab: Tab) -> None:
    """Within a sample, without a reload, also in the title of the tab."""
    await tab.open(f"http://127.0.0.1:{site.port}/")
    await tab.until("document.title === '12 s - syncsvc'")

    site.status = a_status(freshness_seconds=0.0, parked=0)

    await tab.until("document.title === 'up to date - syncsvc'")
    assert not await tab.value("document.body.textContent.includes('Parked keys')")


async def test_the_browser_has_nothing_to_complain_about(site: Site, tab: Tab) -> None:
    """No script error, nothing that the content security policy blocks, every file found."""
    await tab.open(f"http://127.0.0.1:{site.port}/")
    await tab.until("document.title !== 'syncsvc'")
    site.status = a_status(documents_written=77)
    await tab.until("document.body.textContent.includes('77')")

    assert tab.complaints == []


async def test_an_opened_list_stays_open_and_focus_stays_where_it_is(site: Site, tab: Tab) -> None:
    """Each second new figures and notes arrive; who reads a table by keyboard must not lose the place."""
    await tab.open(f"http://127.0.0.1:{site.port}/")
    await tab.until("document.title !== 'syncsvc'")
    await tab.value("document.querySelector('summary').focus(), document.querySelector('summary').click()")

    site.status = a_status(last_error="mongo.down", parked=0, first_copy=(1, 2), partitions=PARTITIONS[:1])
    await tab.until("document.body.textContent.includes('mongo.down')")

    assert await tab.value("document.querySelector('details').open")
    assert await tab.value("document.activeElement.tagName") == "SUMMARY"


async def test_a_pipeline_that_comes_and_goes(site: Site, tab: Tab) -> None:
    """After a restart with another list of pipelines the page shows those."""
    await tab.open(f"http://127.0.0.1:{site.port}/")
    second = dataclasses.replace(site.status.pipelines[0], name="members")
    site.status = dataclasses.replace(site.status, pipelines=(second, *site.status.pipelines))
    await tab.until("document.querySelectorAll('section').length === 2")
    site.status = dataclasses.replace(site.status, pipelines=(second,))
    await tab.until("document.querySelectorAll('section').length === 1")

    assert await tab.value("document.querySelector('h2').textContent") == "members"


async def test_a_worker_that_is_gone_is_said(start: Callable[..., Site], tab: Tab) -> None:
    """Old figures must not look like new ones."""
    site = start()
    await tab.open(f"http://127.0.0.1:{site.port}/")
    await tab.until("document.title !== 'syncsvc'")
    assert await tab.value("document.getElementById('link').hidden")

    assert site.server is not None
    site.server.stop()

    await tab.until("!document.getElementById('link').hidden")
    assert "does not answer" in await tab.value("document.getElementById('link').textContent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_can_be_read_in_light_and_dark(site: Site, tab: Tab, scheme: str) -> None:
    """Every text has a contrast of at least 4.5 to 1 to what is behind it (WCAG 2.2 AA)."""
    await tab.scheme(scheme)
    await tab.open(f"http://127.0.0.1:{site.port}/")
    await tab.value("document.querySelector('details').open = true")
    poor = await tab.value(CONTRASTS)

    assert poor == []
    assert len(await tab.picture()) > 10_000


@pytest.mark.parametrize("width", [320, 768, 1280])
async def test_no_width_makes_the_page_scroll_sideways(site: Site, tab: Tab, width: int) -> None:
    """Wide tables scroll inside their own box."""
    await tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    await tab.open(f"http://127.0.0.1:{site.port}/")
    await tab.value("document.querySelector('details').open = true")

    assert await tab.value("document.documentElement.scrollWidth") <= width


#: Texts whose colour is too near to the nearest background that is not transparent, as `text colour on background`.
CONTRASTS = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = parts(text).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
  };
  const poor = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || ["SCRIPT", "NOSCRIPT"].includes(element.tagName)) continue;
    const [front, back] = [getComputedStyle(element).color, behind(element)];
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) < 4.5) poor.push(`${texts.currentNode.data} ${front} on ${back}`);
  }
  return poor;
})()"""
