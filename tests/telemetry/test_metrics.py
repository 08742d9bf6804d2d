"""What a scrape of a worker shows."""

from __future__ import annotations

import math
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from syncsvc import telemetry
from syncsvc.devstack import cache, children, prometheus
from syncsvc.telemetry import bounded, pipeline_metrics
from syncsvc.telemetry.catalogue import catalogue, markdown
from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.wiring import worker

NOW = 1_000_000.0
EVENT, MEMBER = "meetup.event", "meetup.member"
KEYED = "syncsvc.meetings.g2.keyed"
MEETINGS = PipelineLabels(
    name="meetings",
    collection="meetings__g2",
    config_hash="3f9a",
    mode="view",
    tables=(EVENT, MEMBER),
    topics=("meetup.meetup.event", "meetup.meetup.member", KEYED),
    objective_seconds=10,
)


def a_worker() -> Metrics:
    """Metrics of a worker with one pipeline, at a time that stands still."""
    return Metrics([MEETINGS], version="1.2.3", keyed_kinds=("row",), clock=lambda: NOW)


def scraped(metrics: Metrics) -> Iterator[Sample]:
    """All samples, through the text a Prometheus server reads."""
    body, _ = metrics.render()
    for family in text_string_to_metric_families(body.decode()):
        yield from family.samples


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """The one sample with this name and these labels."""
    (found,) = [s.value for s in scraped(metrics) if s.name == name and labels.items() <= s.labels.items()]
    return found


def test_every_metric_of_the_catalogue_is_scraped_with_its_labels() -> None:
    """So a dashboard made from the catalogue finds what it asks for."""
    metrics = a_worker()
    progress = metrics.progress("meetings")
    progress.owned("router", "meetup.meetup.event", 0, 5, 1000)
    progress.ends({("meetup.meetup.event", 0): (0, 5)}, NOW)
    progress.heartbeat("meetup", 1000)
    metrics.of("meetings").decode_error(KEYED, "change.bad_json")

    seen: dict[str, set[str]] = {}
    for sample in scraped(metrics):
        seen.setdefault(sample.name, set()).update(set(sample.labels) - {"le"})

    for entry in catalogue():
        name = entry.name + ("_bucket" if entry.type == "histogram" else "")
        assert seen.get(name) == set(entry.labels), name


def test_nothing_is_scraped_that_the_catalogue_does_not_explain() -> None:
    """But for the process and Python metrics of the client."""
    known = {entry.name for entry in catalogue()}
    body, _ = a_worker().render()
    ours = [f for f in text_string_to_metric_families(body.decode()) if f.name.startswith("syncsvc_")]

    # The parser takes `_total` off a counter's name.
    assert {f.name + ("_total" if f.type == "counter" else "") for f in ours} <= known


def test_every_label_set_of_a_pipeline_starts_at_zero() -> None:
    """So that `increase()` sees the first event, and an alert on the first parked record works."""
    metrics = a_worker()

    for table in (EVENT, MEMBER):
        for op in ("insert", "update", "delete", "snapshot"):
            assert value(metrics, "syncsvc_events_consumed_total", table=table, op=op) == 0
        for reason in pipeline_metrics.SKIP_REASONS:
            assert value(metrics, "syncsvc_events_skipped_total", table=table, reason=reason) == 0


def test_what_was_consumed_is_applied_skipped_or_parked() -> None:
    """Invariant 5: the three add up to the events consumed, per table."""
    metrics = a_worker()
    meetings = metrics.of("meetings")
    meetings.consumed(EVENT, "c", 5)
    meetings.consumed(EVENT, "u", 4)
    meetings.applied(EVENT, 6)
    meetings.skipped(EVENT, "stale", 2)
    meetings.parked(EVENT, "change.bad_value")

    total = {
        name: sum(s.value for s in scraped(metrics) if s.name == f"syncsvc_events_{name}_total")
        for name in ("consumed", "applied", "skipped", "parked")
    }

    assert total == {"consumed": 9, "applied": 6, "skipped": 2, "parked": 1}


