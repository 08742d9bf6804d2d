"""The state of a worker as values: what the page and the command show."""

from __future__ import annotations

import json

import msgspec
from bson.int64 import Int64

from syncsvc.telemetry.progress import Progress
from syncsvc.telemetry.status import PartitionStatus, PipelineStatus, Status, builtins, partitions_of

NOW = 1_000_000.0


def test_partitions_are_shown_as_progress_knows_them() -> None:
    """Router first; what is not known is None, also a freshness that is infinite."""
    progress = Progress()
    progress.owned("joiner", "keyed", 3, 9)
    progress.owned("router", "events", 0, 5)
    progress.ends({("events", 0): (0, 7)}, polled_at=NOW)
    progress.waiting("events", 0, int((NOW - 2) * 1000), NOW)

    router, joiner = partitions_of(progress.view(NOW))

    assert (router.stage, router.lag, router.freshness, router.state) == ("router", 2, 2.0, "behind")
    assert (joiner.stage, joiner.end_offset, joiner.lag, joiner.freshness) == ("joiner", None, None, None)


def test_a_status_is_ready_for_json() -> None:
    """With the lag of each pipeline added up; None when it owns nothing."""
    pipeline = PipelineStatus("meetings", 2, "meetings__g2", "running", None, 10.0, (), 0, 0)
    shown = json.loads(json.dumps(Status("1.2.3", "syncsvc-0", NOW, (pipeline,)).as_dict()))

    assert shown["pipelines"][0]["name"] == "meetings"
    assert shown["pipelines"][0]["lag"] is None


def test_a_status_survives_being_told_to_another_worker() -> None:
    """Also with offsets as the driver gives them, which are numbers of a type of its own."""
    partition = PartitionStatus("router", "t", 0, Int64(12), 12, 0, 0.0, "live")
    told = Status("1", "a", NOW, (PipelineStatus("p", 1, "c", "running", 0.0, 5.0, (partition,), 3, 0,
                                                 first_copy=(Int64(1), Int64(2))),))  # fmt: skip

    assert msgspec.convert(json.loads(json.dumps(builtins(told))), Status) == told
    assert type(builtins(told)["pipelines"][0]["partitions"][0]["applied_offset"]) is int
