"""
The actor of one keyed partition: fold, send, write; each step one fenced transaction.

    1. fold a batch (pure)                      4. commit documents, state and offset in one transaction
    2. send what it makes the stage say         5. acknowledge to Kafka, for lag tools only
    3. take the documents that are due          6. report

1 to 3 are here, the rest is `committing`.  The next batch is folded and sent while a transaction is under way, and
until it is the worker's `turns`; it is committed after that one (invariant 4).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from syncsvc.actors.committing import Committing
from syncsvc.actors.inbox import Batches
from syncsvc.actors.loading import Opened
from syncsvc.actors.partition import Actor
from syncsvc.actors.ports import Ack, Ledger, Log
from syncsvc.actors.report import Report
from syncsvc.actors.sending import Sending
from syncsvc.actors.turns import Turns
from syncsvc.actors.wall_clock import passed_ms
from syncsvc.assembly.joiner import Joiner
from syncsvc.engine.port import Record
from syncsvc.routing.plan import Plan

#: Longest step of a worker that is far behind its logs: the larger, the more changes of one document become one write.
#: It ends when the worker no longer counts as behind (`backlog`), so it delays nothing by more than a second beyond
#: what that was late already.
CATCH_UP_SECONDS = 10.0
PAUSE_SECONDS = 0.5  # for more to come, then; nothing within it ends the step
SEND_RECORDS = 1_000  # folded: what that makes a stage say is sent while more is folded
LARGE_RECORDS = 100  # a step of so many may write more documents
STEP_RECORDS = 50_000  # at most
#: .. or so much changed state, where rows are large: MongoDB refuses a transaction that its cache has no room for.
STEP_BYTES = 16 << 20
#: .. while the first copy gathers its rows: nothing is written yet, so a larger step saves nothing and takes memory.
COPY_RECORDS = 6_000


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
        super().__init__(report, failed)
        self.joiner, self._turns, self._behind = joiner, turns, behind
        self._state, self._sending = opened.state, Sending(log, report)
        #: The fence had no step yet: reading begins where the log does.
        self.new = opened.owned.seq == 0
        self.offset = opened.owned.offset
        self._steps = Committing(plan, joiner, opened, ledger=ledger, report=report)

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
        return at is not None and at <= passed_ms()

    def _patience(self) -> float | None:
        """Seconds until there is something to do without new records; None: nothing is."""
        if self.joiner.agenda.busy:
            return 0.0
        at = self.joiner.agenda.next_due()
        return None if at is None else max(0.0, (at - passed_ms()) / 1000)

    async def _step(self, batches: Batches) -> None:
        joiner, began = self.joiner, time.monotonic()
        acks, records = await self._gather(batches)
        await self._sending.end()
        self._report.waiting(joiner.agenda.oldest_waiting())
        await self._settle()
        if self._closing and self._fenced:
            return
        due = joiner.agenda.take(passed_ms(), behind=records >= LARGE_RECORDS)
        # Everything the transaction carries is taken here, before another record is folded.
        work = self._steps.take(due, acks, offset=self.offset, records=records)
        if due.documents:
            self._report.metrics.joined(time.monotonic() - began)
        self._committing = asyncio.create_task(self._steps.commit(work))
        self._committing.add_done_callback(lambda _: self.inbox.wake())
        if self._state.overdue(time.monotonic()):
            await self._settle()

    async def _gather(self, batches: Batches) -> tuple[list[Ack], int]:
        """
        Folds and sends what is there and what comes until it is our turn; acks, number of records.

        That is not while the last transaction is under way.  Where the worker is far behind, also what comes after it.
        """
        acks: list[Ack] = []
        records, end = 0, time.monotonic() + CATCH_UP_SECONDS
        turn = self._turns.next()
        turn.add_done_callback(lambda _: self.inbox.wake())
        while True:
            more_acks, more_records = await self._fold(batches)
            acks += more_acks
            records += more_records
            most = COPY_RECORDS if self.joiner.agenda.copy.gathering else STEP_RECORDS
            if records >= most or self._enough() or self._closing:
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

    async def _fold(self, batches: Batches) -> tuple[list[Ack], int]:
        """
        Folds batches and sends what that makes the stage say; acks, number of records.

        What comes behind as much as one transaction takes goes back into the inbox.
        """
        acks: list[Ack] = []
        records = unsent = 0
        for number, (batch, ack) in enumerate(batches):
            left = iter(batch.records)
            self.joiner.fold(self._until_enough(left))
            rest = list(left)
            folded = len(batch.records) - len(rest)
            records += folded
            unsent += folded
            self.offset = rest[0].offset if rest else batch.next_offset
            if not rest:
                acks.append(ack)
            if self._enough():
                self.inbox.give_back(batches[number:], rest)
                break
            if unsent >= SEND_RECORDS:
                unsent = 0
                await self._sending.begin(self.joiner.outbox.take())
                await asyncio.sleep(0)  # so many take the loop for some 20 ms: others come in between
        await self._sending.begin(self.joiner.outbox.take())
        return acks, records

    def _until_enough(self, records: Iterator[Record]) -> Iterator[Record]:
        state, most = self._state, STEP_BYTES
        for record in records:
            yield record
            # After each: a record of some bytes may change a slot of megabytes.
            if state.changed_bytes >= most:
                return

    def _enough(self) -> bool:
        return self._state.changed_bytes >= STEP_BYTES

    @property
    def durable_offset(self) -> int:
        """Where the next owner goes on."""
        return self._steps.durable.offset

    def release(self) -> None:
        """Lets go of the local state."""
        self._state.close()
