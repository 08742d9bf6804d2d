"""
The records of the keyed topic: what routers and joiners tell each other, as bytes.

A record is `(key, value)`: the key is the address it is for (empty for marks), the value a header and a payload.  The
header names the channel: who sends, the place in the sender's log that caused it, and its index among what that place
caused; receivers keep the highest `(place, index)` of each sender, so a channel delivers once and in order
(invariant 1).  Formats are numbered (invariant 6): `parse` refuses a number it does not know.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from syncsvc.errors import Drift
from syncsvc.routing import stamp

FORMAT = 2
PUT, REMOVE, SUBSCRIBE, UNSUBSCRIBE, ROW, ANSWER, MARK, POISON, CONTROL, BARRIER = range(1, 11)
KINDS = {
    PUT: "put",
    REMOVE: "remove",
    SUBSCRIBE: "subscribe",
    UNSUBSCRIBE: "unsubscribe",
    ROW: "row",
    ANSWER: "answer",
    MARK: "mark",
    POISON: "poison",
    CONTROL: "control",
    BARRIER: "barrier",
}

#: format, kind, sender, place (offset of the causing record + 1), index, source commit time in ms.
HEADER = struct.Struct(">BBHQIq")
HEADER_BYTES = HEADER.size
#: Largest record of the keyed topic, as the broker counts it: a row may be as large as its document.
MOST_RECORD_BYTES = 16 << 20
#: Of them for a row's address, identity and slot.  The rest has room for the header, for what the broker adds, and at a
#: relay for the head of a delivery and the place of the record that poisons the row.
MOST_ROW_BYTES = MOST_RECORD_BYTES - 1024
#: Index of a mark that follows every emission of its place.
LAST_INDEX = 0xFFFFFFFF
#: Sender number of a person: control records carry no place and are harmless when repeated.
OPERATOR = 0xFFFF

_U16 = struct.Struct(">H")
_ROW = struct.Struct(">HH")  # role, length of the identity
_U32 = struct.Struct(">I")
_DELIVERY = struct.Struct(">Q?")  # subscription id, complete


class Record(Protocol):
    """A record of any topic, as the engine gives it."""

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
        """Of the broker or the producer, ms."""


class Keyed(NamedTuple):
    """A row's place at an address: role and canonical primary key, and its slot (None: the row has left)."""

    role: int
    identity: bytes
    slot: bytes | None


class Delivery(NamedTuple):
    """Part of what a relay holds, sent to one subscribing partition."""

    #: Id of the subscription it answers: the place that caused it.
    subscription: int
    #: False for all but the last part of an answer: the subscriber does not yet have every row.
    complete: bool
    rows: list[Keyed]


def row_payload(role: int, identity: bytes, slot: bytes = b"") -> bytes:
    """
    Payload of PUT, REMOVE and POISON.

    The slot of a POISON is the id of the parked record; that of a REMOVE is the stamp of the row's deletion, or empty
    when the row has only left this address.
    """
    return _ROW.pack(role, len(identity)) + identity + slot


def parse_row(value: bytes) -> tuple[int, bytes, bytes]:
    """`(role, identity, slot)` of a PUT, REMOVE or POISON record's value."""
    role, length = _ROW.unpack_from(value, HEADER_BYTES)
    start = HEADER_BYTES + _ROW.size
    end = start + length
    return role, value[start:end], value[end:]


def barrier_payload(table: int, stamped: bytes, cursor: bytes = b"") -> bytes:
    """Payload of BARRIER: the table of this number has no rows older than the stamp; where to go on looking."""
    return _U16.pack(table) + stamped + cursor


def parse_barrier(value: bytes) -> tuple[int, bytes, bytes]:
    """`(table, stamp, cursor)` of a BARRIER record's value."""
    table, start = _U16.unpack_from(value, HEADER_BYTES)[0], HEADER_BYTES + 2
    return table, value[start : start + stamp.BYTES], value[start + stamp.BYTES :]


