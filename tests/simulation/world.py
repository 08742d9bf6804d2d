"""
What survives a crash, and the processes that work on it: the schedule of the simulator.

The world is what is durable: source logs, keyed logs, fences with their segments, documents.  A process is a generator
that does one durable thing between two yields, so that the schedule can stop it for ever at any of them (a crash),
leave it standing while another takes over (a zombie), or let two run in turn.  The code between the yields is the
service's own: `Router`, `Joiner`, `PartitionState`.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import bson

from syncsvc.assembly.joiner import Joiner
from syncsvc.flow import Record
from syncsvc.mapping.model import Pipeline
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.router import Router
from syncsvc.routing.senders import Senders
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from syncsvc.writing.document import versioned
from tests.simulation.histories import Event, encoded

SOURCE_PARTITIONS = 2
TALLIED = ("consumed", "applied", "skipped", "parked")


class Fenced(Exception):
    """A commit of an owner that is no longer the owner."""


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


def _rows(body: bytes | None) -> list[tuple[str, int]]:
    """Every row a document shows, with the place in the binlog at which it was written."""
    if body is None:
        return []
    document = bson.decode(body)
    found = [("meeting", document["n"])]
    people = [document.get("host")]
    for application in document["applications"]:
        found.append((f"application {application['id']}", application["n"]))
        people.append(application["user"])
    # The host and a user of the same id are two roles of one table, and come on different ways.
    for role, person in zip(["host", *["user"] * (len(people) - 1)], people, strict=True):
        if person:
            found.append((f"{role} {person['id']}", person["n"]))
            if person.get("city"):
                found.append((f"city {person['city']['id']}", person["city"]["n"]))
    return found


@dataclass
class World:
    """Everything durable."""

    pipeline: Pipeline
    rng: random.Random
    fenced: bool = True
    sources: dict[tuple[str, int], list[Record]] = field(default_factory=dict)
    keyed: list[list[Record]] = field(default_factory=list)
    fences: dict[tuple[str, int], Fence] = field(default_factory=dict)
    caches: dict[tuple[str, int], MemoryStore] = field(default_factory=dict)
    documents: dict[bytes, bytes] = field(default_factory=dict)
    #: `{_id: newest version a reader has seen}`, kept after a delete.
    seen: dict[bytes, int] = field(default_factory=dict)
    #: `{(_id, row): place in the binlog at which the newest image of the row seen in that document was written}`.
    rows_seen: dict[tuple[bytes, str], int] = field(default_factory=dict)
    #: The same for rows that left the document of their own: only a later image may bring them back.
    rows_left: dict[tuple[bytes, str], int] = field(default_factory=dict)
    parked: list[str] = field(default_factory=list)
    #: consumed, applied, skipped, parked of all commits.
    tally: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TALLIED, 0))
    ends: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plan = compile_plan(self.pipeline)
        self.senders = Senders(dict.fromkeys(self.plan.tables, SOURCE_PARTITIONS), self.pipeline.partitions)
        self.sources = {(table, p): [] for table in self.plan.tables for p in range(SOURCE_PARTITIONS)}
        self.keyed = [[] for _ in range(self.pipeline.partitions)]

    def publish(self, event: Event) -> None:
        """The connector sends one event; a key stays in its partition."""
        log = self.sources[event.table, event.key % SOURCE_PARTITIONS]
        key, value = encoded(event)
        log.append(Record(len(log), key, value or b"", 0))

    def begin(self) -> None:
        """The generation is made: where the sources end now is where the first copy ends."""
        self.ends = {key: len(log) for key, log in self.sources.items()}

    def open(self, name: tuple[str, int]) -> tuple[int, PartitionState]:
        """A new owner: raises the epoch and makes the state whole, from a cache if one is left."""
        fence = self.fences.setdefault(name, Fence())
        fence.epoch += 1
        store = _kept(self.caches.get(name))
        if self.rng.random() < 0.3:  # another machine, or a lost disk
            store = MemoryStore()
        self.caches[name] = store
        state = PartitionState(store, repr(name).encode())
        for number in range(state.behind(fence.seq, fence.base), fence.seq + 1):
            state.apply(fence.segments[number])
        state.caught_up(fence.seq)
        return fence.epoch, state

    def commit(self, name: tuple[str, int], epoch: int, seq: int, offset: int, state: PartitionState) -> Fence:
        """The fenced part of a transaction; everything else of the step follows it without a yield."""
        fence = self.fences[name]
        if self.fenced and (fence.epoch, fence.seq) != (epoch, seq):
            raise Fenced
        taken = state.take_segment(seq + 1, 64)
        fence.seq, fence.offset = seq + 1, offset
        fence.segments[seq + 1] = taken.blob
        if taken.base is not None:
            fence.base = taken.base
            fence.segments = {number: blob for number, blob in fence.segments.items() if number >= taken.base}
        return fence

    def show(self, identity: bytes, body: bytes | None, version: int) -> None:
        """A write reaches the collection, under the eyes of a reader who remembers versions."""
        assert version >= self.seen.get(identity, 0), "invariant 3: a document went back"
        self.seen[identity] = version
        rows = dict(_rows(body))
        for row, written in rows.items():
            newest = self.rows_seen.get((identity, row), 0)
            assert written >= newest, f"invariant 3: {row} went back"
            assert written > self.rows_left.get((identity, row), 0), f"invariant 3: {row} came back without an insert"
            self.rows_seen[identity, row] = written
        for row, written in _rows(self.documents.get(identity)):
            # Users and cities may be looked up again; applications go unseen while their meeting is not there.
            if row not in rows and (row == "meeting" or (body and row.startswith("application"))):
                self.rows_left[identity, row] = written
        if body is None:
            self.documents.pop(identity, None)
        else:
            self.documents[identity] = body

    def decoded(self) -> list[dict[str, Any]]:
        """The documents, without `_sync`, by `_id`."""
        found = sorted((bson.decode(body) for body in self.documents.values()), key=lambda document: document["_id"])
        for document in found:
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


def router(world: World, table: str, partition: int) -> Generator[None, None, None]:
    """A router process: fold, send, sometimes commit; never ends by itself."""
    name = (table, partition)
    epoch, state = world.open(name)
    fence = world.fences[name]
    seq = kept = fence.seq
    offset = fence.offset
    log, end = world.sources[name], world.ends[name]
    stage = Router(
        world.plan, table, f"shop.{table}", partition,
        sender=world.senders.router(table, partition), end=end, state=state,
    )  # fmt: skip
    while True:
        batch = log[offset : offset + world.rng.randint(1, 4)]
        offset += len(batch)
        stage.fold(batch)
        stage.passed(offset)
        yield from world.append(stage.outbox.take())
        if (world.rng.random() < 0.5 and offset != world.fences[name].offset) or (not batch and kept == seq):
            try:
                world.commit(name, epoch, seq, offset, state)
            except Fenced:
                return
            seq += 1
            state.committed(seq, float(seq))
            tally = stage.take_tally()
            world.tally["consumed"] += sum(tally.consumed.values())
            world.tally["applied"] += tally.applied
            world.tally["skipped"] += sum(tally.skipped.values())
            world.tally["parked"] += tally.parked
            world.parked += [record.place for record in stage.take_parked()]
        yield


def joiner(world: World, partition: int) -> Generator[None, None, None]:
    """A joiner process: one step is fold, send, commit with the documents that are due."""
    name = ("joiner", partition)
    epoch, state = world.open(name)
    seq, offset = world.fences[name].seq, world.fences[name].offset
    log = world.keyed[partition]
    stage = Joiner(world.plan, partition, world.senders, state)
    now = 0
    while True:
        batch = log[offset : offset + world.rng.randint(1, 5)]
        now += world.rng.choice((1, 50))
        if not batch and not stage.agenda.busy and (stage.agenda.next_due() or now + 1) > now:
            yield
            continue
        stage.fold(batch)
        offset += len(batch)
        yield from world.append(stage.outbox.take())
        due = stage.agenda.take(now)
        try:
            world.commit(name, epoch, seq, offset, state)
        except Fenced:
            return
        seq += 1
        state.committed(seq, float(seq))
        for rendered in (*due.documents, *due.fresh):
            assert rendered.identity is not None
            body = None if rendered.elements is None else versioned(rendered.elements, 1, offset, 0)
            world.show(rendered.identity, body, offset)
        yield
