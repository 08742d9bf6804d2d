"""
The view of `status --watch`: what it shows, in the room it has; and what is remembered between two looks.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from syncsvc.cli import live_view, status, watching
from syncsvc.cli.history import History
from syncsvc.cli.output import Format
from syncsvc.cli.standing import Partition, Standing
from syncsvc.errors import Unreachable


def part(topic: str, number: int, offset: int, end: int, **more: object) -> Partition:
    """A partition, of the router unless its topic is the keyed one."""
    stage = "joiner" if topic == "keyed" else "router"
    fields = {"newest_seconds": 12.0, "copied": True} | more
    return Partition(stage, topic, number, 0, offset, end, **fields)  # type: ignore[arg-type]


def standing(*partitions: Partition, state: str = "live", parked: int = 0) -> Standing:
    """A pipeline with an objective of 5 s."""
    return Standing("meetings", 1, "meetings__g1", state, partitions, parked, 5.0)


def drawn(history: History, width: int = 120, height: int = 30) -> list[str]:
    """The lines of the view on a terminal of this size, without their ends."""
    screen = io.StringIO()
    console = Console(file=screen, width=width, height=height, force_terminal=False)
    console.print(live_view.Screen(history, "the foot"), height=height)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def watched(*found: Standing, seconds: float = 2.0) -> History:
    """Looks at these moments, one after the other."""
    history = History()
    for number, one in enumerate(found):
        history.add(1000 + number * seconds, [one])
    return history


def test_a_pipeline_that_is_behind_shows_where_and_since_when() -> None:
    """Freshness against its objective, lag by partition, lag until now, rate."""
    history = watched(
        standing(part("keyed", 0, 0, 100), part("keyed", 1, 50, 50)),
        standing(part("keyed", 0, 80, 280), part("keyed", 1, 50, 50), parked=3),
    )
    text = "\n".join(drawn(history))

    assert "fresh 12.0 s of 5 s" in text
    assert "lag 200" in text
    assert "40 rec/s" in text
    assert "parked 3" in text
    assert "█·" in text
    assert "▄█" in text, "100 records behind, then 200"


def test_a_first_copy_shows_how_far_it_is_and_how_long_it_will_take() -> None:
    """By the rate of the last looks; when all is read, by the partitions that have written."""

    def copying(read: int) -> Standing:
        source = part("t", 0, read, 1000, copied=False, copy_end=1000)
        return standing(source, part("keyed", 0, 1, 1, copied=False), state="copying")

    text = "\n".join(drawn(watched(copying(100), copying(300))))
    assert "30 %  300 of 1,000 records, about 7.0 s left" in text
    assert "all 1,000 records read, 0 of 1 partitions have written" in "\n".join(drawn(watched(copying(1000))))
    assert "first copy" not in "\n".join(drawn(watched(standing(part("t", 0, 1, 1)))))


def test_a_topic_whose_log_is_lost_comes_first() -> None:
    """Where few fit it is not hidden behind those that only wait; its lag is a dash, and it is not fresh."""
    waiting = [part(f"t{number}", 0, 0, 500) for number in range(9)]
    found = standing(*waiting, part("keyed", 0, 10, 2), state="lost")

    lines = drawn(watched(found), height=9)

    assert any(re.match(r"keyed +\? +- ", line) for line in lines)
    assert "lost  fresh not known of 5 s  lag -" in lines[0]


@pytest.mark.parametrize(("width", "height"), [(200, 50), (80, 24), (40, 8), (20, 5)])
def test_the_view_fits_into_any_terminal(width: int, height: int) -> None:
    """No line is wrapped or longer than it is wide; when few topics fit, those that are behind come first."""
    partitions = [part(f"meetup.meetup.table_{number}", 0, 0, number) for number in range(20)]
    lines = drawn(watched(standing(*partitions)), width, height)

    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, 7)
    if height == 24:
        assert "table_19" in "\n".join(lines)
        assert "more topics" in "\n".join(lines)


def test_what_is_not_known_is_not_drawn_as_fine() -> None:
    """A partition nobody has opened is a question mark, not a dot."""
    unknown = Partition("joiner", "keyed", 0, 0, None, 5, None, False)

    assert live_view.strip([unknown.lag, 0, 9]).plain == "?·█"
    assert live_view.freshness(standing(unknown))[0] == "not known"
    assert live_view.strip([1] * 100).plain.endswith(" +36")


def test_a_worker_that_starts_is_no_burst() -> None:
    """A partition that was not open before counts from now on."""
    closed = Partition("router", "t", 0, 0, None, 9000, None, False)
    history = watched(standing(closed), standing(part("t", 0, 9000, 9000)))

    assert history.rate(history.looks[-1].found[0]) == 0.0
    assert watched(standing(closed)).rate("meetings") is None


def test_freshness_from_outside_is_never_too_small() -> None:
    """0 only when nothing waits, else the age of the newest change applied, of the worst partition."""
    fresh, stale = part("t", 0, 5, 5, newest_seconds=900.0), part("t", 1, 4, 5, newest_seconds=70.0)

    assert standing(fresh).freshness_seconds == 0.0
    assert standing(fresh, stale).freshness_seconds == 70.0
    assert standing(fresh, replace(stale, newest_seconds=None)).freshness_seconds is None


def test_two_generations_of_a_pipeline_have_a_rate_each() -> None:
    """During a rebuild both read the same topics: the old one that rests does not slow down the new one's figures."""
    history = History()
    for second in range(3):
        old, new = standing(part("t", 0, 500, 500)), standing(part("t", 0, 100 * second, 500), state="copying")
        history.add(1000 + second, [replace(new, generation=2), old])
    new, old = history.looks[-1].found

    assert (history.rate(new), history.rate(old)) == (100, 0)
    assert (history.lags(new, "t"), history.lags(old, "t")) == ([500, 400, 300], [0, 0, 0])


