"""
A host that keeps books, as MongoDB would: for each partition the next offset, and whose it is.

Several hosts share one `Ledger`; whoever was assigned a partition last owns it, and an entry by anyone else, or one
that does not follow the last, is a violation.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from syncsvc.engine.port import TP, RecordBatch


class Ledger:
    """What has become durable."""

    def __init__(self, start: dict[TP, int] | None = None) -> None:
        self.next: dict[TP, int] = defaultdict(int, start or {})
        self.values: dict[TP, list[bytes]] = defaultdict(list)
        self.owner: dict[TP, BookKeeper] = {}
        self.fenced = 0
        self.violations: list[str] = []
        self._changed = asyncio.Condition()

    async def enter(self, keeper: BookKeeper, batch: RecordBatch) -> bool:
        """A batch becomes durable; False when someone else has taken the partition over meanwhile."""
        tp = TP(batch.topic, batch.partition)
        if self.owner.get(tp) is not keeper:
            self.fenced += 1
            return False
        offsets = [record.offset for record in batch.records]
        holes = batch.next_offset - self.next[tp] - len(offsets)  # markers of transactions
        if not holes and offsets != list(range(self.next[tp], self.next[tp] + len(offsets))):
            self.violations.append(f"{tp}: {offsets[0]}..{offsets[-1]} after {self.next[tp]}")
        self.next[tp] = batch.next_offset
        self.values[tp] += [bytes(record.value or b"") for record in batch.records]
        await self.notify()
        return True

    async def notify(self) -> None:
        """Let those who wait look again."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until it is true; something happens in between, or the test fails."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def reaches(self, ends: dict[TP, int], seconds: float = 60.0) -> None:
        """Wait until the books stand at these offsets."""
        await self.until(lambda: all(self.next[tp] >= end for tp, end in ends.items()), seconds)


class BookKeeper:
    """A host that enters every batch into the ledger at once and acknowledges it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.open: set[TP] = set()
        self.rounds: list[tuple[str, frozenset[TP]]] = []
        self.failures: list[BaseException] = []

    async def assigned(self, tps: set[TP]) -> dict[TP, int]:
        """Own them; read on where the books end."""
        self.rounds.append(("assigned", frozenset(tps)))
        self.open |= tps
        for tp in tps:
            self.ledger.owner[tp] = self
        await self.ledger.notify()
        return {tp: self.ledger.next[tp] for tp in tps}

    async def revoked(self, tps: set[TP]) -> None:
        """Nothing runs, so nothing has to be waited for."""
        self.rounds.append(("revoked", frozenset(tps)))
        self.open -= tps
        await self.ledger.notify()

    async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
        """Enter it, and note a delivery of what is not held."""
        if TP(batch.topic, batch.partition) not in self.open:
            self.ledger.violations.append(f"{batch.topic}[{batch.partition}] delivered after it was revoked")
        if await self.ledger.enter(self, batch):
            ack()

    def reading(self, more: bool) -> None:
        """Every batch is entered as it comes."""

    def failed(self, error: BaseException) -> None:
        """Note it."""
        self.failures.append(error)


def parts(topic: str, count: int) -> list[TP]:
    """The partitions of a topic."""
    return [TP(topic, partition) for partition in range(count)]


def numbered(count: int, first: int = 0, size: int = 0) -> list[tuple[bytes, bytes]]:
    """Records with the values `0`, `1`, …, padded to `size` bytes."""
    return [(b"k", str(n).encode().rjust(size)) for n in range(first, first + count)]


def numbers(values: Iterable[bytes]) -> list[int]:
    """Back from `numbered`."""
    return [int(value) for value in values]
