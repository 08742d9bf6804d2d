"""The site builds without a warning, loads nothing from elsewhere, and leads to every page."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

mkdocs_config = pytest.importorskip("mkdocs.config", reason="the extra `docs` is not installed")
DOCS = ROOT / "docs"


class Page(HTMLParser):
    """What a page loads by itself, where it leads, and what can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        found = dict(attrs)
        if found.get("id"):
            self.ids.add(str(found["id"]))
        if tag in ("script", "img", "iframe", "source", "video", "embed") and found.get("src"):
            self.loads.append(str(found["src"]))
        if tag == "link" and "canonical" not in str(found.get("rel")):
            self.loads.append(str(found.get("href")))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))


class _Warnings(logging.Handler):
    """What MkDocs complains about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging."""
        self.told.append(record.getMessage())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """The site, built as `make docs` does, and the warnings."""
    from mkdocs.commands.build import build

    warnings, logger = _Warnings(), logging.getLogger("mkdocs")
    logger.addHandler(warnings)
    try:
        folder = tmp_path_factory.mktemp("site")
        build(mkdocs_config.load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
        yield folder, warnings.told
    finally:
        logger.removeHandler(warnings)


@pytest.fixture(scope="module")
def pages(built: tuple[Path, list[str]]) -> dict[Path, Page]:
    """Every page of the site."""
    return {path: Page(path.read_text()) for path in sorted(built[0].rglob("*.html")) if path.name != "404.html"}


def test_the_site_builds_without_a_warning(built: tuple[Path, list[str]]) -> None:
    """Strictly: a link or an anchor that leads nowhere, or a page outside the navigation, is a failure."""
    assert built[1] == []


def test_every_page_of_the_docs_is_on_the_site(pages: dict[Path, Page], built: tuple[Path, list[str]]) -> None:
    """As are ARCHITECTURE.md, CHANGELOG.md and the guide of deploy/."""
    there = {path.parent.relative_to(built[0]).as_posix() for path in pages}
    wanted = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    wanted |= {"ARCHITECTURE", "CHANGELOG", "deploy/README"}
    names = {name.removesuffix("/README").removesuffix("index") or "." for name in wanted}

    assert names - there == set()


def test_a_reader_s_browser_asks_nobody_else(pages: dict[Path, Page], built: tuple[Path, list[str]]) -> None:
    """No font, script, picture or style comes from another server; nothing counts readers."""
    assert {load for page in pages.values() for load in page.loads if re.match(r"(https?:)?//", load)} == set()
    sheets = "".join(path.read_text() for path in built[0].rglob("*.css"))
    assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*\)|@import", sheets) == []
    assert not any("google" in load or "mermaid" in load for page in pages.values() for load in page.loads)


def test_every_link_of_the_site_leads_to_a_page_and_a_mark_on_it(pages: dict[Path, Page]) -> None:
    """Also those that were written for the repository: to ARCHITECTURE.md, to folders, to code."""
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            target, _, mark = link.partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            there = (path.parent / target).resolve() if target else path
            there = there / "index.html" if there.is_dir() else there
            if not there.exists() or (mark and there in pages and mark not in pages[there].ids | {"__skip"}):
                wrong.append(f"{path.parent.name}: {link}")

    assert wrong == []


def test_links_to_code_do_not_dangle(built: tuple[Path, list[str]]) -> None:
    """Without the address of a repository the name of the file is shown in place of a link."""
    text = (built[0] / "ARCHITECTURE" / "index.html").read_text()

    assert "tests/simulation/test_convergence.py" in text
    assert 'href="tests' not in text
