"""
What waits for the actor of one partition: batches in order, as many as memory allows.

Bounded in records and in bytes, for a record may be as large as 16 MiB; what is beyond stays in the engine's lane,
which then stops reading.  What an actor has taken and has no room for goes back to the front.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from syncsvc.actors.ports import Ack
from syncsvc.engine.port import Record, RecordBatch

Batches = list[tuple[RecordBatch, Ack]]

MOST_WAITING_RECORDS = 5_000  # in the inbox of a partition: some 3 MB; two folds of a router
MOST_WAITING_BYTES = 4 << 20  # .. of values, where they are larger than most; one batch more comes on top


class Inbox:
    """Batches of one partition that wait for their actor."""

    def __init__(self) -> None:
        #: Each with the bytes of its values.
        self._batches: deque[tuple[RecordBatch, Ack, int]] = deque()
        self._records = self._bytes = 0
        self._room, self._news = asyncio.Event(), asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return self._records

    @property
    def filled(self) -> int:
        """Records that wait, as many as there may be where their bytes alone fill it: for those who compare the two."""
        return self._records if self._bytes < MOST_WAITING_BYTES else max(self._records, MOST_WAITING_RECORDS)

    async def put(self, batch: RecordBatch, ack: Ack) -> bool:
        """Appends a batch; returns when there is room for the next one (back-pressure), whether that was waited for."""
        size = _bytes(batch)
        self._batches.append((batch, ack, size))
        self._records += len(batch.records)
        self._bytes += size
        self._news.set()
        if self._records < MOST_WAITING_RECORDS and self._bytes < MOST_WAITING_BYTES:
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

    def take(self, most: int) -> Batches:
        """Batches of about `most` records in all, in order; none when empty."""
        taken, count = [], 0
        while self._batches and count < most:
            batch, ack, size = self._batches.popleft()
            taken.append((batch, ack))
            count += len(batch.records)
            self._bytes -= size
        self._records -= count
        if not self._batches:
            self._news.clear()
        if self._records < MOST_WAITING_RECORDS // 2 and self._bytes < MOST_WAITING_BYTES // 2:
            self._room.set()
        return taken

    def give_back(self, batches: Sequence[tuple[RecordBatch, Ack]], left: Sequence[Record] | None = None) -> None:
        """
        Puts back what was taken last and not folded: it is taken next.

        Args:
            batches: in their order.
            left: what is left of the first one's records; None: all of them.
        """
        if left is not None:
            (first, acknowledge), *behind = batches
            batches = [(replace(first, records=left), acknowledge), *behind] if left else behind
        for batch, ack in reversed(batches):
            size = _bytes(batch)
            self._batches.appendleft((batch, ack, size))
            self._records += len(batch.records)
            self._bytes += size
            self._news.set()


def _bytes(batch: RecordBatch) -> int:
    return sum([len(value) for record in batch.records if (value := record.value)])
