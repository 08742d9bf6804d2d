"""Workers put together: nothing gets better by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncsvc.telemetry.fleet import BELIEVED_SECONDS, SILENT_SECONDS, Fleet, FleetPipeline, Seen
from syncsvc.telemetry.recent import Timing
from syncsvc.telemetry.status import PartitionStatus, PipelineStatus, Status, TopicStatus

TOPICS = (TopicStatus("router", "t", 2), TopicStatus("joiner", "k", 1))


def part(stage: str, number: int, freshness: float | None = 0.0, lag: int | None = 0) -> PartitionStatus:
    """A partition of `TOPICS`."""
    end = None if lag is None else 10 + lag
    return PartitionStatus(stage, "t" if stage == "router" else "k", number, 10, end, lag, freshness, "live")


def status(instance: str, *partitions: PartitionStatus, **changed: Any) -> Status:
    """A worker with one pipeline."""
    ages = [one.freshness for one in partitions]
    freshness = None if None in ages or not ages else max(age for age in ages if age is not None)
    pipeline = PipelineStatus("p", 1, "c", "running", freshness, 5.0, partitions, 100, 0, topics=TOPICS)
    return Status("1", instance, 0.0, (replace(pipeline, **changed),))


def whole(own: Status, *others: Seen) -> FleetPipeline:
    """The one pipeline of a fleet."""
    (found,) = Fleet(own, others).pipelines()
    return found


A = ("a", part("router", 0), part("joiner", 0))


def test_two_workers_make_one_pipeline() -> None:
    """Every partition with its owner, documents and rates added up."""
    own = status(*A, documents_per_second=1.5)
    other = Seen("b", 1.0, status("b", part("router", 1, 0.0), documents_per_second=2.0))

    found = whole(own, other)

    assert [(one.status.stage, one.status.partition, one.owner) for one in found.partitions] == [
        ("router", 0, "a"), ("router", 1, "b"), ("joiner", 0, "a"),
    ]  # fmt: skip
    assert (found.workers, found.orphans, found.whole.state) == (2, 0, "running")
    assert (found.whole.freshness_seconds, found.whole.lag) == (0.0, 0)
    assert (found.whole.documents_written, found.whole.documents_per_second) == (200, 3.5)


def test_what_was_told_is_as_old_as_it_is() -> None:
    """An age grows on the way here, and "caught up" is believed for seconds only."""
    behind = Seen("b", 3.0, status("b", part("router", 1, 7.0, 4)))
    old = Seen("b", BELIEVED_SECONDS, status("b", part("router", 1, 0.0)))

    assert whole(status(*A), behind).whole.freshness_seconds == 10.0
    assert whole(status(*A), old).whole.freshness_seconds is None


def test_the_silent_own_nothing() -> None:
    """Their partitions are nobody's: freshness and lag are not known, and the pipeline is degraded."""
    found = whole(status(*A), Seen("b", SILENT_SECONDS, status("b", part("router", 1))))

    assert (found.workers, found.orphans, found.whole.state) == (1, 1, "degraded")
    assert (found.whole.freshness_seconds, found.whole.lag) == (None, None)


def test_a_pipeline_whose_workers_are_all_dead_is_stalled() -> None:
    """It stays on the page of a worker that runs another one."""
    (found,) = Fleet(Status("1", "a", 0.0, ()), (Seen("b", 60.0, status("b", part("router", 1))),)).pipelines()

    assert (found.workers, found.whole.state, found.whole.freshness_seconds) == (0, "stalled", None)


def test_of_two_claims_the_worse_counts() -> None:
    """In the middle of a rebalance both may say a partition is theirs."""
    mine, theirs = part("router", 1, 0.0), part("router", 1, 4.0, 2)

    for own, other in ((mine, theirs), (theirs, mine)):
        found = whole(status(*A, own), Seen("b", 0.0, status("b", other)))
        assert found.whole.freshness_seconds == 4.0
    unknown = whole(status(*A, theirs), Seen("b", 0.0, status("b", part("router", 1, None, None))))
    assert unknown.whole.freshness_seconds is None


@pytest.mark.parametrize(("state", "shown"), [("snapshotting", "snapshotting"), ("failed", "failed")])
def test_the_worst_state_is_the_pipelines(state: str, shown: str) -> None:
    """One worker that still copies, or failed, is what to know."""
    assert whole(status(*A), Seen("b", 0.0, status("b", part("router", 1), state=state))).whole.state == shown


def test_the_first_copy_counts_those_who_copy() -> None:
    """Who is done is not counted again, so the part shown is never too large."""
    other = status("b", part("router", 1), state="snapshotting", first_copy=(5, 20))

    assert whole(status(*A), Seen("b", 0.0, other)).whole.first_copy == (5, 20)
    assert whole(status(*A, first_copy=(1, 10)), Seen("b", 0.0, other)).whole.first_copy == (6, 30)


def test_timings_are_added_bucket_by_bucket() -> None:
    """A quantile of the fleet is one of all its events, not a mean of quantiles."""
    slow, quick = Timing("apply", (0.1, 1.0), (0, 1, 0)), Timing("apply", (0.1, 1.0), (99, 0, 0))

    (found,) = whole(status(*A, timings=(quick,)), Seen("b", 0.0, status("b", timings=(slow,)))).whole.timings

    assert (found.events, found.quantile(0.5), found.quantile(1.0)) == (100, pytest.approx(0.0505, abs=1e-4), 1.0)


def test_a_worker_of_another_version_is_listed_without_details() -> None:
    """What it told cannot be read; it is there all the same."""
    fleet = Fleet(status(*A), (Seen("z", 1.0, None),))

    assert [one.instance for one in fleet.workers()] == ["a", "z"]
    assert len(fleet.pipelines()) == 1
