"""
What the actors need of the world: a log to send to, a ledger to commit to, a place for local state.

`service` gives them the engine's producer and the MongoDB committer; tests of the actors give them nothing else, since
both run on real servers everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Batches = Mapping[int, Sequence[tuple[bytes, bytes]]]
Ack = Callable[[], None]


class Log(Protocol):
    """The keyed topic of a pipeline, as a sender sees it."""

    async def send(self, batches: Batches) -> None:
        """Returns when every record is acknowledged by the broker; in order within a partition."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A fence that is ours now."""

    id: str
    epoch: int
    #: Number of the last committed step.
    seq: int
    #: Next offset to read.
    offset: int
    #: First segment that counts.
    base: int
    #: Source commit time of the last event applied, ms, 0 when unknown.
    source_ms: int


@dataclass(frozen=True, slots=True)
class Written:
    """One document of a step."""

    #: BSON `{_id: …}`.
    identity: bytes
    #: BSON of the whole document, None to delete it.
    body: bytes | None
    #: The collection has never seen it (first copy).
    fresh: bool = False
    #: Where it belongs.
    collection: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Everything one transaction makes durable for one partition."""

    fence: str
    epoch: int
    #: Number of the step before; this one is `seq + 1`.
    seq: int
    offset: int
    #: New first segment, when a sweep ended.
    base: int | None
    #: Source commit time to remember in the fence, ms.
    source_ms: int
    segments: tuple[bytes, ...]
    documents: tuple[Written, ...] = ()
    #: The first copy is written (joiners), or its end was passed (routers); remembered in the fence.
    copied: bool = False
    #: `{id: entry, or None to remove it}` of what is parked.
    parked: Mapping[str, Mapping[str, Any] | None] | None = None


class Refused(Exception):
    """The database will never take `documents[index]` of the step; nothing was written."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"document {index} was refused: {reason}")
        self.index, self.reason = index, reason


class FencedOut(Exception):
    """Another owner has the partition; nothing was written."""


class Ledger(Protocol):
    """MongoDB, as an actor sees it."""

    async def open(self, fence: str) -> Owned:
        """Becomes the owner of a fence."""

    async def segments(self, fence: str, first: int, last: int) -> tuple[list[bytes], int]:
        """Blobs of segments from `first` on, in order, some MiB of those up to `last`; where the next call begins."""

    async def commit(self, step: Step, *, lazily: bool = False) -> None:
        """
        Makes a step durable; `lazily`: it waits a little for another's transaction, for nobody waits for it.

        Raises:
            FencedOut: somebody else is the owner.
            Refused: a document cannot be written, ever.
        """

    def forget(self, fence: str, below: int) -> None:
        """Segments below are superfluous; they may go at leisure."""
