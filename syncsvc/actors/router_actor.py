"""
The actor of one source partition: fold, send, and now and then commit what the sends stand for.

Sends come first and are awaited; the transaction that makes the router's memory and offset durable follows within
`commit_seconds` (invariant 4: emissions, then transaction, then Kafka offset).  Routers are not on a change's way to
MongoDB, so their transactions are few and large; what a crash loses is sent again and dropped by the receivers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from syncsvc.actors import parking
from syncsvc.actors.durable import Durable
from syncsvc.actors.inbox import Batches
from syncsvc.actors.loading import Opened
from syncsvc.actors.partition import Actor
from syncsvc.actors.ports import Ack, Ledger, Log, Step
from syncsvc.actors.report import Report
from syncsvc.actors.schemas import SchemaStore, fetched
from syncsvc.actors.sending import Sending
from syncsvc.actors.wall_clock import now_ms
from syncsvc.changes.avro import schema_numbers
from syncsvc.engine.port import RecordBatch
from syncsvc.routing.plan import Plan
from syncsvc.routing.source_partition import SourcePartition

FOLD_RECORDS = 2_000  # a fold: some 20 ms of the loop
QUIET_SECONDS = 0.25  # without a record: nothing to share the transaction with is coming
COMMIT_RECORDS = 20_000  # a transaction at the latest: about 2 MB of memory entries
PARKED_RECORDS = 500  # .. of which about so many cannot be read: each is kept raw, often in 10 kB
PARKED_BYTES = 8 << 20  # .. or raw bytes, where rows are large: MongoDB's cache has room for that, and one more record


class RouterActor(Actor):
    """Runs one source partition, of rows or of schema changes, between the log and the ledger."""

    def __init__(
        self,
        plan: Plan,
        table: str,
        router: SourcePartition,
        opened: Opened,
        *,
        log: Log,
        ledger: Ledger,
        report: Report,
        commit_seconds: float,
        failed: Callable[[BaseException], None],
        schemas: SchemaStore | None = None,
    ) -> None:
        super().__init__(report, failed)
        self._schemas = schemas
        self._plan, self._table, self.router = plan, table, router
        self._state, self._fence = opened.state, opened.owned
        self._sending, self._ledger = Sending(log, report), ledger
        self._commit_seconds = commit_seconds
        self._durable = Durable(opened, ledger)
        #: The fence had no step yet: reading begins where the log does.
        self.new = opened.owned.seq == 0
        self.offset = opened.owned.offset
        self._source_ms = opened.owned.source_ms
        self._acks: list[Ack] = []
        self._records = 0
        self._oldest_ms: int | None = None
        self._mark_durable = router.marked

    async def run(self) -> None:
        """Folds and sends whatever comes; commits on time."""
        self.router.passed(self.offset)  # a partition that was empty at the start has ended already
        await self._sending.begin(self.router.outbox.take())
        due = time.monotonic() + self._commit_seconds
        while not self._closing:
            wanted = self._acks or self._marked_unsaved()
            await self.inbox.wait(max(0.0, min(QUIET_SECONDS, due - time.monotonic())) if wanted else None)
            if self._committing is not None and self._committing.done():
                await self._settle()
                if self._closing:
                    break
            batches = self.inbox.take(FOLD_RECORDS)
            await self._fold(batches)
            await self._sending.begin(self.router.outbox.take())
            await asyncio.sleep(0)  # a fold takes the loop for some 20 ms: others come in between
            if self._records and self._oldest_ms is None:
                self._oldest_ms = self.router.tally.oldest_ms or None
                self._report.waiting(self._oldest_ms)
                if self.router.marked:  # what a snapshot tells as its time is that of the snapshot
                    self._report.captured(batches, self._oldest_ms)
            full = self._records >= COMMIT_RECORDS or len(self.router.parked) >= PARKED_RECORDS
            if full or self._parked_enough() or time.monotonic() >= due or not batches:
                if self._records or self._acks or self._marked_unsaved():
                    await self._commit()
                due = time.monotonic() + self._commit_seconds
        await self._sending.end()
        await self._settle()

    async def _fold(self, batches: Batches) -> None:
        """Folds batches; what comes behind more unreadable records than one transaction takes goes back."""
        for number, (batch, ack) in enumerate(batches):
            if self._schemas is not None and not await self._fetched(self._schemas, batch):
                return
            left = iter(batch.records)
            self.router.fold(left, PARKED_BYTES)
            rest = list(left)
            folded = batch.records[: len(batch.records) - len(rest)]
            self._report.traced(folded)
            self._records += len(folded)
            self.offset = rest[0].offset if rest else batch.next_offset
            if not rest:
                self.router.passed(batch.next_offset)
                self._acks.append(ack)
            if self._parked_enough():
                self.inbox.give_back(batches[number:], rest)
                return

    def _parked_enough(self) -> bool:
        return self.router.parked_bytes >= PARKED_BYTES

    async def _fetched(self, schemas: SchemaStore, batch: RecordBatch) -> bool:
        if schemas.missing(schema_numbers(batch.records)):
            # They may be waited for for long: what was folded before goes its way.
            await self._sending.begin(self.router.outbox.take())
            if self._records or self._acks:
                await self._commit()

        def told(attempt: int, wait: float) -> None:
            self._report.retrying("schema_registry", attempt, wait)

        return await fetched(schemas, batch.records, closing=self._over, told=told)

    def _over(self) -> bool:
        """Whether there is nothing to wait for: we close, or a commit has failed."""
        return self._closing or (self._committing is not None and _failed(self._committing))

    def _marked_unsaved(self) -> bool:
        return self.router.marked and not self._mark_durable

    async def _commit(self) -> None:
        """Hands the step over; the next one is folded while it becomes durable."""
        await self._sending.end()
        await self._settle()
        if self._fenced is not None:
            return  # nothing that follows can be written, and what was taken of the state would be lost
        taken = self._state.take_segment(self._durable.seq + 1)
        tally, parked = self.router.take_tally(), self.router.take_parked()
        self._source_ms = max(self._source_ms, tally.newest_ms)
        pipeline, now = self._plan.pipeline, now_ms()
        entries: dict[str, parking.Entry | None] = {
            parking.record_id(pipeline.group, record.place): parking.of_record(
                record, pipeline=pipeline.name, generation=pipeline.generation, table=self._table, now_ms=now
            )
            for record in parked
        }
        # After those parked: a record may be parked and made good within one step.
        entries |= {parking.record_id(pipeline.group, place): None for place in self.router.take_healed()}
        step = Step(
            self._fence.id, self._fence.epoch, self._durable.seq, self.offset, taken.base, self._source_ms,
            (taken.blob,) if taken.blob else (), copied=self.router.marked, parked=entries,
        )  # fmt: skip
        acks, self._acks = self._acks, []
        records, self._records = self._records, 0
        oldest, self._oldest_ms = self._oldest_ms, None
        self._mark_durable = self.router.marked
        began = time.monotonic()

        async def made_durable() -> None:
            await self._ledger.commit(step, lazily=True)
            self._durable.landed(step, acks)
            self._report.routed(self._table, tally, parked)
            self._report.applied(step.offset, oldest)
            self._report.waiting(self._oldest_ms)
            self._report.committed(step.offset, records, 0, began)

        self._committing = asyncio.create_task(made_durable())
        self._committing.add_done_callback(self._heard)
        if self._state.overdue(time.monotonic()):
            await self._settle()

    def _heard(self, task: asyncio.Task[None]) -> None:
        if _failed(task):
            self.inbox.wake()  # now, not with the next record: there may never be one

    @property
    def durable_offset(self) -> int:
        """Where the next owner goes on."""
        return self._durable.offset

    def release(self) -> None:
        """Lets go of the local state."""
        self._state.close()


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
