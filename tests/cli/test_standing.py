"""Where a pipeline stands: fences against their logs, and what it is when one is outside of the other."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from syncsvc import settings
from syncsvc.cli import publish, standing, target, watching
from syncsvc.cli.followed import FenceSeen, Followed
from syncsvc.cli.standing import Partition, Standing
from syncsvc.engine.port import TP
from syncsvc.errors import Drift
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations
from syncsvc.wiring import publication
from tests.cli.conftest import Run
from tests.routing.tables import MEETING, meetings

PIPELINE = meetings(partitions=1)
KEYED, SOURCE = TP(PIPELINE.keyed_topic, 0), TP(PIPELINE.source_topic(MEETING), 0)
GIVEN = settings.read({})


def part(start: int | None, offset: int | None, end: int | None) -> Partition:
    """A partition of the keyed topic that has written its documents."""
    return Partition("joiner", "keyed", 0, start, offset, end, 12.0, True)


@pytest.mark.parametrize(
    ("start", "offset", "end", "lag", "lost", "verdict"),
    [
        pytest.param(0, 7, 9, 2, False, "", id="behind"),
        pytest.param(0, 9, 9, 0, False, "", id="caught up"),
        pytest.param(9, 9, 9, 0, False, "", id="caught up, all records deleted since"),
        pytest.param(0, 10, 2, None, True, "BEYOND THE END", id="made anew"),
        pytest.param(5, 3, 9, None, True, "LOST: 2 records", id="deleted before they were read"),
        pytest.param(None, 3, None, None, True, "the topic is gone", id="topic deleted"),
        pytest.param(None, None, None, None, False, "no topic", id="topic not made yet"),
        pytest.param(5, None, 9, None, False, "not opened", id="no worker was there yet"),
    ],
)
def test_a_fence_outside_its_log_has_no_lag(
    start: int | None, offset: int | None, end: int | None, lag: int | None, lost: bool, verdict: str
) -> None:
    """Numbers of two logs prove nothing about each other: neither that nothing waits, nor that it is fresh."""
    found = part(start, offset, end)

    assert (found.lag, found.lost) == (lag, lost)
    assert re.match(verdict or "$", found.verdict)
    assert found.freshness_seconds == (None if lag is None else 12.0 if lag else 0.0)


class World:
    """A pipeline of one joiner in MongoDB and Kafka, as `standing` asks them."""

    def __init__(self) -> None:
        self.fence: dict[str, Any] = {"offset": 9, "seq": 4, "copied": True}
        self.bounds = (0, 9)
        self.place, self.tp = "joiner/0", KEYED
        self.asked: list[str] = []

    def read_fences(self, mongo: object, pipeline: str, generation: int) -> list[dict[str, Any]]:
        """The one fence."""
        self.asked.append("fences")
        return [{"_id": f"{pipeline}/g{generation}/{self.place}", **self.fence}]

    async def ends(self, pipelines: Iterable[Pipeline], given: object) -> Mapping[TP, tuple[int, int]]:
        """The one log."""
        self.asked.append("logs")
        return {self.tp: self.bounds}

    def standing(self) -> Standing:
        """As the commands see it."""
        (found,) = standing.standings([PIPELINE], target.open_mongo(GIVEN), GIVEN)
        return found


class Mongo(io.BytesIO):
    """Nothing is parked, and it can be closed."""

    where = "mongodb"
    database: Any = type("", (), {"__getitem__": lambda self, _: self, "count_documents": lambda *_: 0})()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """One in which all is well."""
    made = World()
    keyed, source = generations.TopicFacts(KEYED.topic, "", 1), generations.TopicFacts(SOURCE.topic, "", 1, (9,), (5,))
    begun = generations.Generation(PIPELINE.name, 1, PIPELINE.text_hash, {}, keyed, (source,))
    monkeypatch.setattr(target, "open_mongo", lambda _: Mongo())
    monkeypatch.setattr(generations, "read", lambda *_: begun)
    monkeypatch.setattr(fences, "read_fences", made.read_fences)
    monkeypatch.setattr(standing, "_bounds", made.ends)
    return made


def test_a_pipeline_whose_log_was_made_anew_is_lost(world: World) -> None:
    """Not live, not caught up; the state, the lag and the partition say so in JSON as well."""
    assert (world.standing().state, world.standing().lag) == ("live", 0)
    world.bounds = (0, 2)

    found = world.standing()

    assert (found.state, found.lost, found.lag, found.freshness_seconds) == ("lost", True, None, None)
    told = found.as_dict()
    assert (told["state"], told["lost"], told["lag"]) == ("lost", True, None)
    assert [(one["lag"], one["lost"]) for one in told["partitions"]] == [(None, True)]


def test_a_fence_without_a_step_begins_where_its_log_does(world: World) -> None:
    """As a worker reads it: nothing is lost where the first records went before the generation began."""
    world.place, world.tp = f"router/{SOURCE.topic}[0]", SOURCE
    world.fence, world.bounds = {"offset": 0, "seq": 0, "copied": False}, (5, 9)

    found = world.standing()

    assert (found.partitions[0].offset, found.lag, found.state) == (5, 4, "copying")


@pytest.mark.parametrize(
    ("place", "tp", "start"),
    [
        pytest.param(f"router/{SOURCE.topic}[0]", SOURCE, 6, id="source topic, since the generation began at 5"),
        pytest.param("joiner/0", KEYED, 1, id="keyed topic, which was empty when we made it"),
    ],
)
def test_a_fence_without_a_step_whose_log_was_cut_is_lost(world: World, place: str, tp: TP, start: int) -> None:
    """Records were deleted that nobody had read: as the worker says it, which stops there."""
    world.place, world.tp = place, tp
    world.fence, world.bounds = {"offset": 0, "seq": 0, "copied": False}, (start, 9)

    found = world.standing()

    assert (found.state, found.lag) == ("lost", None)
    assert found.partitions[0].verdict == "LOST: 1 records were deleted before they were read"


def test_logs_are_asked_after_fences(world: World) -> None:
    """What a running worker makes durable between the two would look as if it were beyond the end."""
    world.standing()

    assert world.asked == ["fences", "logs"]


def test_status_ends_with_3_and_says_what_to_do(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `offsets` does; 0 as long as every fence is within its log."""
    monkeypatch.setattr("syncsvc.cli.pipelines.load", lambda files: [PIPELINE])
    assert run("status", "x.yaml").code == 0
    world.bounds = (0, 2)

    told = run("status", "x.yaml")

    assert (told.code, run("status", "x.yaml", "-o", "json").code) == (3, 3)
    assert "BEYOND THE END" in told.out
    assert "syncsvc rebuild" in told.out


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_log_of_a_watch_ends_with_3_where_records_are_lost(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """As `status` without `--watch`: nothing gets better by itself, and what reads the log is to know."""
    monkeypatch.setattr("syncsvc.cli.pipelines.load", lambda files: [PIPELINE])
    world.bounds = (0, 2)

    told = run("status", "x.yaml", "--watch", "-o", form)

    assert told.code == 3
    assert "lost" in told.out.splitlines()[0]
    assert "status.lost" in (told.err if form == "table" else told.out)


def test_the_end_of_a_watch_on_a_terminal_says_that_records_are_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends it with 3 and the reason; the view itself stays, because other pipelines go on."""

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", interrupted)
    monkeypatch.setattr(watching.output, "console", lambda: Console(file=io.StringIO(), force_terminal=True))
    with pytest.raises(KeyboardInterrupt):
        watching.on_terminal(lambda: [world.standing()], 1.0)
    world.bounds = (0, 2)

    with pytest.raises(Drift) as lost:
        watching.on_terminal(lambda: [world.standing()], 1.0)

    assert [problem.code for problem in lost.value.problems] == ["status.lost"]


@pytest.mark.parametrize(
    ("start", "offset", "end", "lag", "verdict"),
    [
        pytest.param(0, 7, 9, 2, "", id="behind"),
        pytest.param(0, 10, 2, None, "BEYOND THE END: the topic was made anew", id="made anew"),
        pytest.param(5, 3, 9, None, "LOST: 2 records were deleted before they were read", id="deleted"),
        pytest.param(0, None, 2, None, "not opened", id="not opened"),
    ],
)
def test_trace_tells_of_a_fence_what_status_tells(
    start: int, offset: int | None, end: int, lag: int | None, verdict: str
) -> None:
    """No lag of 0 where the log was made anew; in JSON as well."""
    seen = FenceSeen("keyed[0]", start, offset, end, 1, 1)

    assert (seen.lag, seen.verdict) == (lag, verdict)
    (told,) = Followed("", (), (), (), (seen,), ()).as_dict()["fences"]
    assert (told["lag"], told["verdict"]) == (lag, verdict)


def test_a_generation_whose_log_is_lost_is_not_published_unasked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows how far it is behind."""
    monkeypatch.setattr(publication, "complete", lambda *_: True)
    world.bounds = (0, 2)
    mongo, begun = target.open_mongo(GIVEN), generations.read(target.open_mongo(GIVEN), PIPELINE.name, 1)

    (problem,) = publish._problems(PIPELINE, begun, mongo, GIVEN, behind=False)

    assert (problem.code, "unknown number" in problem.what) == ("publish.behind", True)


def test_one_lost_partition_makes_the_pipeline_lost() -> None:
    """Whatever the others are."""
    whole = Standing("meetings", 1, "meetings__g1", "live", (part(0, 9, 9),), 0, 5.0)

    assert not whole.lost
    assert replace(whole, partitions=(part(0, 9, 9), part(0, 10, 2))).lost