def test_every_code_of_a_record_that_cannot_be_read_starts_at_zero() -> None:
    """So that an alert sees the first one, whatever is wrong with it: the list is that of the code."""
    package = Path(telemetry.__file__).parents[1]
    code = " ".join(path.read_text() for name in ("changes", "routing") for path in (package / name).glob("*.py"))
    raised = set(re.findall(r"\"((?:change|ddl)\.[a-z_]+)\"", code)) - {"change.no_registry"}  # ends the process

    assert set(pipeline_metrics.DECODE_REASONS) == raised


def test_every_reason_of_a_retry_is_one_of_the_list() -> None:
    """What the driver calls it is turned into the words of the metric, which all start at 0."""
    assert set(worker.RETRY_REASONS.values()) <= set(pipeline_metrics.RETRY_REASONS)


def test_reasons_never_grow_without_bound() -> None:
    """A faulty caller that puts row values into a reason costs some series, not the monitoring's memory."""
    metrics = a_worker()
    for number in range(1000):
        metrics.of("meetings").parked(EVENT, f"code.{number}")

    series = {s.labels["reason"]: s.value for s in scraped(metrics) if s.name == "syncsvc_events_parked_total"}

    known = len(pipeline_metrics.DECODE_REASONS)
    assert len(series) == known + bounded.MOST_VALUES + 1  # .. of which one is "other"
    assert sum(series.values()) == 1000
    assert series["other"] > 900


def test_freshness_is_computed_when_it_is_scraped() -> None:
    """It goes on growing when the event loop stands still and nobody reports anything."""
    times = iter([NOW, NOW + 60])
    metrics = Metrics([MEETINGS], version="1", clock=lambda: next(times))
    metrics.progress("meetings").owned("router", "meetup.meetup.event", 0, 5)
    metrics.progress("meetings").waiting("meetup.meetup.event", 0, int((NOW - 1) * 1000), NOW)

    assert value(metrics, "syncsvc_freshness_seconds") == 1
    assert value(metrics, "syncsvc_freshness_seconds") == 61


def test_what_is_not_known_is_not_zero() -> None:
    """A lag without an end offset is NaN, a freshness without proof is infinite: neither looks healthy."""
    metrics = a_worker()
    assert math.isnan(value(metrics, "syncsvc_freshness_seconds"))

    metrics.progress("meetings").owned("joiner", KEYED, 3, 5)

    assert math.isnan(value(metrics, "syncsvc_consumer_lag_messages", topic=KEYED, partition="3"))
    assert value(metrics, "syncsvc_freshness_seconds", pipeline="meetings") == math.inf
    assert value(metrics, "syncsvc_assigned_partitions", stage="joiner") == 1


def test_a_pipeline_is_in_exactly_one_state() -> None:
    """A state set: 1 for the state, 0 for the others."""
    metrics = a_worker()
    metrics.of("meetings").state("running")

    ones = [s.labels["state"] for s in scraped(metrics) if s.name == "syncsvc_pipeline_state" and s.value == 1]

    assert ones == ["running"]


def test_an_event_from_the_future_counts_as_skew_and_as_no_time() -> None:
    """Clocks differ: the histogram must not get negative values, and somebody must be able to see it."""
    metrics = a_worker()
    metrics.of("meetings").visible(-0.5)

    assert value(metrics, "syncsvc_clock_skew_events_total") == 1
    assert value(metrics, "syncsvc_end_to_end_latency_seconds_sum") == 0


def test_unchanged_documents_are_counted_but_not_as_written_ones() -> None:
    """The page's figure is of real writes."""
    meetings = a_worker().of("meetings")
    meetings.written("modified", 3)
    meetings.written("unchanged", 2)

    assert meetings.documents_written == 3


