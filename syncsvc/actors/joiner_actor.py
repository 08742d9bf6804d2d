"""
The actor of one keyed partition: fold, send, write; each step one fenced transaction.

    1. fold a batch (pure)                      4. commit documents, state and offset in one transaction
    2. send what it makes the stage say         5. acknowledge to Kafka, for lag tools only
    3. take the documents that are due          6. report

The next batch is folded and sent while a transaction is under way, and until it is the worker's `turns`; it is
committed after that one (invariant 4).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from syncsvc.actors import parking
from syncsvc.actors.partition import Actor, Opened
from syncsvc.actors.ports import Ack, FencedOut, Ledger, Log, Refused, Step, Written
from syncsvc.actors.report import Report
from syncsvc.actors.sending import Sending
from syncsvc.actors.turns import Turns
from syncsvc.assembly.due import Due
from syncsvc.assembly.joiner import Joiner, Tally
from syncsvc.assembly.layout import PARKED
from syncsvc.assembly.render import Rendered
from syncsvc.engine.port import RecordBatch
from syncsvc.routing.plan import Plan
from syncsvc.state import segments
from syncsvc.writing.document import versioned

#: Longest step of a worker that is far behind its logs: the larger, the more changes of one document become one write.
#: It ends when the worker no longer counts as behind (`backlog`), so it delays nothing by more than a second beyond
#: what that was late already.
CATCH_UP_SECONDS = 10.0
PAUSE_SECONDS = 0.5  # for more to come, then; nothing within it ends the step
SEND_RECORDS = 1_000  # folded: what that makes a stage say is sent while more is folded
LARGE_RECORDS = 100  # a step of so many may write more documents
STEP_RECORDS = 50_000  # at most, about 15 MB of changed state
#: .. while the first copy gathers its rows: nothing is written yet, so a larger step saves nothing and takes memory.
COPY_RECORDS = 6_000


@dataclass(frozen=True, slots=True)
class _Work:
    """A step on its way into MongoDB, and what is done when it has arrived."""

    step: Step
    #: What each of the step's documents was rendered from, without its bytes: those are in the step.
    shown: list[Rendered]
    #: Parked documents that are good again.
    released: int
    #: Oldest source commit time (ms) among the documents, 0 when unknown.
    oldest_ms: int
    tally: Tally
    acks: list[Ack]
    records: int


class JoinerActor(Actor):
    """Runs one `Joiner` between the log and the ledger."""

    def __init__(
        self,
        plan: Plan,
        joiner: Joiner,
        opened: Opened,
        *,
        log: Log,
        ledger: Ledger,
        turns: Turns,
        report: Report,
        failed: Callable[[BaseException], None],
        behind: Callable[[], bool],
    ) -> None:
        """`behind`: whether the worker has so much before it that larger steps are worth their time."""
        super().__init__(failed)
        self._plan, self.joiner, self._turns, self._behind = plan, joiner, turns, behind
        self._state, self._fence = opened.state, opened.owned
        self._sending, self._ledger, self._report = Sending(log, report), ledger, report
        self._seq = opened.owned.seq
        #: The fence had no step yet: reading begins where the log does.
        self.new = opened.owned.seq == 0
        self.offset = self._durable = opened.owned.offset
        self._source_ms = opened.owned.source_ms
        self._committing: asyncio.Task[None] | None = None
        self._fenced = False

    async def run(self) -> None:
        """Steps whenever records come or documents are due."""
        while not self._closing:
            await self.inbox.wait(self._patience())
            if self._closing:
                break
            if not self._under_way():
                await self._settle()  # how it ended is heard of now, not with the next record
            batches = self.inbox.take(STEP_RECORDS)
            if batches or self.joiner.agenda.busy or self._overdue():
                await self._step(batches)
        await self._settle()

    def _overdue(self) -> bool:
        at = self.joiner.agenda.next_due()
        return at is not None and at <= _now_ms()

    def _patience(self) -> float | None:
        """Seconds until there is something to do without new records; None: nothing is."""
        if self.joiner.agenda.busy:
            return 0.0
        at = self.joiner.agenda.next_due()
        return None if at is None else max(0.0, (at - _now_ms()) / 1000)

    async def _step(self, batches: list[tuple[RecordBatch, Ack]]) -> None:
        joiner, began = self.joiner, time.monotonic()
        acks, records = await self._gather(batches)
        await self._sending.end()
        self._report.waiting(joiner.agenda.oldest_waiting())
        await self._settle()
        if self._closing and self._fenced:
            return
        due = joiner.agenda.take(_now_ms(), behind=records >= LARGE_RECORDS)
        # Everything the transaction carries is taken here, before another record is folded.
        work = self._work(due, acks, records)
        if due.documents:
            self._report.metrics.joined(time.monotonic() - began)
        self._committing = asyncio.create_task(self._commit(work))
        self._committing.add_done_callback(lambda _: self.inbox.wake())
        if self._state.overdue(time.monotonic()):
            await self._settle()

    async def _gather(self, batches: list[tuple[RecordBatch, Ack]]) -> tuple[list[Ack], int]:
        """
        Folds and sends what is there and what comes until it is our turn; acks, number of records.

        That is not while the last transaction is under way.  Where the worker is far behind, also what comes after it.
        """
        acks: list[Ack] = []
        records, end = 0, time.monotonic() + CATCH_UP_SECONDS
        turn = self._turns.next()
        turn.add_done_callback(lambda _: self.inbox.wake())
        while True:
            records += await self._fold(batches)
            acks += [ack for _, ack in batches]
            most = COPY_RECORDS if self.joiner.agenda.copy.gathering else STEP_RECORDS
            if records >= most or self._closing:
                return acks, records
            early = self._under_way() or not turn.done()
            patience, began = None, time.monotonic()
            if early:
                end = began + CATCH_UP_SECONDS
            else:
                patience = min(PAUSE_SECONDS, end - began)
                # Documents of the first copy are written once, whatever comes after them.
                if patience <= 0 or self.joiner.agenda.copy.under_way or not self._behind():
                    return acks, records
            await self.inbox.wait(patience)
            batches = self.inbox.take(STEP_RECORDS)
            # A wake that was meant for a wait before this one comes at once.
            if patience is not None and not batches and time.monotonic() - began > patience / 2:
                return acks, records

    def _under_way(self) -> bool:
        return self._committing is not None and not self._committing.done()

    async def _fold(self, batches: list[tuple[RecordBatch, Ack]]) -> int:
        """Folds batches and sends what that makes the stage say; how many records there were."""
        records = unsent = 0
        for batch, _ in batches:
            self.joiner.fold(batch.records)
            self.offset = batch.next_offset
            records += len(batch.records)
            unsent += len(batch.records)
            if unsent >= SEND_RECORDS:
                unsent = 0
                await self._sending.begin(self.joiner.outbox.take())
                await asyncio.sleep(0)  # so many take the loop for some 20 ms: others come in between
        await self._sending.begin(self.joiner.outbox.take())
        return records

    async def _settle(self) -> None:
        """Waits for the transaction under way."""
        if self._committing is not None:
            task, self._committing = self._committing, None
            try:
                await task
            except FencedOut:
                self._report.fenced_out()
                self._closing = self._fenced = True

    def _work(self, due: Due, acks: list[Ack], records: int) -> _Work:
        taken = self._state.take_segment(self._seq + 1)
        tally = self.joiner.take_tally()
        # The keyed topic mixes senders, so only the oldest event of a step says what is surely applied (invariant 9).
        self._source_ms = tally.oldest_ms or self._source_ms
        step = Step(
            self._fence.id, self._fence.epoch, self._seq, self.offset, taken.base, self._source_ms,
            (taken.blob,) if taken.blob else (), self._written(due), self.joiner.agenda.copy.ended, self._entries(due),
        )  # fmt: skip
        shown = [rendered._replace(elements=None) for rendered in (*due.documents, *due.fresh)]
        return _Work(step, shown, len(due.released), due.oldest_ms, tally, acks, records)

    async def _commit(self, work: _Work) -> None:
        joiner, state, tally = self.joiner, self._state, work.tally
        began = time.monotonic()
        step = await self._make_durable(work.step, work.shown)
        self._seq += 1
        self._durable = step.offset
        state.committed(self._seq, time.monotonic())
        if step.base is not None:
            self._ledger.forget(step.fence, step.base)
        for ack in work.acks:
            ack()
        self._report.folded(tally)
        self._tell(work, step)
        waiting = joiner.agenda.oldest_waiting()
        self._report.applied(step.offset, tally.oldest_ms or None)
        self._report.waiting(waiting)
        self._report.committed(step.offset, work.records, len(step.documents), began)

    async def _make_durable(self, step: Step, shown: list[Rendered]) -> Step:
        """Commits a step; a document that is refused parks in the same step, and the rest is tried again."""
        while True:
            try:
                await self._ledger.commit(step)
            except Refused as refusal:
                step = self._without(step, refusal, shown.pop(refusal.index))
            else:
                return step

    def _without(self, step: Step, refusal: Refused, rendered: Rendered) -> Step:
        """The step without one document, with its parking instead."""
        code = "document.refused"
        self.joiner.agenda.park(rendered, code)
        key = PARKED + rendered.address
        # Also into this step's segment: a later one may never come.
        blob = segments.encode({key: self._state.get(key)})
        documents = step.documents[: refusal.index] + step.documents[refusal.index + 1 :]
        entries = {**(step.parked or {}), **self._entry(rendered, code, refusal.reason)}
        return replace(step, documents=documents, segments=(*step.segments, blob), parked=entries)

    def _written(self, due: Due) -> tuple[Written, ...]:
        generation, now = self._plan.pipeline.generation, _now_ms()
        found = []
        for fresh, documents in ((False, due.documents), (True, due.fresh)):
            for rendered in documents:
                body = None
                if rendered.elements is not None:
                    body = versioned(rendered.elements, generation, self.offset, now)
                collection = self._plan.views[rendered.address[0]].collection
                found.append(Written(rendered.identity or b"", body, fresh, collection))
        return tuple(found)

    def _entries(self, due: Due) -> dict[str, parking.Entry | None]:
        group = self._plan.pipeline.group
        entries: dict[str, parking.Entry | None] = {
            parking.record_id(group, place): None for place in self.joiner.take_healed()
        }
        entries |= {parking.document_id(group, address): None for address in due.released}
        for rendered in due.parked:
            code, _, what = (rendered.problem or "").partition(": ")
            entries |= self._entry(rendered, code, what)
        return entries

    def _entry(self, rendered: Rendered, code: str, what: str) -> dict[str, parking.Entry]:
        pipeline = self._plan.pipeline
        where = f"{self._report.topic}[{self._report.partition}]@{self.offset}"
        collection = self._plan.views[rendered.address[0]].collection
        self._report.events.document_parked(pipeline=pipeline.name, collection=collection, where=where, reason=code)
        entry = parking.of_document(
            rendered, code, what, pipeline=pipeline.name, generation=pipeline.generation, where=where, now_ms=_now_ms()
        )
        return {parking.document_id(pipeline.group, rendered.address): entry}

    def _tell(self, work: _Work, step: Step) -> None:
        """Counts documents, and how long after its commit in the source a change is visible."""
        metrics = self._report.metrics
        inserted = sum(document.fresh for document in step.documents)
        deleted = sum(document.body is None for document in step.documents)
        metrics.written("inserted", inserted)
        metrics.written("deleted", deleted)
        metrics.written("modified", len(step.documents) - inserted - deleted)
        if work.released:
            self._report.events.parked_released(pipeline=self._plan.pipeline.name, keys=work.released, by="record")
        if work.oldest_ms:
            metrics.visible(time.time() - work.oldest_ms / 1000)

    @property
    def durable_offset(self) -> int:
        """Where the next owner goes on."""
        return self._durable

    def release(self) -> None:
        """Lets go of the local state."""
        self._state.close()


def _now_ms() -> int:
    return int(time.time() * 1000)
