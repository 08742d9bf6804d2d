"""
What an actor tells the outside: one object for the metrics, progress and events of its pipeline.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from syncsvc.actors.ports import Ack
from syncsvc.assembly import joiner
from syncsvc.engine.port import Record, RecordBatch
from syncsvc.routing.outcome import ParkedRecord
from syncsvc.routing.outcome import Tally as Routed
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.pipeline_metrics import PipelineMetrics
from syncsvc.telemetry.progress import Progress


@dataclass(frozen=True, slots=True)
class Report:
    """Telemetry of one partition of one stage."""

    pipeline: str
    stage: str
    topic: str
    partition: int
    metrics: PipelineMetrics
    progress: Progress
    events: Events

    def waiting(self, source_ms: int | None) -> None:
        """The oldest event fetched and not yet durable."""
        self.progress.waiting(self.topic, self.partition, source_ms, time.time())

    def captured(self, batches: Iterable[tuple[RecordBatch, Ack]], oldest_ms: int | None) -> None:
        """A step began with these batches; `oldest_ms`: commit time of its oldest change in the source, if known."""
        first = next((batch.records[0] for batch, _ in batches if batch.records), None)
        if first is not None and oldest_ms:
            self.metrics.captured((first.timestamp - oldest_ms) / 1000)

    def applied(self, offset: int, source_ms: int | None) -> None:
        """Everything below `offset` is durable; `source_ms` is the oldest event that this made so."""
        self.progress.applied(self.topic, self.partition, offset, source_ms)

    def sent(self, records: int) -> None:
        """Records acknowledged by the keyed topic."""
        self.metrics.emitted(self.stage, records)

    def traced(self, records: Sequence[Record]) -> None:
        """A batch was read; its trace contexts are linked to the next step, where tracing is on."""
        if self.events.tracing is not None:
            self.events.tracing.seen(
                pipeline=self.pipeline, topic=self.topic, partition=self.partition, records=records
            )  # fmt: skip

    def committed(self, offset: int, records: int, documents: int, began: float) -> None:
        """A step is durable; `began` is `time.monotonic()` when it was handed over."""
        self.events.batch_committed(
            pipeline=self.pipeline, stage=self.stage, topic=self.topic, partition=self.partition, offset=offset,
            records=records, documents=documents, seconds=time.monotonic() - began,
        )  # fmt: skip

    def consumed(self, table: str, consumed: Mapping[str, int]) -> None:
        """Records decoded, by kind."""
        for op, count in consumed.items():
            self.metrics.consumed(table, op, count)

    def routed(self, table: str, tally: Routed, parked: list[ParkedRecord]) -> None:
        """What became of the records that a router's step made durable (invariant 5)."""
        self.consumed(table, tally.consumed)
        self.metrics.applied(table, tally.applied)
        for (emptied, cause), count in tally.barriers.items():
            self.events.rows_barred(pipeline=self.pipeline, table=emptied, cause=cause, events=count)
        for reason, count in tally.skipped.items():
            self.metrics.skipped(table, reason, count)
        for record in parked:
            offset = int(record.place.rpartition("@")[2])
            self.events.record_parked(
                pipeline=self.pipeline, table=table, topic=self.topic, partition=self.partition, offset=offset,
                reason=record.code,
            )  # fmt: skip

    def folded(self, tally: joiner.Tally) -> None:
        """What became of the keyed records of a joiner's step."""
        for kind, count in tally.applied.items():
            self.metrics.keyed(kind, "applied", count)
        if tally.duplicate:
            self.metrics.keyed("any", "duplicate", tally.duplicate)
        if tally.crossed:
            self.metrics.keyed("row", "stale", tally.crossed)
        if tally.barred:
            self.metrics.keyed("put", "stale", tally.barred)
        if tally.barred or tally.swept or tally.doomed:
            self.events.rows_removed(
                pipeline=self.pipeline, partition=self.partition, barred=tally.barred, swept=tally.swept,
                doomed=tally.doomed,
            )  # fmt: skip

    def retrying(self, reason: str, attempt: int, wait_seconds: float) -> None:
        """Something that passes keeps the partition waiting."""
        self.events.retrying(pipeline=self.pipeline, reason=reason, attempt=attempt, wait_seconds=wait_seconds)

    def fenced_out(self) -> None:
        """Another worker owns the partition."""
        self.events.fenced_out(
            pipeline=self.pipeline, stage=self.stage, topic=self.topic, partition=self.partition
        )
