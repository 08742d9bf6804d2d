"""
OpenTelemetry spans, one a transaction, with links to the traces that the source's records carry; extra `otel`.

A span says when a batch of a partition was made durable and how much it held.  Its links lead to the W3C trace contexts
(`traceparent`) in the Kafka headers of the records in it, as Debezium's ActivateTracingSpan writes them: a batch has
many parents, so they are links and not parents.  Off by default: then nothing here is imported or called, and a record
costs nothing.  Spans carry places and counts, never a key or the content of a row.

Where spans go is told by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, …).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from syncsvc.errors import UsageFault

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Link

HEADER = "traceparent"
#: Links of one span; a collector drops a span that is too large, and a batch may hold thousands of records.
MOST_LINKS = 32
#: version-trace-parent-flags of https://www.w3.org/TR/trace-context; a later version may add fields.
_CONTEXT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NANO = 1_000_000_000

#: `(trace id, span id, flags)` of a record.
Context = tuple[int, int, int]


class Headed(Protocol):
    """What is looked at of a record."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Name and raw value."""


def context(value: bytes) -> Context | None:
    """
    The context of a `traceparent`; None for one that is not well formed, which the standard says to pass over.

    >>> context(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    (14548178468393391166086112411426501020, 13235353014750950193, 1)
    """
    found = _CONTEXT.fullmatch(value)
    if found is None or found[1] == b"ff" or (found[1] == b"00" and len(value) != 55):
        return None
    trace, span = int(found[2], 16), int(found[3], 16)
    return (trace, span, int(found[4], 16)) if trace and span else None


def contexts(records: Iterable[Headed], most: int = MOST_LINKS) -> list[Context]:
    """The first so many different contexts of some records, in their order; sampled ones only: others are not kept."""
    found: dict[Context, None] = {}
    for record in records:
        for name, value in record.headers:
            if name == HEADER and (one := context(value)) is not None and one[2] & 1:
                found[one] = None
        if len(found) >= most:
            break
    return list(found)[:most]


class Tracing:
    """
    The tracer of one worker.

    Args:
        instance: of the worker.
        processor: takes the spans in place of the exporter that the environment names.

    Raises:
        UsageFault: `tracing.no_extra`.
    """

    def __init__(self, *, version: str, instance: str, processor: SpanProcessor | None = None) -> None:
        self._provider = _provider(version, instance, processor)
        self._tracer = self._provider.get_tracer("syncsvc", version)
        #: Contexts seen since the last transaction of a partition.
        self._waiting: dict[tuple[str, str, int], list[Context]] = {}

    def seen(self, *, pipeline: str, topic: str, partition: int, records: Sequence[Headed]) -> None:
        """A batch was read; its contexts become links of the next transaction of the partition."""
        waiting = self._waiting.setdefault((pipeline, topic, partition), [])
        if len(waiting) < MOST_LINKS:
            waiting += contexts(records, MOST_LINKS - len(waiting))

    def committed(
        self, *, pipeline: str, stage: str, topic: str, partition: int, offset: int, records: int, documents: int,
        seconds: float,
    ) -> None:  # fmt: skip
        """A transaction became durable now, `seconds` after it was handed over."""
        now = time.time_ns()
        links = self._links(self._waiting.pop((pipeline, topic, partition), []))
        attributes: Mapping[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": str(partition),
            "messaging.batch.message_count": records,
            "syncsvc.pipeline": pipeline,
            "syncsvc.stage": stage,
            "syncsvc.offset": offset,
            "syncsvc.documents": documents,
        }
        span = self._tracer.start_span(
            f"{stage} {topic}", links=links, attributes=attributes, start_time=now - int(seconds * _NANO)
        )
        span.end(now)

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()

    @staticmethod
    def _links(found: Iterable[Context]) -> list[Link]:
        from opentelemetry.trace import Link, SpanContext, TraceFlags

        return [Link(SpanContext(trace, span, True, TraceFlags(flags))) for trace, span, flags in found]


def _provider(version: str, instance: str, processor: SpanProcessor | None) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UsageFault(
            code="tracing.no_extra",
            where="SYNCSVC_TRACING",
            what="tracing needs packages that are not installed",
            fix="install them:  pip install 'syncsvc[otel]'",
        ) from None
    resource = Resource.create(
        {"service.name": "syncsvc", "service.version": version, "service.instance.id": instance}
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
    return provider
