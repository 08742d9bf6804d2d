"""What an actor tells of a step's way, measured once a step."""

from __future__ import annotations

import pytest

from syncsvc.actors.report import Report
from syncsvc.engine.port import RecordBatch
from syncsvc.flow import Record
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics
from tests.telemetry.test_metrics import a_worker, value

SUM, COUNT = "syncsvc_stage_latency_seconds_sum", "syncsvc_stage_latency_seconds_count"


def batch(*timestamps: int) -> tuple[RecordBatch, object]:
    """A batch whose records were written to Kafka at these times, Unix ms."""
    records = [Record(offset, b"", b"", timestamp) for offset, timestamp in enumerate(timestamps)]
    return RecordBatch("t", 0, records, len(records)), lambda: None


def a_router(metrics: Metrics) -> Report:
    """What a router of the pipeline tells."""
    of = metrics.of("meetings"), metrics.progress("meetings"), Events(metrics)
    return Report("meetings", "router", "meetup.meetup.event", 0, *of)


@pytest.mark.parametrize(
    ("oldest_ms", "expected"),
    [
        pytest.param(1_000, 2.5, id="from the commit in the source to the record in Kafka"),
        pytest.param(9_000, 0.0, id="clocks that differ give nothing below 0"),
    ],
)
def test_what_the_connector_took_is_told_by_the_oldest_change_of_a_step(oldest_ms: int, expected: float) -> None:
    """A connector that is behind shows as such, and not as a slow join."""
    metrics = a_worker()
    report = a_router(metrics)

    report.captured([batch(), batch(3_500, 4_000)], oldest_ms)

    assert value(metrics, SUM, stage="capture") == expected
    assert value(metrics, COUNT, stage="capture") == 1


def test_a_step_whose_source_tells_no_time_says_nothing_about_the_connector() -> None:
    """Not even 0, which would look like a quick one."""
    metrics = a_worker()
    report = a_router(metrics)

    report.captured([batch(3_500)], None)
    report.captured([batch()], 1_000)

    assert value(metrics, COUNT, stage="capture") == 0


def test_the_join_is_a_stage_of_its_own() -> None:
    """What fold, rendering and waiting for the transaction before took is neither queue nor MongoDB."""
    metrics = a_worker()
    metrics.of("meetings").joined(0.25)

    assert value(metrics, SUM, stage="join") == 0.25
    assert value(metrics, COUNT, stage="apply") == 0
