"""The page: complete without its script, sound for who cannot see it, safe with any name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from syncsvc.telemetry.fleet import Fleet
from syncsvc.telemetry.status import ParkedStatus, PartitionStatus
from syncsvc.web import chart, render, section, words
from syncsvc.web.actions import Viewer
from syncsvc.web.feed import Feed
from tests.web.conftest import KEYED, TOPIC, Site, a_status, another, many_topics

VOID = {"meta", "link", "br", "input", "path", "rect", "circle"}


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


def until(site: Site, wanted: str) -> Page:
    """The page once it says this: what a test changed is shown at the next sample."""
    for name, board in site.events():
        if name == "board" and wanted in board:
            return read(site)
    raise AssertionError("the stream ended")


def test_the_first_state_is_in_the_page_itself(site: Site) -> None:
    """Without the script it is a plain page with tables, that reloads itself."""
    page = read(site)

    assert [heading.text for heading in page.all("h2")] == ["meetings", "Workers"]
    assert "Freshness" in page.all("dl")[1].text
    assert next(row.text for row in page.all("tr") if "[1]@499" in row.text).startswith(f"{TOPIC}[1]@499")
    assert any("decode.bad_decimal" in table.text for table in page.all("table"))
    assert any(meta.attributes.get("http-equiv") == "refresh" for meta in page.all("meta"))


def test_it_has_landmarks_captions_and_scopes(site: Site) -> None:
    """What a screen reader moves by."""
    page = read(site)

    for landmark in ("header", "main", "footer", "nav"):
        assert len(page.all(landmark)) == 1
    assert len(page.all("caption")) == len(page.all("table")) == 3
    assert all(cell.attributes["scope"] in ("col", "row") for cell in page.all("th"))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert all(
        {"aria-label", "aria-labelledby", "aria-hidden"} & picture.attributes.keys() for picture in page.all("svg")
    )
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    sections = [section.attributes["aria-labelledby"] for section in page.all("section")]
    assert set(sections) <= {heading.attributes.get("id") for heading in page.all("h2")}


def test_only_a_change_of_state_is_read_aloud(start: Callable[..., Site]) -> None:
    """Numbers change every second; the live region says the state and whether the objective is met."""
    page = read(start(a_status(freshness_seconds=12.0)))
    spoken = [e.text for e in page.elements if e.attributes.get("role") == "status" and e.text]

    assert spoken == ["meetings is running, freshness unknown"]


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
    assert [cell.text for cell in page.all("td")][-5:-1] == ["\u2013", "\u2013", "unknown", "unknown"]


def test_every_partition_has_a_cell_with_its_grade(site: Site) -> None:
    """The strip is a picture with a summary; the table says the same in words."""
    page = read(site)

    cells = [e for e in page.all("i") if "title" in e.attributes]
    assert [cell.attributes["class"] for cell in cells] == ["fresh", "late", "unknown"]
    assert [cell.text for cell in cells] == ["", "!", "?"]
    assert cells[1].attributes["title"] == f"{TOPIC}[1]: 12 s, owned by syncsvc-0"


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


def test_every_worker_shows_the_whole_fleet(site: Site) -> None:
    """Its own partitions and those that another one told, each with its owner."""
    theirs = PartitionStatus("joiner", KEYED, 4, 12, 12, 0, 0.0, "live")
    site.others = (another(1.0, partitions=(theirs,), freshness_seconds=0.0, documents_written=66),)

    page = until(site, "syncsvc-1")

    owners = {row.text.split("router")[-1].split("joiner")[-1] for row in page.all("tr") if KEYED in row.text}
    assert any(owner.endswith("syncsvc-0") for owner in owners)
    assert any(owner.endswith("syncsvc-1") for owner in owners)
    assert "1\u2009300 since start" in page.all("dl")[1].text
    assert [item.text.startswith("syncsvc-") for item in page.all("li")] == [True, True]


def test_a_worker_that_died_is_shown_as_silent_and_its_partitions_as_nobodys(site: Site) -> None:
    """Its last figures are not shown as the present: freshness is not known, and who looks sees why."""
    fine = PartitionStatus("router", TOPIC, 0, 1200, 1200, 0, 0.0, "live")
    theirs = PartitionStatus("joiner", KEYED, 0, 12, 12, 0, 0.0, "live")
    site.status = a_status(partitions=(fine,), freshness_seconds=0.0, topics=many_topics(1))
    site.others = (another(90.0, partitions=(theirs,), freshness_seconds=0.0),)

    page = until(site, "no sign of life")

    (dead,) = (item for item in page.all("li") if item.attributes["class"] == "gone")
    assert dead.text == "syncsvc-1version 1.2.3, had 1 partitionno sign of life for 1 min"
    values = [e.text for e in page.all("dd") if "value" in e.attributes.get("class", "")]
    assert values[:2] == ["unknown", "\u2013"]
    assert next(row.text for row in page.all("tr") if KEYED in row.text).endswith("nobody")
    assert any("1 partition has no worker" in note.text for note in page.all("p"))
    assert "degraded" in page.all("section")[0].text


def test_a_rebuild_stands_beside_the_generation_it_replaces(site: Site) -> None:
    """Its progress is called a rebuild, and both have a line in the overview."""
    site.others = (another(1.0, generation=3, state="snapshotting", first_copy=(1, 4)),)

    page = until(site, "Rebuild")

    assert "Rebuild, beside generation 2: 1 of 4 records" in page.all("label")[0].text
    assert [link.text for link in page.all("a") if link.attributes["href"].startswith("#s-")] == [
        "meetings g2", "meetings g3",
    ]  # fmt: skip


def test_the_picture_says_in_words_what_it_shows(site: Site) -> None:
    """Tables, relations and collection."""
    (described,) = (element.text for element in read(site).all("desc"))

    assert described == (
        "Each row of meetup.meeting is a document. applications: many of meetup.meeting_application in each "
        "meetup.meeting, where meeting_id = meeting.id. user: one of meetup.user in each meetup.meeting_application, "
        "where id = meeting_application.user_id. All meet in the topic syncsvc.meetings.g1.keyed and are written to "
        "meetings."
    )


def test_stages_are_shown_with_their_quantiles(site: Site) -> None:
    """Median and tails as the metrics' buckets give them."""
    rows = [row.text for row in read(site).all("tr")]

    assert "commit one transaction5.6 ms55 ms91 ms" in rows
    assert any(row.startswith("end to end commit to visible100 ms930 ms1.0 s") for row in rows), rows


