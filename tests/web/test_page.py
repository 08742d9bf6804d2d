"""The page: complete without its script, sound for who cannot see it, safe with any name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from syncsvc.telemetry.status import PartitionStatus
from syncsvc.web import chart, words
from tests.web.conftest import KEYED, TOPIC, Site, a_status

VOID = {"meta", "link", "br", "input"}


@dataclass
class Element:
    """One element with its text."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Reads HTML and insists that every element is closed where it was opened."""

    elements: list[Element] = field(default_factory=list)
    opened: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers it."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.opened.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An SVG element without content."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Must be the one opened last."""
        assert self.opened.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Belongs to all open elements."""
        for element in self.opened:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """Elements with this tag."""
        return [element for element in self.elements if element.tag == tag]


def read(site: Site) -> Page:
    """The page as it is served, parsed."""
    page = Page()
    page.feed(site.get("/").text)
    page.close()
    assert page.opened == []
    return page


def test_the_first_state_is_in_the_page_itself(site: Site) -> None:
    """Without the script it is a plain page with tables, that reloads itself."""
    page = read(site)

    assert [heading.text for heading in page.all("h2")] == ["meetings"]
    assert "12 s" in page.all("dl")[1].text
    assert next(row.text for row in page.all("tr") if "[1]@499" in row.text).startswith(f"{TOPIC}[1]@499")
    assert "decode.bad_decimal" in page.all("table")[0].text
    assert any(meta.attributes.get("http-equiv") == "refresh" for meta in page.all("meta"))


def test_it_has_landmarks_captions_and_scopes(site: Site) -> None:
    """What a screen reader moves by."""
    page = read(site)

    for landmark in ("header", "main", "footer", "nav"):
        assert len(page.all(landmark)) == 1
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert all(cell.attributes["scope"] in ("col", "row") for cell in page.all("th"))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert all(picture.attributes["aria-label"] for picture in page.all("svg"))
    sections = [section.attributes["aria-labelledby"] for section in page.all("section")]
    assert set(sections) <= {heading.attributes.get("id") for heading in page.all("h2")}


def test_only_a_change_of_state_is_read_aloud(start: Callable[..., Site]) -> None:
    """Numbers change every second; the live region says the state and whether the objective is met."""
    page = read(start(a_status(freshness_seconds=12.0)))
    spoken = [e.text for e in page.elements if e.attributes.get("role") == "status" and e.text]

    assert spoken == ["meetings is running, behind its objective"]


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(site: Site) -> None:
    """The content security policy would block it."""
    page = read(site)

    for element in page.elements:
        for name in ("src", "href"):
            assert element.attributes.get(name, "/").startswith(("/", "#"))
        assert "style" not in element.attributes
        assert not any(name.startswith("on") for name in element.attributes)
    assert all(script.text == "" for script in page.all("script"))
    assert page.all("style") == []
    assert re.findall(r"url\((?!\"/)", site.get("/page.css").text) == []


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_the_files_of_the_page_are_served(site: Site, name: str) -> None:
    """Each with the type a browser insists on."""
    answer = site.get(f"/{name}")

    assert answer.status == 200
    assert answer.headers["Content-Type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")


def test_a_name_cannot_become_markup(start: Callable[..., Site]) -> None:
    """Names of topics and texts of errors come from outside."""
    evil = '"><script>alert(1)</script>'
    partition = PartitionStatus("router", evil, 0, 1, 1, 0, 0.0, "live")

    page = read(start(a_status(last_error=evil, collection=evil, partitions=(partition,))))

    assert [script.attributes.get("src") for script in page.all("script")] == ["/page.js"]


def test_the_first_copy_shows_how_far_it_is(start: Callable[..., Site]) -> None:
    """In words and as a bar with a label."""
    page = read(start(a_status(state="snapshotting", first_copy=(130, 400), freshness_seconds=None)))

    assert page.all("progress")[0].attributes["value"] == "32"
    assert "First copy: 130 of 400 records" in page.all("label")[0].text
    assert "first copy" in page.all("section")[0].text


def test_what_is_not_known_is_not_shown_as_zero(start: Callable[..., Site]) -> None:
    """Neither the freshness nor the lag nor the end offset."""
    partition = PartitionStatus("joiner", KEYED, 3, 90, None, None, None, "unknown")
    page = read(start(a_status(freshness_seconds=None, partitions=(partition,))))

    values = [e.text for e in page.all("dd") if "value" in e.attributes.get("class", "")]
    assert values[:2] == ["unknown", "\u2013"]
    assert [cell.text for cell in page.all("td")][-4:] == ["\u2013", "\u2013", "unknown", "unknown"]


def test_every_partition_has_a_cell_with_its_grade(site: Site) -> None:
    """The strip is a picture with a summary; the table says the same in words."""
    page = read(site)

    cells = [e.attributes for e in page.all("i") if "title" in e.attributes]
    assert [cell["class"] for cell in cells] == ["fresh", "late", "unknown"]
    assert cells[1]["title"] == f"{TOPIC}[1]: 12 s"


def test_a_chart_has_a_gap_where_nothing_is_known() -> None:
    """Two lines, and no point for the unknown second."""
    drawn = chart.spark([1.0, 2.0, None, 3.0, 4.0], label="lag", span=5)

    (line,) = re.findall(r'class="line" d="([^"]*)"', drawn)
    assert line.count("M") == 2
    assert len(re.findall(r"[ML]", line)) == 4
    assert "not known yet" in chart.spark([None, None], label="lag", span=5)


def test_a_chart_shows_its_newest_value_at_the_right_edge() -> None:
    """Also when the history is not full yet."""
    drawn = chart.spark([0.0, 100.0], label="lag", span=300)

    (line,) = re.findall(r'class="line" d="([^"]*)"', drawn)
    assert line.endswith(f"L{chart.WIDTH:.1f} 2.0")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "unknown"), (0.0, "up to date"), (0.2, "200 ms"), (203, "3 min 23 s"), (3600, "1 h"), (90_000, "1 d 1 h")],
)
def test_ages_are_said_in_words(seconds: float | None, said: str) -> None:
    """Two units at most."""
    assert words.freshness(seconds) == said