def delivery_payload(subscription: int, complete: bool, rows: list[Keyed]) -> bytes:
    """Payload of ROW (one changed row) and ANSWER (all rows, in one part or several)."""
    chunks = [_DELIVERY.pack(subscription, complete)]
    for role, identity, slot in rows:
        chunks += (_ROW.pack(role, len(identity)), identity)
        if slot is None:
            chunks.append(_U32.pack(0))
        else:
            chunks += (_U32.pack(len(slot) + 1), slot)
    return b"".join(chunks)


def parse_delivery(value: bytes) -> Delivery:
    """What `delivery_payload` wrote, out of a record's value."""
    subscription, complete = _DELIVERY.unpack_from(value, HEADER_BYTES)
    at, end, rows = HEADER_BYTES + _DELIVERY.size, len(value), []
    while at < end:
        role, length = _ROW.unpack_from(value, at)
        identity = value[at + 4 : at + 4 + length]
        at += 4 + length
        size = _U32.unpack_from(value, at)[0]
        at += 4
        slot = None
        if size:
            slot = value[at : at + size - 1]
            at += size - 1
        rows.append(Keyed(role, identity, slot))
    return Delivery(subscription, complete, rows)


def partition_payload(partition: int) -> bytes:
    """Payload of SUBSCRIBE and UNSUBSCRIBE: the partition that asks."""
    return _U16.pack(partition)


def parse_partition(value: bytes) -> int:
    """The partition of a SUBSCRIBE or UNSUBSCRIBE record's value."""
    partition: int = _U16.unpack_from(value, HEADER_BYTES)[0]
    return partition


def foreign(record: Record) -> Drift:
    """The refusal of a keyed record that is not ours, or that a newer version of syncsvc wrote (invariant 6)."""
    value = record.value or b""
    found = "no header" if record.key is None or len(value) < HEADER_BYTES else f"format {value[0]}"
    return Drift(
        code="records.foreign_format",
        where=f"keyed topic @{record.offset}",
        what=f"a record has {found}, this version reads format {FORMAT}",
        fix="run the version of syncsvc that wrote it, or rebuild under a new generation",
    )


class Outbox:
    """
    What a stage sends, in order, by target partition; numbers it as invariant 1 needs.

    `at` is called for each record a stage folds; the emissions between two calls are that record's.  They depend on
    the log alone (invariant 10), never on where a batch ends, so an Outbox may be taken at any record.
    """

    __slots__ = ("_batches", "_index", "_place", "_sender", "_stamp")

    def __init__(self, sender: int) -> None:
        self._sender = sender
        self._batches: dict[int, list[tuple[bytes, bytes]]] = {}
        self._index = self._place = self._stamp = 0

    def at(self, offset: int, source_ms: int) -> None:
        """Begins the emissions of the record at `offset`."""
        self._place, self._stamp, self._index = offset + 1, source_ms, 0

    def send(self, partition: int, key: bytes, kind: int, payload: bytes) -> None:
        """Appends one record."""
        header = HEADER.pack(FORMAT, kind, self._sender, self._place, self._index, self._stamp)
        self._index += 1
        batch = self._batches.get(partition)
        if batch is None:
            batch = self._batches[partition] = []
        batch.append((key, header + payload))

    def send_mark(self, partitions: int, end: int, level: int, source_ms: int = 0) -> None:
        """A mark of this sender to every partition, after all it sent for offsets below `end`."""
        value = HEADER.pack(FORMAT, MARK, self._sender, end, LAST_INDEX, source_ms) + bytes((level,))
        for partition in range(partitions):
            self._batches.setdefault(partition, []).append((b"", value))

    def take(self) -> dict[int, list[tuple[bytes, bytes]]]:
        """`{partition: [(key, value), …]}` since the last call, in the order sent."""
        batches, self._batches = self._batches, {}
        return batches