def test_a_page_without_a_token_offers_no_button(site: Site) -> None:
    """It is read-only and says so; the command is named."""
    page = read(site)

    assert page.all("form") == []
    assert [button.attributes["type"] for button in page.all("button")] == ["button", "button"]
    assert "syncsvc parked list --pipeline meetings" in [code.text for code in page.all("code")]


def test_many_partitions_do_not_make_the_page_endless(start: Callable[..., Site]) -> None:
    """A cell then stands for several, coloured as the worst of them; the table has the most behind."""
    lots = tuple(PartitionStatus("joiner", KEYED, n, 1, 1, 0, 0.0, "live") for n in range(1000))
    late = PartitionStatus("joiner", KEYED, 1000, 1, 9, 8, 500.0, "behind")

    page = read(start(a_status(partitions=(*lots, late), parked=0)))

    cells = [e.attributes["class"] for e in page.all("i") if "title" in e.attributes]
    assert len(cells) == 126
    assert cells[-1] == "bad"
    rows = [row.text for row in page.all("tr") if KEYED in row.text]
    assert (len(rows), "[1000]" in rows[0] or "1000joiner" in rows[0]) == (200, True)


def test_parked_keys_beyond_the_first_fifty_are_counted(start: Callable[..., Site]) -> None:
    """The list is for looking, the command for all."""
    listed = tuple(ParkedStatus(f"t[0]@{n}", "decode", 1.0, f"{n:016x}") for n in range(50))

    page = read(start(a_status(parked=70, parked_list=listed)))

    assert any("The oldest 50 are shown." in caption.text for caption in page.all("caption"))


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (0, 0, "nothing waits"), (9000, 6000, "records, gone in 1 min"), (1000, 6000, "records, growing"),
        (6010, 6000, "records, steady"), (None, 6000, "records not applied yet"), (5, None, "records, not known"),
    ],
)  # fmt: skip
def test_the_lag_says_where_it_goes(before: int | None, now: int | None, said: str) -> None:
    """From the last half minute: when it is worked off, or that it grows; nothing is read off noise."""

    def fleet(lag: int | None) -> Fleet:
        end = None if lag is None else 100 + lag
        return Fleet(a_status(partitions=(PartitionStatus("joiner", KEYED, 0, 100, end, lag, 1.0, "behind"),)))

    told = [fleet(before)] * section.TREND_SECONDS + [fleet(now)]
    feed = Feed(lambda: told.pop(0))
    for _ in range(section.TREND_SECONDS + 1):
        feed.sample()

    assert f'<dd class="soft">{said}</dd>' in render.board(feed, Viewer())
