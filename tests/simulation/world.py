"""
What survives a crash: source logs, keyed logs, fences with their segments, documents.

Whatever reaches it stays; everything else is a process (`stages`), which may stop at any moment.  Its document store
can fail before it applies a transaction, and can time out after it has (the owner then asks the fence what happened).
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import bson

from syncsvc.flow import Record
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.senders import Senders
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from tests.simulation.prefixes import Log
from tests.simulation.reader import Reader
from tests.simulation.shapes import Shape
from tests.simulation.source import SOURCE_PARTITIONS, Event, Image

Name = tuple[str, int]
#: Collection, `_id`, document.
Written = tuple[str, bytes, bytes | None]
TALLIED = ("consumed", "applied", "skipped", "parked")


class Fenced(Exception):
    """A commit of an owner that is no longer the owner."""


@dataclass(frozen=True)
class Faults:
    """Which of them happen in a run, and how often."""

    #: Chance of each, at each turn: a process is killed and another takes over.
    crash: float = 0.0
    #: Of the killed ones, those that only seem dead and go on for a while.
    zombie: float = 0.5
    #: A process is told to let go.
    revoke: float = 0.0
    #: A connector goes back and sends a stretch again.
    redelivery: float = 0.0
    #: A new owner finds no cache.
    lost: float = 0.3
    #: A transaction fails before it is applied; it is applied, but nobody hears of it.
    refused: float = 0.0
    unheard: float = 0.0


@dataclass
class Fence:
    """A fence and the segments it stands for."""

    epoch: int = 0
    seq: int = 0
    offset: int = 0
    base: int = 1
    segments: dict[int, bytes] = field(default_factory=dict)


def _kept(cache: MemoryStore | None) -> MemoryStore:
    """What a killed owner's cache holds; a zombie goes on with its own."""
    copy = MemoryStore()
    stamp = cache.stamp() if cache else None
    if cache is not None and stamp is not None:
        copy.load(sorted(cache._kept.items()))
        copy.commit(stamp)
    return copy


@dataclass
class World:
    """Everything durable."""

    shape: Shape
    rng: random.Random
    faults: Faults
    images: Mapping[int, Image]
    fenced: bool = True
    #: Whether readers look at each write, and not only at the end.
    watched: bool = True
    keyed: list[list[Record]] = field(default_factory=list)
    fences: dict[Name, Fence] = field(default_factory=dict)
    caches: dict[Name, MemoryStore] = field(default_factory=dict)
    #: `{collection: {_id: document}}`.
    documents: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    #: Processes that have been told to let go.
    revoked: set[Name] = field(default_factory=set)
    parked: list[str] = field(default_factory=list)
    #: consumed, applied, skipped, parked of all commits.
    tally: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TALLIED, 0))
    ends: dict[Name, int] = field(default_factory=dict)
    #: What may pass between two steps of a joiner.
    pauses_ms: tuple[int, ...] = (1, 50)
    #: `{(table, stamp of a snapshot): where its topic ended when a router saw the snapshot's end}`.
    noticed: dict[tuple[str, bytes], dict[Name, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pipeline = self.shape.pipeline
        self.plan = compile_plan(pipeline)
        self.log = Log(self.shape)
        self.documents = {view.collection: {} for view in self.plan.views}
        self.readers = {one.collection: Reader(one, self.images, self.log) for one in pipeline.each()}
        self.senders = Senders(dict.fromkeys(self.plan.tables, SOURCE_PARTITIONS), pipeline.partitions)
        self.sources: dict[Name, list[Record]] = {
            (table, p): [] for table in self.plan.tables for p in range(SOURCE_PARTITIONS)
        }
        self.keyed = [[] for _ in range(pipeline.partitions)]

    @property
    def names(self) -> list[Name]:
        """Every process there is."""
        return [*self.sources, *(("joiner", p) for p in range(self.shape.pipeline.partitions))]

    def publish(self, event: Event) -> None:
        """The connector sends one event; of a table that the pipeline does not name it sends none."""
        if event.table not in self.plan.columns:
            return
        log = self.sources[event.table, event.partition]
        key, value = event.encoded(self.shape.sources[event.table])
        log.append(Record(len(log), key, value, 0))
        self.log.published(event)

    def begin(self) -> None:
        """The generation is made: where the sources end now is where the first copy ends."""
        self.ends = {key: len(log) for key, log in self.sources.items()}

    def open(self, name: Name) -> tuple[int, PartitionState]:
        """A new owner: raises the epoch and makes the state whole, from a cache if one is left."""
        self.revoked.discard(name)
        fence = self.fences.setdefault(name, Fence())
        fence.epoch += 1
        store = _kept(self.caches.get(name))
        if self.rng.random() < self.faults.lost:  # another machine, or a lost disk
            store = MemoryStore()
        self.caches[name] = store
        state = PartitionState(store, repr(name).encode())
        for number in range(state.behind(fence.seq, fence.base), fence.seq + 1):
            state.apply(fence.segments[number])
        state.caught_up(fence.seq)
        return fence.epoch, state

    def commit(
        self, name: Name, epoch: int, seq: int, offset: int, state: PartitionState, written: Sequence[Written] = ()
    ) -> Generator[None, None, None]:
        """One transaction, tried again until it is known to be durable; `Fenced` when another owner has taken over."""
        fence = self.fences[name]
        taken = state.take_segment(seq + 1, 64)
        while self.rng.random() < self.faults.refused:
            yield
        if self.fenced and (fence.epoch, fence.seq) != (epoch, seq):
            raise Fenced
        fence.seq, fence.offset = seq + 1, offset
        fence.segments[seq + 1] = taken.blob
        if taken.base is not None:
            fence.base = taken.base
            fence.segments = {number: blob for number, blob in fence.segments.items() if number >= taken.base}
        for collection, identity, body in written:
            self._show(collection, identity, body, offset)
        if self.rng.random() < self.faults.unheard:
            yield
            if self.fenced and (fence.epoch, fence.seq) != (epoch, seq + 1):  # all that the owner can ask
                raise Fenced
        state.committed(seq + 1, float(seq + 1))

    def _show(self, collection: str, identity: bytes, body: bytes | None, version: int) -> None:
        """A write reaches its collection, under the eyes of a reader."""
        documents = self.documents[collection]
        if self.watched:
            self.readers[collection].see(identity, body, documents.get(identity), version)
        if body is None:
            documents.pop(identity, None)
        else:
            documents[identity] = body

    def decoded(self) -> dict[str, list[dict[str, Any]]]:
        """The documents of each collection, without `_sync`."""
        found = {name: [*map(bson.decode, documents.values())] for name, documents in self.documents.items()}
        for documents in found.values():
            for document in documents:
                del document["_sync"]
        return found

    def append(self, batches: dict[int, list[tuple[bytes, bytes]]]) -> Generator[None, None, None]:
        """Sends emissions: in order within a partition, in any order between them, stopping anywhere."""
        while batches:
            partition = self.rng.choice(list(batches))
            batch = batches[partition]
            cut = self.rng.randint(1, len(batch))
            log = self.keyed[partition]
            log += [Record(len(log) + index, key, value) for index, (key, value) in enumerate(batch[:cut])]
            if cut == len(batch):
                del batches[partition]
            else:
                batches[partition] = batch[cut:]
            yield
