"""
The port between the engine and the actors: a batch of records of one partition, and who takes it.

Nothing here knows Faust or aiokafka, so the actors can be run by any engine.  Partitions are compared with plain
tuples: `TP("a", 0) == ("a", 0)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class TP(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(Protocol):
    """What a record offers; aiokafka's record as it was parsed (`raw_records`), so that reading costs no copy."""

    @property
    def offset(self) -> int:
        """Place in the partition."""

    @property
    def key(self) -> bytes | None:
        """Raw bytes."""

    @property
    def value(self) -> bytes | None:
        """Raw bytes; None is a tombstone."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, as the topic is configured: of creation or of append."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Name and raw value, in order; names may repeat."""


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """
    Records of one partition in offset order; offsets may have holes (compaction, markers of transactions).

    Without records it says that reading has passed something that is not a record.
    """

    topic: str
    partition: int
    records: Sequence[Record]
    #: Where reading goes on after this batch: at least the last record's offset + 1.
    next_offset: int


#: `{partition: [(key, value), …]}` for one topic; a None value is a tombstone.
Outgoing = Mapping[int, Iterable[tuple[bytes | None, bytes | None]]]


class Host(Protocol):
    """
    Who owns the partitions: the actors.  The engine calls it in one asyncio loop.

    For one partition the calls come as `assigned`, any number of `deliver` one after another, `revoked`.  Whatever
    a method raises is fatal and comes back through `failed`.
    """

    async def assigned(self, tps: set[TP]) -> dict[TP, int]:
        """
        Open partitions; returns the offset to read from for each of them.

        May be cancelled when they are taken away again before it is done; `revoked` then follows for the same set.
        """

    async def revoked(self, tps: set[TP]) -> None:
        """Let go of partitions; after it returns nothing of them may run.  The engine waits for a bounded time."""

    async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
        """
        Take a batch; returns when there is room for the partition's next one.

        `ack` is called in the loop when the batch is durable, in any order, also after `deliver` has returned; after
        `revoked` it does nothing.  A `deliver` that waits for room is cancelled before `revoked` is called.
        """

    def reading(self, more: bool) -> None:
        """
        Whether more is about to come of what was delivered just now: what it makes this host send is read at once.

        Told only where reading pauses (`cycles`): a host that has much to read, or next to nothing, hears of nothing.
        """

    def failed(self, error: BaseException) -> None:
        """Something broke that the engine cannot mend; called once, the process should leave."""
