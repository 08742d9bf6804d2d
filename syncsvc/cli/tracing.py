"""
The hops of one key, read from where each is stored: source records, router memory, keyed records.

Which rows belong to a document, and what is held of them, is known by `explaining`; `trace` puts all of it together.
Contents of rows are never among what is found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from syncsvc.changes.avro import Schemas
from syncsvc.changes.decoding import Decoder, decoder_for
from syncsvc.changes.envelope import DecodeError, TableDecoder
from syncsvc.cli import explaining, written_keys
from syncsvc.engine.reading import Read
from syncsvc.keys import Partitioner, canonical
from syncsvc.mapping.model import Table
from syncsvc.mongo import fences, names, segments
from syncsvc.mongo.client import Mongo
from syncsvc.routing import memory, records, stamp
from syncsvc.routing.plan import Plan
from syncsvc.routing.schema_changes import channels
from syncsvc.source import events
from syncsvc.state import segments as segment_format

_OPERATIONS = {"c": "insert", "u": "update", "d": "delete", "r": "snapshot", "t": "truncate"}


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record of a source topic that is about the key."""

    table: str
    key: Mapping[str, str]
    #: `topic[partition]@offset`.
    where: str
    #: insert, update, delete, snapshot, tombstone or unreadable.
    operation: str
    #: Binlog file and place.
    position: str | None
    #: Commit time in the source, and when the record was written to Kafka.
    committed: datetime | None
    arrived: datetime


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a router remembers of a row."""

    table: str
    key: Mapping[str, str]
    #: `topic[partition]` of the router.
    router: str
    position: str
    committed: datetime | None
    #: Where it was sent: `(document or relay, its key, keyed partition)`; none when it is deleted.
    addresses: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class KeyedRecord:
    """A record of the keyed topic that is for an address."""

    where: str
    #: put, remove, subscribe, …
    kind: str
    #: Record that caused it, `topic[partition]@offset`; "a person" for a retry or a skip.
    sender: str
    address: str
    committed: datetime | None
    arrived: datetime


class Rows:
    """Rows by table and primary key, and the records that are about them."""

    def __init__(self, plan: Plan, schemas: Schemas | None) -> None:
        self._plan, self._schemas = plan, schemas
        #: `{table: {canonical primary key: {column: text}}}`.
        self.wanted: dict[str, dict[bytes, Mapping[str, str]]] = {}

    def add(self, table: str, key: Mapping[str, str]) -> None:
        """A row, by its key as a person writes it; raises UsageFault for one that cannot be."""
        declared = self._plan.pipeline.tables[table]
        values = TableDecoder(declared, declared.key).decode_key(events.key_event(declared, key))
        self.wanted.setdefault(table, {})[canonical(values)] = dict(key)

    def told(self, table: str, found: Collection[Read]) -> Iterator[SourceRecord]:
        """Those of the records that are about one of the rows."""
        declared, wanted = self._plan.pipeline.tables[table], self.wanted[table]
        decoder = decoder_for(declared, self._plan.columns[table], self._schemas)
        for record in found:
            key = _identity(decoder, record)
            if key in wanted:
                yield _source_record(declared, wanted[key], decoder, record)

    def remembered(self, mongo: Mongo, topic_of: Mapping[str, str]) -> tuple[list[Remembered], list[bytes]]:
        """What the routers of their tables have of the rows, and all addresses in it."""
        pipeline, found, places = self._plan.pipeline, list[Remembered](), list[bytes]()
        collection = names.state_collection(pipeline.name, pipeline.generation)
        prefixes = {f"/router/{topic_of[table]}[": table for table in self.wanted}
        for fence in fences.read_fences(mongo, pipeline.name, pipeline.generation):
            table = next((table for part, table in prefixes.items() if part in fence["_id"]), None)
            if table is None:
                continue
            keys = {memory.key(identity): key for identity, key in self.wanted[table].items()}
            held: dict[bytes, bytes | None] = {}
            for _, blob in segments.segments(mongo, collection, fence["_id"], fence["base"], fence["seq"]):
                held |= {key: value for key, value in segment_format.decode(blob) if key in keys}
            for key, value in held.items():
                if value is not None:
                    known = memory.decode(value, ended=any(role.ended for role in self._plan.roles_of(table)))
                    places += [address for address in known.addresses if address is not None]
                    found.append(self._remembered(table, keys[key], fence["_id"].split("/router/", 1)[1], known))
        return found, list(dict.fromkeys(places))

    def _remembered(self, table: str, key: Mapping[str, str], router: str, found: memory.Memory) -> Remembered:
        at = explaining.position(found.stamp)
        partition_of = Partitioner(self._plan.pipeline.partitions)
        addresses = tuple(
            (*address_words(self._plan, address), partition_of[address]) for address in found.addresses if address
        )
        return Remembered(table, key, router, str(at), at.at, addresses)


def address_words(plan: Plan, address: bytes) -> tuple[str, str]:
    """What kind of place an address is, and its key as a person writes it."""
    node = address[0]
    key = ", ".join(written_keys.values(address[1:], plan.arity[node]))
    if node < len(plan.views):
        return plan.views[node].collection, key
    tables = dict.fromkeys(role.table for role in plan.roles if role.node == node)
    return f"relay of {', '.join(tables)}", key


def senders(plan: Plan, source_partitions: Mapping[str, int]) -> list[str]:
    """
    Partitions by their number as senders (`routing.senders`), `topic[partition]`.

    Args:
        source_partitions: of each source topic, as the generation has them.
    """
    pipeline = plan.pipeline
    topics = {table: pipeline.source_topic(table) for table in plan.tables} | channels(pipeline)
    counts = [*((topic, source_partitions.get(topic, 0)) for _, topic in sorted(topics.items()))]
    counts.append((pipeline.keyed_topic, pipeline.partitions))
    return [f"{topic}[{number}]" for topic, count in counts for number in range(count)]


def keyed(
    plan: Plan, addresses: Collection[bytes], found: Collection[Read], places: Sequence[str]
) -> Iterator[KeyedRecord]:
    """Records that are for one of the addresses; `places`: see `senders`."""
    for record in found:
        if record.key is None or record.key not in addresses or len(record.value or b"") < records.HEADER_BYTES:
            continue
        number, kind, sender, place, _, source_ms = records.HEADER.unpack_from(record.value or b"")
        if number != records.FORMAT:
            raise records.foreign(record)
        by = f"{places[sender]}@{place - 1}" if sender < len(places) else "a person"
        name = " ".join(address_words(plan, record.key))
        yield KeyedRecord(
            _where(record), records.KINDS.get(kind, str(kind)), by, name, _moment(source_ms), _arrived(record)
        )


def _identity(decoder: Decoder, record: Read) -> bytes | None:
    if not record.key:
        return None
    try:
        return canonical(decoder.decode_key(record.key))
    except DecodeError:
        return None


def _source_record(table: Table, key: Mapping[str, str], decoder: Decoder, record: Read) -> SourceRecord:
    place, arrived = _where(record), _arrived(record)
    if not record.value:
        return SourceRecord(table.name, key, place, "tombstone", None, None, arrived)
    try:
        change = decoder.decode(record.value)
    except DecodeError as error:
        return SourceRecord(table.name, key, place, f"unreadable ({error.code})", None, None, arrived)
    at = explaining.position(stamp.stamp(change.file_base, change.position, change.ts_ms))
    operation = _OPERATIONS.get(change.op, change.op)
    return SourceRecord(table.name, key, place, operation, str(at), at.at, arrived)


def _where(record: Read) -> str:
    return f"{record.topic}[{record.partition}]@{record.offset}"


def _arrived(record: Read) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def _moment(ms: int) -> datetime | None:
    return datetime.fromtimestamp(ms / 1000, UTC) if ms > 0 else None