@pytest.mark.parametrize(
    ("other", "names"),
    [({"pipeline": "users"}, ["meetings", "users"]), ({"generation": 2}, ["meetings/g1", "meetings/g2"])],
    ids=["another pipeline", "another generation"],
)
def test_a_topic_that_several_pipelines_read_is_shown_for_each_by_name(
    other: dict[str, str], names: list[str]
) -> None:
    """Each has read it to a place of its own, so it stands there as often as it is read, and says by whom."""
    one = standing(part("meetup.user", 0, 5, 5))
    both = [one, replace(one, partitions=(part("meetup.user", 0, 2, 5),), **other)]  # type: ignore[arg-type]
    history = History()
    history.add(1000, both)

    table = io.StringIO()
    Console(file=table, width=200).print(status._tables(both))

    watched_rows = [line.split() for line in drawn(history) if "meetup.user" in line]
    plain_rows = [line.split() for line in table.getvalue().splitlines() if "meetup.user" in line]
    assert [row[:2] for row in watched_rows] == [[names[0], "meetup.user"], [names[1], "meetup.user"]]
    assert [(row[0], row[4]) for row in plain_rows] == [(names[0], "5"), (names[1], "2")]


def test_a_pipeline_alone_needs_no_name_beside_its_topics() -> None:
    """It stands above them."""
    (row,) = [line for line in drawn(watched(standing(part("meetup.user", 0, 5, 5)))) if "meetup.user" in line]

    assert row.startswith("meetup.user")


class Stopped(Exception):
    """In place of Ctrl-C, which would end the test run."""


def test_a_pipe_gets_a_line_a_look(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`name=value` for people and grep, one JSON document a line for programs."""
    looks: list[int] = []

    def pause(seconds: float) -> None:
        looks.append(1)
        if len(looks) == 2:
            raise Stopped

    monkeypatch.setattr(watching.time, "sleep", pause)
    found = standing(part("keyed", 0, 3, 5))
    with pytest.raises(Stopped):
        watching.as_lines(lambda: [found], 1.0, Format.TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "pipeline=meetings/g1 state=live freshness=12.0s objective=5s lag=2" in lines[0]

    looks.clear()
    with pytest.raises(Stopped):
        watching.as_lines(lambda: [found], 1.0, Format.JSON)
    assert [json.loads(line)["lag"] for line in capsys.readouterr().out.splitlines()] == [2, 2]


def test_a_server_that_goes_away_does_not_end_a_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was shown stays, the foot says what is wrong, and it is tried again."""
    tries: list[int] = []

    def look() -> list[Standing]:
        tries.append(1)
        if len(tries) == 2:
            raise Unreachable(code="mongo.unreachable", where="m:27017", what="no primary answers", fix="start it")
        if len(tries) == 4:
            raise Stopped
        return [standing(part("keyed", 0, 1, 1))]

    monkeypatch.setattr(watching.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(watching.output, "console", lambda: Console(file=io.StringIO(), force_terminal=True))
    with pytest.raises(Stopped):
        watching.on_terminal(look, 0.01)

    assert len(tries) == 4
    error = Unreachable(code="mongo.unreachable", where="m:27017", what="no primary answers", fix="start it")
    assert "m:27017: no primary answers" in watching._foot(1, error)
