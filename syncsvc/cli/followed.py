"""
What `trace` finds: records near the end of the logs in Kafka; memory, fences, state and documents in MongoDB.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from syncsvc.actors import parking
from syncsvc.cli import explaining, held, standing, tracing
from syncsvc.cli.tracing import KeyedRecord, Remembered, SourceRecord
from syncsvc.engine import reading
from syncsvc.engine.port import TP
from syncsvc.engine.reading import Read
from syncsvc.engine.topics import Topics
from syncsvc.errors import CheckFailed, UsageFault
from syncsvc.keys import Partitioner
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations, names
from syncsvc.mongo.client import Mongo
from syncsvc.routing.plan import compile_plan
from syncsvc.settings import Settings
from syncsvc.source import keys
from syncsvc.state.fences import fence_id
from syncsvc.wiring.connections import engine_settings, schema_registry


@dataclass(frozen=True, slots=True)
class FenceSeen:
    """How far a keyed partition is."""

    where: str
    #: First offset that the log still has; None: there is no topic.
    start: int | None
    #: Next offset to read; None: no worker has opened it.
    offset: int | None
    end: int | None
    epoch: int | None
    seq: int | None

    @property
    def lag(self) -> int | None:
        """Records not yet applied; None where that is not known, or the log is not that of the offset."""
        return None if self.end is None or self.offset is None or self.verdict else self.end - self.offset

    @property
    def verdict(self) -> str:
        """What it means that the offset is not within the log, as `status` says it; empty where it is."""
        return standing.judged(self.start, self.offset, self.end)[0]


@dataclass(frozen=True, slots=True)
class DocumentSeen:
    """One document."""

    collection: str
    key: str
    #: `[generation, offset]` of what is stored; None: it is not stored, or not by us.
    version: tuple[int, int] | None
    #: For a person.
    words: str
    #: Rows that the state holds for it.
    rows: int
    #: Why its writes have stopped, and the ids of the entries.
    parked: str | None


@dataclass(frozen=True, slots=True)
class Followed:
    """Every hop of one key."""

    title: str
    source: tuple[SourceRecord, ...]
    remembered: tuple[Remembered, ...]
    keyed: tuple[KeyedRecord, ...]
    fences: tuple[FenceSeen, ...]
    documents: tuple[DocumentSeen, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready but for dates, with the lags and what they mean."""
        found = asdict(self)
        for shown, fence in zip(found["fences"], self.fences, strict=True):
            shown |= {"lag": fence.lag, "verdict": fence.verdict}
        return found

    @property
    def anything(self) -> bool:
        """Whether any trace of the key was found."""
        stored = any(document.version or document.rows or document.parked for document in self.documents)
        return bool(self.source or self.remembered or self.keyed or stored)


