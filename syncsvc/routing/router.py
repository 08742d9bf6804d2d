"""
Fold the changes of one source partition into keyed rows: stage 2, the router.

Comes after `changes`, before `assembly`.  Keeps invariant 2 (a row is in the addresses its columns say, and in no
other), invariant 3 (older changes of a row are dropped and counted) and invariant 10 (what a record sends depends on
the records before it alone).  Knows no clock, network, disk or log: state is handed in, emissions and counts are handed
out.  A record that cannot be decoded is never dropped: it is parked raw and poisons the addresses of its row.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from syncsvc.changes.envelope import DecodeError, TableDecoder
from syncsvc.keys import Partitioner, canonical
from syncsvc.routing import memory, records
from syncsvc.routing.outcome import ParkedRecord, Tally
from syncsvc.routing.plan import Plan, Role
from syncsvc.routing.records import Outbox, Record
from syncsvc.routing.slot import Row, encoder, key_of

MARKED = b"e"  # state key: the end mark of the first copy was sent
POISONED = b"p"  # p identity -> places of the row's records that could not be decoded, a line each
DROPPED = b"d"  # state key: row whose redelivered delete was dropped as stale; the tombstone behind it is to be, too
Address = Callable[[Row], bytes | None]


class State(Protocol):
    """What a stage needs of its state; see `state.partition`."""

    def get(self, key: bytes) -> bytes | None:
        """The value, None when there is none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value."""

    def delete(self, key: bytes) -> None:
        """Removes a value, when there."""

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Entries whose key begins with the prefix."""


class _Lane:
    """A role as the router uses it: how to address and encode a row."""

    def __init__(self, role: Role, columns: Sequence[str], key: Sequence[str]) -> None:
        self.number = role.number
        self._node = bytes((role.node,))
        self._key = key_of(columns, role.address)
        self.slot = encoder(role, columns)
        #: Address from the primary key alone, where the address is part of it.
        self.by_identity = key_of(key, role.address) if set(role.address) <= set(key) else None

    def address(self, row: Row) -> bytes | None:
        found = self._key(row)
        return None if found is None else self._node + found

    def address_of_identity(self, values: Row) -> bytes | None:
        found = self.by_identity(values) if self.by_identity else None
        return None if found is None else self._node + found


