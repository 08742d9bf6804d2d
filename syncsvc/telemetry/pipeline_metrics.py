"""
The counters of one pipeline, with all their series looked up beforehand.

Invariant 5, nothing disappears silently: for every table, consumed = applied + skipped + parked once nothing is in
flight.  So each event is reported to `consumed` once, when it is decoded, and to exactly one of the other three, when
that is durable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from syncsvc.telemetry.bounded import BoundedCounter
from syncsvc.telemetry.families import Families
from syncsvc.telemetry.standing import Standing

#: Of Debezium's `op`: insert, update, delete, row of a snapshot, table emptied; and records that carry none: the
#: tombstone behind a delete, what is told of tables, and what cannot be read.
OPS = {
    "c": "insert", "u": "update", "d": "delete", "r": "snapshot", "t": "truncate",
    "tombstone": "tombstone", "ddl": "ddl", "unreadable": "unreadable",
}  # fmt: skip
SKIP_REASONS = (
    "stale", "duplicate", "tombstone", "filtered", "unmapped", "unchanged", "heartbeat", "snapshot", "no_effect",
)  # fmt: skip
BARRIER_CAUSES = ("truncate", "drop", "create", "snapshot")
REMOVAL_REASONS = ("barred", "swept", "doomed")
#: Codes of a record that cannot be read, and of a document that cannot be rendered or written.
DECODE_REASONS = (
    "change.bad_avro", "change.bad_envelope", "change.bad_json", "change.bad_map_key", "change.bad_value",
    "change.key_too_long", "change.missing_column", "change.no_key", "change.no_row", "change.null_key",
    "change.refused_type", "change.too_large", "change.undeclared_column", "change.unknown_op", "ddl.bad_event",
    "ddl.bad_json", "ddl.rows_unlogged",
)  # fmt: skip
DOCUMENT_REASONS = ("computed.overflow", "document.refused", "document.too_large", "row.unreadable")
RETRY_REASONS = (
    "network", "not_primary", "write_conflict", "duplicate_key", "timeout", "unknown_result", "schema_registry",
)  # fmt: skip
KEYED_OUTCOMES = ("applied", "duplicate", "stale")
DOCUMENT_OUTCOMES = ("inserted", "modified", "unchanged", "deleted")
STAGES = ("router", "joiner")
#: Parts of a change's way whose time is known; see the metric.
LATENCY_STAGES = ("capture", "broker", "queue", "join", "apply")
TRANSITIONS = ("parked", "released")
#: The stages in front of which a record waits in Kafka, and the part of the way that is.
_WAITED = {"router": "broker", "joiner": "queue"}


@dataclass(frozen=True, slots=True)
class PipelineLabels:
    """What bounds the label sets of one pipeline."""

    name: str
    collection: str
    #: Digest of the mapping file; differs between workers only during a rollout.
    config_hash: str
    #: `view` or `direct`, as the mapping says.
    mode: str
    #: `db.table` names, and the channels of schema changes.
    tables: tuple[str, ...]
    #: Topics it reads: the source topics and the keyed one.
    topics: tuple[str, ...]
    objective_seconds: float
    #: Interval of the source's heartbeats; None when none are read.
    heartbeat_seconds: float | None = None


class PipelineMetrics:
    """
    Counts what happens to the records of one pipeline; every method takes a number so that a batch is one call.

    Args:
        labels: of the pipeline.
        families: all metrics.
        keyed_kinds: kinds of records of the keyed topic.
    """

    def __init__(self, labels: PipelineLabels, families: Families, keyed_kinds: Sequence[str]) -> None:
        name, tables = labels.name, labels.tables
        #: Documents written by this worker since it started.
        self.documents_written = 0

        def bounded(counter: str, *fixed: str, known: Iterable[tuple[str, ...]]) -> BoundedCounter:
            return BoundedCounter(families.counter(counter), (name, *fixed), known)

        families.gauge("pipeline_info").labels(name, labels.collection, labels.config_hash, labels.mode).set(1)
        families.gauge("freshness_objective_seconds").labels(name).set(labels.objective_seconds)
        #: What is judged when somebody scrapes.
        self.standing = Standing()
        self._consumed = {
            (table, op): families.counter("events_consumed_total").labels(name, table, word)
            for table in tables
            for op, word in OPS.items()
        }
        self._applied = _by(families.counter("events_applied_total"), name, tables)
        self._skipped = {t: bounded("events_skipped_total", t, known=_each(SKIP_REASONS)) for t in tables}
        self._parked = {t: bounded("events_parked_total", t, known=_each(DECODE_REASONS)) for t in tables}
        self._barriers = {t: bounded("barriers_total", t, known=_each(BARRIER_CAUSES)) for t in tables}
        self._removed = _by(families.counter("rows_removed_total"), name, REMOVAL_REASONS)
        self._decode_errors = {
            topic: BoundedCounter(families.counter("decode_errors_total"), (topic,), _each(DECODE_REASONS))
            for topic in labels.topics
        }
        keyed = ((kind, outcome) for kind in keyed_kinds for outcome in KEYED_OUTCOMES)
        self._keyed = bounded("keyed_records_total", known=keyed)
        self._emissions = _by(families.counter("emissions_total"), name, STAGES)
        self._commits = _by(families.counter("transaction_commits_total"), name, STAGES)
        self._pauses = _by(families.counter("backpressure_pauses_total"), name, STAGES)
        self._paused = _by(families.counter("backpressure_paused_seconds_total"), name, STAGES)
        self._written = bounded("documents_written_total", labels.collection, known=_each(DOCUMENT_OUTCOMES))
        self._retries = bounded("apply_retries_total", known=_each(RETRY_REASONS))
        self._batch_size = families.histogram("apply_batch_size_documents").labels(name)
        self._duration = families.histogram("apply_duration_seconds").labels(name)
        self._latency = families.histogram("end_to_end_latency_seconds").labels(name)
        latencies = families.histogram("stage_latency_seconds")
        self._latencies = {stage: latencies.labels(name, stage) for stage in LATENCY_STAGES}
        self._skew = families.counter("clock_skew_events_total").labels(name)
        self._rebalances = families.counter("rebalances_total").labels(name)
        self._rebalance = families.histogram("rebalance_duration_seconds").labels(name)
        self._recovery = families.histogram("recovery_duration_seconds").labels(name)
        self._apply_errors = bounded("apply_errors_total", known=_each(DOCUMENT_REASONS))
        self._transitions = _by(families.counter("parked_transitions_total"), name, TRANSITIONS)
        self._parked_keys = families.gauge("parked_keys").labels(name)
        self._parked_oldest = families.gauge("parked_oldest_timestamp_seconds").labels(name)
        self._copy_ratio = families.gauge("snapshot_progress_ratio").labels(name)
        self._copy_rows = _by(families.counter("snapshot_rows_total"), name, tables)
        self._copy_total = families.gauge("snapshot_estimated_rows").labels(name)
        self._copy_began = families.gauge("snapshot_started_timestamp_seconds").labels(name)
        self._copying = False
        self._store = families.gauge("state_store_bytes").labels(name)

    def consumed(self, table: str, op: str, events: int = 1) -> None:
        """Events decoded; `op` is Debezium's letter.  Rows of a snapshot also count as first copy."""
        self._consumed[table, op].inc(events)
        if op == "r":
            self._copy_rows[table].inc(events)

    def applied(self, table: str, events: int = 1) -> None:
        """Events whose effect is durable."""
        self._applied[table].inc(events)

    def skipped(self, table: str, reason: str, events: int = 1) -> None:
        """Events with nothing to do, for one of `SKIP_REASONS`."""
        self._skipped[table].add(events, reason)

    def parked(self, table: str, reason: str, events: int = 1) -> None:
        """Events held back for a person; `reason` is the code of the problem."""
        self._parked[table].add(events, reason)
        self._transitions["parked"].inc(events)

    def document_parked(self, reason: str) -> None:
        """A document was given up on; `reason` is the code of the problem."""
        self._apply_errors.add(1, reason)
        self._transitions["parked"].inc()

    def released(self, keys: int) -> None:
        """Parked keys that go on."""
        self._transitions["released"].inc(keys)

    def barred(self, table: str, cause: str, events: int = 1) -> None:
        """Events that left a table without its older rows, for one of `BARRIER_CAUSES`."""
        self._barriers[table].add(events, cause)

    def removed(self, reason: str, rows: int) -> None:
        """Rows that went without a delete of their own, for one of `REMOVAL_REASONS`."""
        self._removed[reason].inc(rows)

    def decode_error(self, topic: str, reason: str) -> None:
        """A record of `topic` could not be read; `reason` is the error's code."""
        self._decode_errors[topic].add(1, reason)

    def keyed(self, kind: str, outcome: str, records: int = 1) -> None:
        """Records of the keyed topic read; `outcome` is one of `KEYED_OUTCOMES`."""
        self._keyed.add(records, kind, outcome)

    def emitted(self, stage: str, records: int) -> None:
        """Records acknowledged by the keyed topic."""
        self._emissions[stage].inc(records)

    def written(self, outcome: str, documents: int = 1) -> None:
        """Documents in a durable transaction; `outcome` is one of `DOCUMENT_OUTCOMES`."""
        self._written.add(documents, outcome)
        if outcome != "unchanged":
            self.documents_written += documents

    def committed(self, stage: str, documents: int, seconds: float) -> None:
        """One step is durable: number of documents in it, seconds from hand-over to acknowledgement."""
        self._commits[stage].inc()
        self._duration.observe(seconds)
        if stage == "joiner":
            self._batch_size.observe(documents)
            if documents:
                self._latencies["apply"].observe(seconds)

    def arrived(self, stage: str, oldest_ms: int) -> None:
        """A batch came out of Kafka for this stage (`STAGES`); when its oldest record went in, Unix ms."""
        self._latencies[_WAITED[stage]].observe(max(0.0, time.time() - oldest_ms / 1000))

    def held_back(self, stage: str, seconds: float) -> None:
        """A partition of this stage (`STAGES`) was not read on for so long: its actor had no room."""
        self._pauses[stage].inc()
        self._paused[stage].inc(seconds)

    def captured(self, seconds: float) -> None:
        """So long after its commit in the source the oldest change of a router's step was written to Kafka."""
        self._latencies["capture"].observe(max(0.0, seconds))

    def joined(self, seconds: float) -> None:
        """A joiner's step with documents took so long until its transaction was handed over."""
        self._latencies["join"].observe(seconds)

    def retried(self, reason: str) -> None:
        """A transaction is tried again, for one of `RETRY_REASONS`."""
        self._retries.add(1, reason)

    def visible(self, seconds_since_commit: float) -> None:
        """A document (not of the first copy) shows an event that long after its commit; 1.3 us, so not per row."""
        if seconds_since_commit < 0:
            self._skew.inc()
        self._latency.observe(max(0.0, seconds_since_commit))

    def rebalanced(self, seconds: float) -> None:
        """An assignment arrived; its partitions read again after so many seconds."""
        self._rebalances.inc()
        self._rebalance.observe(seconds)

    def recovered(self, seconds: float) -> None:
        """A partition's state was made whole."""
        self._recovery.observe(seconds)

    def state(self, state: str) -> None:
        """The worker says that the pipeline is now in this one of `status.STATES`."""
        self.standing.reported = state

    def parked_now(self, keys: int, oldest: float | None) -> None:
        """Keys held back now, and since when the oldest is (Unix seconds)."""
        self.standing.parked = keys
        self._parked_keys.set(keys)
        self._parked_oldest.set(oldest or 0)

    def watch(
        self, *, waiting: Callable[[], Sequence[int]], most_waiting: int, store_bytes: Callable[[], float]
    ) -> None:
        """What to ask when somebody scrapes, from another thread; see `Standing`, and bytes of the local cache."""
        self.standing.waiting, self.standing.most_waiting = waiting, most_waiting
        self._store.set_function(store_bytes)

    def first_copy(self, done: int, total: int) -> None:
        """Records of the first copy handled here, of how many."""
        self._copy_ratio.set(1.0 if done >= total else done / total)
        self._copy_total.set(total)
        if done < total and not self._copying:
            self._copy_began.set_to_current_time()
        self._copying = done < total


def _each(values: Iterable[str]) -> list[tuple[str, ...]]:
    return [(value,) for value in values]


def _by(counter: Counter, pipeline: str, values: Iterable[str]) -> dict[str, Counter]:
    """`{value: series}` of a counter with labels `(pipeline, value)`."""
    return {value: counter.labels(pipeline, value) for value in values}