class Follow:
    """Follows keys of one pipeline; raises Unreachable, and Drift where its state cannot be read by this code."""

    def __init__(self, pipeline: Pipeline, mongo: Mongo, settings: Settings) -> None:
        self._pipeline, self._mongo, self._engine = pipeline, mongo, engine_settings(settings)
        self._plan = compile_plan(pipeline)
        self._rows = tracing.Rows(self._plan, schema_registry(settings))
        if generations.read(mongo, pipeline.name, pipeline.generation) is not None:
            held.check_generation(mongo, pipeline)

    def document(self, kind: int, text: str, last: int) -> Followed:
        """A document by the key of its root, and all rows it is made of."""
        one = self._pipeline.each()[kind]
        wanted = keys.read(one, text)
        address = bytes((kind,)) + wanted.canonical
        self._rows.add(one.root.table, wanted.words)
        for row in self._explained(kind, address).rows:
            with contextlib.suppress(UsageFault):  # a key that is not written as a person would: its record has no name
                self._rows.add(row.table, row.key)
        return self._followed(f"{one.target_collection} {wanted}", [address], last)

    def row(self, table: str, text: str, last: int) -> Followed:
        """A row by its primary key, and the addresses it was sent to."""
        words = keys.words(text, self._pipeline.tables[table].key)
        self._rows.add(table, words)
        return self._followed(f"{table} {explaining.told(words)}", [], last)

    def _explained(self, kind: int, address: bytes) -> explaining.Explained:
        """What the state holds; nothing where no worker has been."""
        number = Partitioner(self._pipeline.partitions)[address]
        try:
            state = held.partition(self._mongo, self._pipeline, number, address).state
        except CheckFailed:
            return explaining.Explained((), (), None, False)
        return explaining.explain(self._plan, kind, state, address)

    def _followed(self, title: str, addresses: list[bytes], last: int) -> Followed:
        topic_of = {table: self._pipeline.source_topic(table) for table in self._rows.wanted}
        remembered, places = self._rows.remembered(self._mongo, topic_of)
        wanted = addresses or places
        partition_of = Partitioner(self._pipeline.partitions)
        numbers = sorted({partition_of[address] for address in wanted})
        records, bounds = asyncio.run(self._records(set(topic_of.values()), numbers, last))
        source = [
            one
            for table, topic in topic_of.items()
            for one in self._rows.told(table, [record for record in records if record.topic == topic])
        ]
        keyed = [record for record in records if record.topic == self._pipeline.keyed_topic]
        return Followed(
            title,
            tuple(sorted(source, key=lambda one: one.arrived)),
            tuple(remembered),
            tuple(tracing.keyed(self._plan, set(wanted), keyed, self._senders())),
            tuple(self._fence(number, bounds) for number in numbers),
            tuple(self._document(address) for address in wanted if address[0] < len(self._plan.views)),
        )

    async def _records(
        self, sources: Collection[str], numbers: Sequence[int], last: int
    ) -> tuple[list[Read], Mapping[TP, tuple[int, int]]]:
        """Records near the end of the topics, and the first and next offset of their partitions."""
        keyed = self._pipeline.keyed_topic
        async with Topics(self._engine) as admin:
            there = await admin.describe([*sources, keyed])
        tps = [TP(name, number) for name, state in there.items() for number in range(state.partitions) if name != keyed]
        if keyed in there:
            tps += [TP(keyed, number) for number in numbers]
        if not tps:
            return [], {}
        async with reading.reader(self._engine) as logs:
            bounds = await logs.bounds(tps)
            found = [record async for record in logs.last(tps, last)]
        return found, bounds

    def _senders(self) -> list[str]:
        """Partitions by the number under which they send; none where the generation has not begun."""
        begun = generations.read(self._mongo, self._pipeline.name, self._pipeline.generation)
        if begun is None:
            return []
        return tracing.senders(self._plan, {topic.name: topic.partitions for topic in begun.sources})

    def _fence(self, number: int, bounds: Mapping[TP, tuple[int, int]]) -> FenceSeen:
        pipeline, topic = self._pipeline, self._pipeline.keyed_topic
        wanted = fence_id(pipeline.name, pipeline.generation, "joiner", (topic, number))
        there = fences.read_fences(self._mongo, pipeline.name, pipeline.generation)
        found: dict[str, Any] = next((fence for fence in there if fence["_id"] == wanted), {})
        start, end = bounds.get(TP(topic, number), (None, None))
        offset = standing.offset_of(found, start, end, 0)
        return FenceSeen(f"{topic}[{number}]", start, offset, end, found.get("epoch"), found.get("seq"))

    def _document(self, address: bytes) -> DocumentSeen:
        kind = address[0]
        one = self._pipeline.each()[kind]
        explained = self._explained(kind, address)
        _, key = tracing.address_words(self._plan, address)
        version, words = None, "not stored"
        stored = self._stored(one, explained, address)
        if stored is not None and "_sync" in stored:
            version = (int(stored["_sync"]["v"][0]), int(stored["_sync"]["v"][1]))
            words = f"version g{version[0]}@{version[1]}, written {stored['_sync']['at']:%Y-%m-%d %H:%M:%S} UTC"
        elif stored is not None:
            words = "stored, and not by syncsvc"
        return DocumentSeen(one.target_collection, key, version, words, len(explained.rows), self._parked(address))

    def _parked(self, address: bytes) -> str | None:
        """The document's own entry, and those of records that hold it back."""
        own = {"pipeline": self._pipeline.name, "generation": self._pipeline.generation}
        either = [{"_id": parking.document_id(self._pipeline.group, address)}, {"targets.address": address}]
        found = self._mongo.database[names.PARKED].find({**own, "$or": either}, {"reason": 1}).sort("at", 1)
        return "; ".join(f"PARKED {entry['reason']}: {entry['_id']}" for entry in found) or None

    def _stored(self, one: Pipeline, explained: explaining.Explained, address: bytes) -> dict[str, Any] | None:
        """The document's version, found by the key that its root row is known by."""
        root = self._rows.wanted.get(one.root.table, {})
        words = next((row.key for row in explained.rows if row.relation == ""), None)
        for candidate in ([words] if words else []) + list(root.values()):
            key = keys.of_words(one, candidate)
            if bytes((address[0],)) + key.canonical == address:
                return self._mongo.database[one.target_collection].find_one({"_id": key.identity}, {"_sync": 1})
        return None
