"""Tracing: a span a transaction, linked to the traces of the source; nothing at all when it is off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from syncsvc.errors import UsageFault
from syncsvc.telemetry import tracing
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.telemetry.tracing import MOST_LINKS, Tracing

TOPIC = "meetup.meetup.event"
PLACE: dict[str, Any] = {"pipeline": "meetings", "topic": TOPIC, "partition": 3}
STEP: dict[str, Any] = {**PLACE, "stage": "router", "offset": 90, "records": 20, "documents": 3, "seconds": 0.25}


def record(trace: int, *, flags: str = "01", name: str = "traceparent") -> Any:
    """A record with the context of a trace in its headers."""
    return SimpleNamespace(headers=[("other", b"\xff"), (name, f"00-{trace:032x}-{trace:016x}-{flags}".encode())])


@pytest.fixture
def kept() -> InMemorySpanExporter:
    """Where the spans go."""
    return InMemorySpanExporter()


@pytest.fixture
def events(kept: InMemorySpanExporter) -> Iterator[Events]:
    """The events of a worker with tracing on."""
    labels = PipelineLabels("meetings", "meetings__g1", "3f9a", "view", ("meetup.event",), (TOPIC,), 10)
    on = Tracing(version="1.2.3", instance="pod-0", processor=SimpleSpanProcessor(kept))
    yield Events(Metrics([labels], version="1.2.3"), on)
    on.close()


def seen(events: Events, *records: Any) -> None:
    """A batch was read."""
    assert events.tracing is not None
    events.tracing.seen(**PLACE, records=records)


def test_a_transaction_is_a_span_with_its_place_and_counts(events: Events, kept: InMemorySpanExporter) -> None:
    """It lasts as long as the transaction took, under the names that OpenTelemetry gives to such things."""
    events.batch_committed(**STEP)

    (span,) = kept.get_finished_spans()
    assert span.name == f"router {TOPIC}"
    assert span.attributes is not None
    assert span.attributes["messaging.system"] == "kafka"
    assert span.attributes["messaging.batch.message_count"] == 20
    assert span.attributes["syncsvc.documents"] == 3
    assert (span.end_time or 0) - (span.start_time or 0) == 250_000_000
    assert span.resource.attributes["service.instance.id"] == "pod-0"


def test_its_links_are_the_traces_of_the_records_in_it(events: Events, kept: InMemorySpanExporter) -> None:
    """Each once, of all batches since the last transaction; the next one begins anew."""
    seen(events, record(1), record(2), record(1))
    seen(events, record(3))
    events.batch_committed(**STEP)
    events.batch_committed(**STEP)

    first, second = kept.get_finished_spans()
    assert [link.context.trace_id for link in first.links] == [1, 2, 3]
    assert all(link.context.is_remote for link in first.links)
    assert second.links == ()


def test_links_are_bounded(events: Events, kept: InMemorySpanExporter) -> None:
    """A first copy with a trace a row does not make spans that a collector throws away."""
    seen(events, *(record(number) for number in range(1, 5000)))
    events.batch_committed(**STEP)

    assert len(kept.get_finished_spans()[0].links) == MOST_LINKS


def test_what_is_not_sampled_or_not_well_formed_is_passed_over() -> None:
    """A broken header is never a fault of the record."""
    whole = b"1" * 32 + b"-" + b"1" * 16 + b"-01"
    broken = [b"", b"00", b"00-" + whole.replace(b"1" * 32, b"0" * 32), b"ff-" + whole, b"00-" + whole + b"-more"]
    bad = [SimpleNamespace(headers=[("traceparent", value)]) for value in broken]

    assert tracing.contexts([*bad, record(7, flags="00"), record(8, name="tracestate"), record(9)]) == [(9, 9, 1)]


def test_without_the_extra_it_is_refused_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, not at the first span."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(UsageFault, match=r"syncsvc\[otel\]"):
        Tracing(version="1", instance="pod-0")