class Router:
    """The router of one partition of one table's topic."""

    def __init__(
        self, plan: Plan, table: str, topic: str, partition: int, *, sender: int, end: int, state: State
    ) -> None:
        """
        Args:
            plan: the compiled pipeline.
            table: `db.table` of the topic.
            topic: source topic, for the place of parked records.
            partition: source partition.
            sender: number of this channel's sender, the same in every process of the generation.
            end: end offset of the partition when the generation began; its mark is sent when it is passed.
            state: the partition's state, already loaded.
        """
        columns = plan.columns[table]
        declared = plan.pipeline.tables[table]
        self._decoder = TableDecoder(declared, columns)
        self._lanes = [_Lane(role, columns, declared.key) for role in plan.roles_of(table)]
        self._identity = key_of(columns, declared.key)
        self._partition_of = Partitioner(plan.pipeline.partitions)
        self._partitions = plan.pipeline.partitions
        self._place = f"{topic}[{partition}]"
        self._state, self._end = state, end
        self._nowhere = (None,) * len(self._lanes)
        self._gone = ((None, b""),) * len(self._lanes)
        self._marked = state.get(MARKED) is not None
        self.outbox = Outbox(sender)
        self._poisoned = {key[1:]: value.decode().split("\n") for key, value in state.scan(POISONED)}
        self._healed: list[str] = []
        self.parked: list[ParkedRecord] = []
        self.tally = Tally()

    def fold(self, batch: Iterable[Record]) -> None:
        """Folds records in offset order into state, `outbox`, `parked` and `tally`."""
        for record in batch:
            if not self._marked and record.offset >= self._end:
                self.mark()
            self._record(record)

    def passed(self, offset: int) -> None:
        """Tells that every record below `offset` was folded; sends the end mark when that is the end."""
        if not self._marked and offset >= self._end:
            self.mark()

    def mark(self) -> None:
        """Sends the end mark of this source partition to every keyed partition, once."""
        self.outbox.send_mark(self._partitions, self._end, 1)
        self._state.put(MARKED, b"")
        self._marked = True

    @property
    def marked(self) -> bool:
        """Whether the end of the first copy has been passed."""
        return self._marked

    def _record(self, record: Record) -> None:
        if not record.value:
            self.outbox.at(record.offset, record.timestamp)
            self._count("tombstone")
            self._tombstone(record)
            return
        try:
            change = self._decoder.decode(record.value)
            row = change.after if change.after is not None else change.before
            identity = self._identity(row) if row is not None else canonical(self._key(record))
            if identity is None:
                raise DecodeError("change.null_key", "a column of the primary key is null")
        except DecodeError as error:
            self.outbox.at(record.offset, record.timestamp)
            self._count("unreadable")
            self._park(record, error)
            return
        self._count(change.op)
        self.outbox.at(record.offset, change.ts_ms)
        self.tally.see(change.ts_ms)
        place = memory.place(change.file_base, change.position)
        held = self._state.get(memory.key(identity))
        if held is None:
            known = self._addresses(change.before)
        else:
            remembered = memory.decode(held)
            if memory.stale(remembered, place, change.ts_ms):  # invariant 3
                if change.after is None:
                    self._state.put(DROPPED, identity)
                self.tally.skip("stale")
                return
            known = remembered.addresses
        try:
            # Everything that may fail comes before the first record is sent.
            placed = self._placed(change.after)
            remember = memory.encode(place, change.ts_ms, tuple([address for address, _ in placed]))
        except struct.error:  # a length of more than 64 KiB
            self.tally.consumed[change.op] -= 1
            self._count("unreadable")
            self._park(record, DecodeError("change.key_too_long", "a key or reference has more than 65534 bytes"))
            return
        self._route(identity, known, placed)
        self._heal(identity)
        self._state.put(memory.key(identity), remember)
        self.tally.applied += 1

    def _addresses(self, row: Row | None) -> tuple[bytes | None, ...]:
        return self._nowhere if row is None else tuple([lane.address(row) for lane in self._lanes])

    def _placed(self, row: Row | None) -> Sequence[tuple[bytes | None, bytes]]:
        """`(address, slot)` of a row in each of its roles; no address where it is nowhere."""
        if row is None:
            return self._gone
        return [(lane.address(row), lane.slot(row)) for lane in self._lanes]

    def _route(
        self, identity: bytes, known: tuple[bytes | None, ...], placed: Sequence[tuple[bytes | None, bytes]]
    ) -> None:
        for lane, old, (new, slot) in zip(self._lanes, known, placed, strict=True):
            if old is not None and old != new:  # invariant 2: out of the old address before into the new one
                self._send(old, records.REMOVE, records.row_payload(lane.number, identity))
            if new is not None:
                self._send(new, records.PUT, records.row_payload(lane.number, identity, slot))

    def _send(self, address: bytes, kind: int, payload: bytes) -> None:
        self.outbox.send(self._partition_of[address], address, kind, payload)

    def _key(self, record: Record) -> Row:
        if not record.key:
            raise DecodeError("change.no_key", "the record has no key")
        return self._decoder.decode_key(record.key)

    def _tombstone(self, record: Record) -> None:
        """A tombstone follows a delete; alone (compacted topic, late start) it is one."""
        try:
            identity = canonical(self._key(record))
        except DecodeError as error:
            self._park(record, error)
            return
        if self._state.get(DROPPED) == identity:  # a tombstone has no position of its own: it is as old as its delete
            self._state.put(DROPPED, b"")
            self.tally.skip("stale")
            return
        held = self._state.get(memory.key(identity))
        remembered = None if held is None else memory.decode(held)
        if remembered is None or not remembered.live:
            self.tally.skip("tombstone")
            return
        self._route(identity, remembered.addresses, self._gone)
        self._heal(identity)
        gone = memory.encode(remembered.position, remembered.ts_ms, self._nowhere)
        self._state.put(memory.key(identity), gone)
        self.tally.applied += 1

    def _park(self, record: Record, error: DecodeError) -> None:
        """Keeps the record raw and poisons its row's addresses, so that nothing newer is shown without it."""
        place = f"{self._place}@{record.offset}"
        self.tally.parked += 1
        try:
            values = self._key(record)
        except DecodeError:
            values = None  # no key, no row: the raw record and its count are all there is to keep
        targets = () if values is None else self._poison(values, place)
        self.parked.append(ParkedRecord(place, error.code, error.what, record.key, record.value, targets))

    def _poison(self, values: Row, place: str) -> tuple[tuple[bytes, bytes], ...]:
        """Tells every address of a row that its newest record could not be decoded."""
        identity = canonical(values)
        places = self._poisoned.setdefault(identity, [])
        places.append(place)
        self._state.put(POISONED + identity, "\n".join(places).encode())
        held = self._state.get(memory.key(identity))
        known = memory.Memory(b"", 0, self._nowhere) if held is None else memory.decode(held)
        addresses, sent = [], []
        for lane, address in zip(self._lanes, known.addresses, strict=True):
            target = lane.address_of_identity(values) if address is None else address
            addresses.append(target)
            if target is not None:
                payload = records.row_payload(lane.number, identity, place.encode())
                self._send(target, records.POISON, payload)
                sent.append((target, payload))
        # Remembered, so that a later delete of the row also takes the poison away (invariant 2).
        self._state.put(memory.key(identity), memory.encode(known.position, known.ts_ms, tuple(addresses)))
        return tuple(sent)

    def _heal(self, identity: bytes) -> None:
        """
        A later image of a row, or its delete, makes its unreadable records good.

        Their entries are written and removed here alone, by one partition in its order: a joiner may show the healed
        row before the step that parks the record is durable, and a router that was killed parks it again.
        """
        if self._poisoned and (places := self._poisoned.pop(identity, None)) is not None:
            self._state.delete(POISONED + identity)
            self._healed += places

    def _count(self, op: str) -> None:
        self.tally.consumed[op] = self.tally.consumed.get(op, 0) + 1

    def take_tally(self) -> Tally:
        """What happened since the last call."""
        tally, self.tally = self.tally, Tally()
        return tally

    def take_parked(self) -> list[ParkedRecord]:
        """Records parked since the last call."""
        parked, self.parked = self.parked, []
        return parked

    def take_healed(self) -> list[str]:
        """Places of unreadable records whose rows have become good since the last call; also some of `take_parked`."""
        healed, self._healed = self._healed, []
        return healed
