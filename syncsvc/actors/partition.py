"""
The part that routers' and joiners' actors share: a bounded inbox, a fence, a state, and the life of one partition.

A partition is opened by raising its fence and making its state whole; it is closed by finishing the step under way.
Any error that is not foreseen ends the process (design D9): the fence says where the next owner goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from syncsvc.actors.ports import Ack, FencedOut, Ledger, Owned
from syncsvc.actors.report import Report
from syncsvc.engine.port import RecordBatch
from syncsvc.errors import Unreachable
from syncsvc.state.partition import PartitionState

MOST_WAITING_RECORDS = 5_000  # in the inbox of a partition: some 3 MB; two folds of a router
SEGMENTS_A_READ = 64


@dataclass(frozen=True, slots=True)
class Opened:
    """How a partition's state was made whole."""

    owned: Owned
    state: PartitionState
    #: Segments that had to be read; 0 when the local cache was up to date.
    segments: int


async def load(ledger: Ledger, fence: str, open_state: Callable[[], PartitionState]) -> Opened:
    """Becomes the owner of a fence and makes its state whole from the local cache and the segments behind it."""
    owned = await ledger.open(fence)
    state = open_state()
    try:
        first = number = state.behind(owned.seq, owned.base)
        while number <= owned.seq:
            last = min(number + SEGMENTS_A_READ - 1, owned.seq)
            for blob in await ledger.segments(fence, number, last):
                state.apply(blob)
            number = last + 1
            await asyncio.sleep(0)  # other partitions are opened meanwhile
    except BaseException:
        state.close()  # a rebalance cancels this: the folder must be free for the next owner
        raise
    state.caught_up(owned.seq)
    return Opened(owned, state, max(0, owned.seq + 1 - first))


class Inbox:
    """Batches of one partition that wait for their actor; bounded in records."""

    def __init__(self) -> None:
        self._batches: deque[tuple[RecordBatch, Ack]] = deque()
        self._records = 0
        self._room, self._news = asyncio.Event(), asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return self._records

    async def put(self, batch: RecordBatch, ack: Ack) -> bool:
        """Appends a batch; returns when there is room for the next one (back-pressure), whether that was waited for."""
        self._batches.append((batch, ack))
        self._records += len(batch.records)
        self._news.set()
        if self._records < MOST_WAITING_RECORDS:
            return False
        self._room.clear()
        await self._room.wait()
        return True

    def wake(self) -> None:
        """Lets `wait` return although nothing came."""
        self._news.set()

    async def wait(self, seconds: float | None) -> None:
        """Returns when there is news, or after so many seconds."""
        if self._news.is_set() or (seconds is not None and seconds <= 0):
            return
        if seconds is None:
            await self._news.wait()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def take(self, most: int) -> list[tuple[RecordBatch, Ack]]:
        """Batches of about `most` records in all, in order; none when empty."""
        taken, count = [], 0
        while self._batches and count < most:
            batch, ack = self._batches.popleft()
            taken.append((batch, ack))
            count += len(batch.records)
        self._records -= count
        if not self._batches:
            self._news.clear()
        if self._records < MOST_WAITING_RECORDS // 2:
            self._room.set()
        return taken


class Actor:
    """An actor's task and inbox; subclasses say what a step is."""

    #: Longest wait for the step under way when the partition is given back, seconds; below the engine's own bound.
    CLOSE_SECONDS = 20.0
    #: Longest that a partition which another worker owns may stay assigned here: a member that was away hears of the
    #: rebalance within some seconds.
    FENCED_SECONDS = 60.0

    def __init__(self, report: Report, failed: Callable[[BaseException], None]) -> None:
        self.inbox = Inbox()
        self._report = report
        #: The transaction under way.
        self._committing: asyncio.Task[None] | None = None
        self._closing = False
        self._given_back = asyncio.Event()
        #: Why the partition is no longer ours, when another worker has it.
        self._fenced: FencedOut | None = None
        self._failed = failed
        self._task: asyncio.Task[None] | None = None
        self._name = ""

    async def run(self) -> None:
        """Steps until closing; overridden."""
        raise AssertionError("overridden")

    def release(self) -> None:
        """Lets go of what the actor holds; overridden."""
        raise AssertionError("overridden")

    def start(self, name: str) -> None:
        """Begins stepping."""
        self._name = name
        self._task = asyncio.create_task(self._guarded(), name=name)

    async def _guarded(self) -> None:
        try:
            await self.run()
            if self._fenced is not None:
                await self._expect_to_be_given_back(self._fenced)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # whatever it is, the process leaves: nothing half-known goes on
            self._failed(error)

    async def _settle(self) -> None:
        """Waits for the transaction under way."""
        if self._committing is not None:
            task, self._committing = self._committing, None
            try:
                await task
            except FencedOut as error:
                self._report.fenced_out()
                self._closing, self._fenced = True, error

    async def _expect_to_be_given_back(self, fenced: FencedOut) -> None:
        """Where Kafka has given the partition to nobody else, it would stand still here for ever."""
        try:
            async with asyncio.timeout(self.FENCED_SECONDS):
                await self._given_back.wait()
        except TimeoutError:
            raise Unreachable(
                code="mongo.fenced_out",
                where=f"partition {self._name}",
                what=f"another worker took it over, but Kafka still gives it to this one: {fenced}",
                fix="none is needed: the worker starts again and takes it back; look for a second deployment of the"
                " pipeline with another consumer group if it comes again",
            ) from None

    async def close(self) -> None:
        """Finishes the step under way, within a bound, and lets go."""
        self._closing = True
        self._given_back.set()
        self.inbox.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self.CLOSE_SECONDS)
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task], timeout=1.0)
        self.release()