def test_a_server_that_asks_for_openmetrics_gets_it() -> None:
    """Prometheus does, to keep exact types."""
    body, content_type = a_worker().render("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_the_reference_page_explains_every_metric() -> None:
    """Name, unit and how to read it."""
    page = markdown()

    for entry in catalogue():
        assert f"## `{entry.name}`" in page
        assert entry.help in page
        assert entry.interpretation in page


def test_a_pipeline_whose_records_wait_and_do_not_move_is_stalled() -> None:
    """Judged when it is scraped: nobody has to report that nothing happens."""
    times = iter([NOW, NOW + 59, NOW + 61, NOW + 62])
    metrics = Metrics([MEETINGS], version="1", clock=lambda: next(times))
    metrics.of("meetings").state("running")
    progress = metrics.progress("meetings")
    progress.owned("joiner", KEYED, 3, 5)
    progress.ends({(KEYED, 3): (0, 9)}, NOW)

    assert [metrics.state("meetings") for _ in range(3)] == ["running", "running", "stalled"]
    progress.applied(KEYED, 3, 6, None)
    assert metrics.state("meetings") == "running"


def test_a_pipeline_with_parked_keys_is_degraded() -> None:
    """All other keys flow, but a person has to look."""
    metrics = a_worker()
    metrics.of("meetings").state("running")
    metrics.of("meetings").parked_now(2, NOW - 5)

    assert metrics.state("meetings") == "degraded"
    assert value(metrics, "syncsvc_parked_oldest_timestamp_seconds") == NOW - 5


def test_a_full_queue_is_back_pressure() -> None:
    """One partition that is no longer read is enough; how much waits is asked when somebody scrapes."""
    metrics = a_worker()
    waiting = [3, 0]
    metrics.of("meetings").state("running")
    metrics.of("meetings").watch(waiting=lambda: waiting, most_waiting=100, store_bytes=lambda: 4096)
    assert metrics.state("meetings") == "running"

    waiting[1] = 100

    assert metrics.state("meetings") == "backpressured"
    assert value(metrics, "syncsvc_apply_queue_records") == 103
    assert value(metrics, "syncsvc_apply_queue_capacity_records") == 200
    assert value(metrics, "syncsvc_state_store_bytes") == 4096


def test_a_partition_that_was_held_back_is_counted_with_its_time() -> None:
    """By stage, so that one sees whether routing or joining is the limit; 0 from the start."""
    metrics = a_worker()
    assert value(metrics, "syncsvc_backpressure_pauses_total", stage="router") == 0

    metrics.of("meetings").held_back("joiner", 1.5)
    metrics.of("meetings").held_back("joiner", 0.5)

    assert value(metrics, "syncsvc_backpressure_pauses_total", stage="joiner") == 2
    assert value(metrics, "syncsvc_backpressure_paused_seconds_total", stage="joiner") == 2


def test_what_a_record_waits_in_kafka_is_told_for_both_topics() -> None:
    """Before the router it is the broker's part of the latency, before the joiner the keyed queue's."""
    metrics = a_worker()
    long_ago = int((time.time() - 7) * 1000)
    metrics.of("meetings").arrived("router", long_ago)
    metrics.of("meetings").arrived("joiner", long_ago)

    for stage in ("broker", "queue"):
        assert value(metrics, "syncsvc_stage_latency_seconds_sum", stage=stage) == pytest.approx(7, abs=1)


def test_an_unknown_command_to_mongodb_is_counted_as_other() -> None:
    """The label stays bounded whatever the driver sends."""
    metrics = a_worker()
    metrics.mongo_command("commitTransaction", "ok", 0.004)
    metrics.mongo_command("hello", "failed", 0.1)

    counted = "syncsvc_mongo_command_duration_seconds_count"
    assert value(metrics, counted, command="commitTransaction", outcome="ok") == 1
    assert value(metrics, counted, command="other", outcome="failed") == 1


@pytest.mark.servers
def test_promtool_accepts_the_metrics() -> None:
    """The checks of Prometheus itself: names, units, help texts."""
    metrics = a_worker()
    metrics.progress("meetings").owned("router", "meetup.meetup.event", 0, 5, 1000)
    body, _ = metrics.render()

    nursery = children.Nursery()
    promtool = prometheus.program(cache.Cache(nursery, print), "promtool")
    checked = subprocess.run([*promtool, "check", "metrics"], input=body, capture_output=True, check=False)
    nursery.close()

    assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()
