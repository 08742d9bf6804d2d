"""
What happens in a worker, by name: one call writes one log line and moves the metrics that belong to it.

Levels are promises.  `error`: a person must act, data is held or the process leaves.  `warning`: it will heal, but
look.  `info`: start, stop, partitions coming and going, nothing per record.  `debug`: per batch.  Fields are places,
counts and codes; never the content of a row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal

from syncsvc.telemetry.logs import explain
from syncsvc.telemetry.metrics import Metrics
from syncsvc.telemetry.tracing import Tracing

LOG = logging.getLogger("syncsvc")


def _say(level: int, event: str, **fields: Any) -> None:
    """Writes the line; `fields` in the order given, those that are None left out."""
    if LOG.isEnabledFor(level):
        LOG.log(level, event, extra={"fields": {key: value for key, value in fields.items() if value is not None}})


class Events:
    """
    The events of one worker.

    Args:
        metrics: what the events count in.
        tracing: gets a span for each transaction; None: tracing is off.
    """

    def __init__(self, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._metrics = metrics
        self.tracing = tracing

    def started(self, *, version: str, instance: str, pipelines: Sequence[str], http_port: int | None) -> None:
        """The worker runs; `http_port` serves metrics, probes and the page."""
        _say(
            logging.INFO, "started", version=version, instance=instance, pipelines=list(pipelines), http_port=http_port
        )

    def stopped(self, *, reason: str, seconds: float) -> None:
        """The worker ends on purpose; it ran that long."""
        _say(logging.INFO, "stopped", reason=reason, seconds=round(seconds, 3))

    def credentials_changed(self, *, files: Sequence[str]) -> None:
        """Mounted secrets that only a new process reads have another content: the worker leaves to be started again."""
        _say(logging.INFO, "credentials_changed", files=list(files))

    def state_changed(self, *, pipeline: str, state: str) -> None:
        """The pipeline is now in this one of `status.STATES`."""
        self._metrics.of(pipeline).state(state)
        _say(logging.INFO, "state_changed", pipeline=pipeline, state=state)

    def rebalanced(self, *, pipeline: str, gained: int, lost: int, owned: int, seconds: float = 0.0) -> None:
        """An assignment arrived: numbers of partitions, and how long it took until they read."""
        self._metrics.of(pipeline).rebalanced(seconds)
        _say(
            logging.INFO, "rebalanced", pipeline=pipeline, gained=gained, lost=lost, owned=owned,
            seconds=round(seconds, 3),
        )  # fmt: skip

    def partition_opened(
        self,
        *,
        pipeline: str,
        stage: str,
        topic: str,
        partition: int,
        offset: int,
        cache: Literal["warm", "cold"],
        segments: int,
        seconds: float,
    ) -> None:
        """A fence was taken; `cache` says whether the local state was of use, `segments` how many were read."""
        self._metrics.of(pipeline).recovered(seconds)
        _say(
            logging.INFO, "partition_opened", pipeline=pipeline, stage=stage, topic=topic, partition=partition,
            offset=offset, cache=cache, segments=segments, seconds=round(seconds, 3),
        )  # fmt: skip

    def partition_closed(self, *, pipeline: str, stage: str, topic: str, partition: int, offset: int) -> None:
        """It was given back; the next owner goes on at `offset`."""
        _say(
            logging.INFO, "partition_closed", pipeline=pipeline, stage=stage, topic=topic, partition=partition,
            offset=offset,
        )  # fmt: skip

    def first_copy_progress(self, *, pipeline: str, done: int, total: int) -> None:
        """Records of the first copy handled here; call it every few seconds, not per batch."""
        self._metrics.of(pipeline).first_copy(done, total)
        _say(logging.INFO, "first_copy_progress", pipeline=pipeline, done=done, total=total)

    def first_copy_done(self, *, pipeline: str, records: int, documents: int, seconds: float) -> None:
        """All documents of the first copy are written."""
        self._metrics.of(pipeline).first_copy(records, records)
        _say(
            logging.INFO, "first_copy_done", pipeline=pipeline, records=records, documents=documents,
            seconds=round(seconds, 3),
        )  # fmt: skip

    def generation_published(self, *, pipeline: str, collection: str, generation: int) -> None:
        """Readers of the collection see this generation from now on."""
        _say(logging.INFO, "generation_published", pipeline=pipeline, collection=collection, generation=generation)

    def generation_withheld(
        self, *, pipeline: str, collection: str, generation: int, shown: int | None, reason: str
    ) -> None:
        """
        The generation is complete and kept true, but readers go on seeing another one (`shown`): this one is `older`,
        or a person took them back from it (`taken_back`).  `syncsvc publish` with its mapping shows it.
        """
        _say(
            logging.WARNING, "generation_withheld", pipeline=pipeline, collection=collection, generation=generation,
            shown=shown, reason=reason,
        )  # fmt: skip

    def batch_committed(
        self,
        *,
        pipeline: str,
        stage: str,
        topic: str,
        partition: int,
        offset: int,
        records: int,
        documents: int,
        seconds: float,
    ) -> None:
        """A step is durable up to `offset`."""
        self._metrics.of(pipeline).committed(stage, documents, seconds)
        if self.tracing is not None:
            self.tracing.committed(
                pipeline=pipeline, stage=stage, topic=topic, partition=partition, offset=offset, records=records,
                documents=documents, seconds=seconds,
            )  # fmt: skip
        _say(
            logging.DEBUG, "batch_committed", pipeline=pipeline, stage=stage, topic=topic, partition=partition,
            offset=offset, records=records, documents=documents, seconds=round(seconds, 4),
        )  # fmt: skip

    def record_parked(self, *, pipeline: str, table: str, topic: str, partition: int, offset: int, reason: str) -> None:
        """A record cannot be used; `reason` is the code of the problem."""
        metrics = self._metrics.of(pipeline)
        metrics.parked(table, reason)
        metrics.decode_error(topic, reason)
        _say(
            logging.ERROR, "record_parked", pipeline=pipeline, table=table, where=f"{topic}[{partition}]@{offset}",
            reason=reason,
        )  # fmt: skip

    def document_parked(self, *, pipeline: str, collection: str, where: str, reason: str) -> None:
        """MongoDB refuses a document; `where` is its place in the log, never its key."""
        self._metrics.of(pipeline).document_parked(reason)
        _say(logging.ERROR, "document_parked", pipeline=pipeline, collection=collection, where=where, reason=reason)

    def parked_released(self, *, pipeline: str, keys: int, by: str) -> None:
        """Parked keys go on, because of a person or because a later record made them whole."""
        self._metrics.of(pipeline).released(keys)
        _say(logging.INFO, "parked_released", pipeline=pipeline, keys=keys, by=by)

    def rows_barred(self, *, pipeline: str, table: str, cause: str, events: int = 1) -> None:
        """
        A table has no older rows: it was emptied (`truncate`), dropped (`drop`), made anew (`create`), or read again
        (`snapshot`).
        """
        self._metrics.of(pipeline).barred(table, cause, events)
        _say(logging.INFO, "rows_barred", pipeline=pipeline, table=table, cause=cause, events=events)

    def rows_removed(self, *, pipeline: str, partition: int, barred: int, swept: int, doomed: int) -> None:
        """Rows went from a keyed partition without a delete of their own; see the metric for the reasons."""
        metrics = self._metrics.of(pipeline)
        for reason, rows in (("barred", barred), ("swept", swept), ("doomed", doomed)):
            metrics.removed(reason, rows)
        _say(
            logging.DEBUG, "rows_removed", pipeline=pipeline, partition=partition, barred=barred, swept=swept,
            doomed=doomed,
        )  # fmt: skip

    def fenced_out(self, *, pipeline: str, stage: str, topic: str, partition: int) -> None:
        """Another worker owns the partition now; what we had in flight was refused, as it must be."""
        _say(logging.WARNING, "fenced_out", pipeline=pipeline, stage=stage, topic=topic, partition=partition)

    def retrying(self, *, pipeline: str, reason: str, attempt: int, wait_seconds: float) -> None:
        """A transaction failed for a reason that passes; it is tried again after the wait."""
        self._metrics.of(pipeline).retried(reason)
        _say(
            logging.WARNING, "retrying", pipeline=pipeline, reason=reason, attempt=attempt,
            wait_seconds=round(wait_seconds, 3),
        )  # fmt: skip

    def failed(self, error: BaseException, *, pipeline: str | None = None) -> None:
        """The process leaves because of this error."""
        if pipeline is not None:
            self._metrics.of(pipeline).state("failed")
        _say(logging.ERROR, "failed", pipeline=pipeline, **explain(error))
