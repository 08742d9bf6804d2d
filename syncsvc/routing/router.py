"""
Fold the changes of one source partition into keyed rows: stage 2, the router.

Comes after `changes`, before `assembly`.  Keeps invariant 2 (a row is in the addresses its columns say, and in no
other), invariant 3 (older changes of a row are dropped and counted) and invariant 10 (what a record sends depends on
the records before it alone).  Knows no clock, network, disk or log: state is handed in, emissions and counts are handed
out.  A record that cannot be decoded is never dropped: it is parked raw and poisons the addresses of its row.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from syncsvc.changes.avro import Schemas
from syncsvc.changes.decoding import decoder_for
from syncsvc.changes.envelope import DecodeError
from syncsvc.expressions import ComputeError
from syncsvc.keys import canonical
from syncsvc.routing import memory, records, stamp
from syncsvc.routing.deletions import Deletions
from syncsvc.routing.lane import Lane
from syncsvc.routing.outcome import ParkedRecord
from syncsvc.routing.plan import Plan
from syncsvc.routing.poison import Poison, State
from syncsvc.routing.records import Record
from syncsvc.routing.slot import Row, folds_of, key_of
from syncsvc.routing.source_partition import SourcePartition

DROPPED = b"d"  # state key: row whose redelivered delete was dropped as stale; the tombstone behind it is to be, too
SWEEP = b"w"  # state key: stamp of a snapshot, until what it did not find is swept


class Router(SourcePartition):
    """The router of one partition of one table's topic."""

    def __init__(
        self,
        plan: Plan,
        table: str,
        topic: str,
        partition: int,
        *,
        sender: int,
        end: int,
        state: State,
        schemas: Schemas | None = None,
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
            schemas: gives an Avro schema by its number, where a registry is set.
        """
        super().__init__(f"{topic}[{partition}]", plan.pipeline.partitions, sender=sender, end=end, state=state)
        columns = plan.columns[table]
        declared = plan.pipeline.tables[table]
        self._decoder = decoder_for(declared, columns, schemas)
        folds = folds_of(declared)
        self._lanes = [Lane(role, columns, declared.key, folds) for role in plan.roles_of(table)]
        self._identity = key_of(columns, declared.key)
        self._partition_of = plan.partition_of
        self._table, self._table_number = table, plan.tables.index(table)
        self._nowhere = (None,) * len(self._lanes)
        self._gone = ((None, b""),) * len(self._lanes)
        #: Whether a row's memory says where a former life of it ended.
        self._endings = any(role.ended for role in plan.roles_of(table))
        self._poison = Poison(state, self._lanes, ended=self._endings)
        self._deletions = Deletions(state)

    def _record(self, record: Record) -> None:
        if not record.value:
            self.outbox.at(record.offset, record.timestamp)
            self._count("tombstone")
            self._tombstone(record)
            return
        try:
            change = self._decoder.decode(record.value)
            row = change.after if change.after is not None else change.before
            identity = b"" if row is None and change.op == "t" else self._identity_of(row, record)
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
        stamped = stamp.stamp(change.file_base, change.position, change.ts_ms)
        if change.ts_ms > self._deletions.due_ms:
            self._deletions.forget(stamp.ts_ms(stamped))
        if change.op == "t":
            self._truncate(stamped)
            return
        memory_key = memory.key(identity)
        held = self._state.get(memory_key)
        remembered = None if held is None else memory.decode(held, ended=self._endings)
        if remembered is not None and stamp.older(stamped, remembered.stamp):  # invariant 3
            if change.after is None:
                self._state.put(DROPPED, identity)
            self.tally.skip("stale")
            return
        try:
            # Everything that may fail comes before the first record is sent.
            known = self._addresses(change.before) if remembered is None else remembered.addresses
            ended = self._ended(change.op, stamped, remembered) if self._endings else b""
            placed = self._placed(change.after, stamped, ended)
            remember = memory.encode(stamped, ended, tuple([address for address, _ in placed]))
        except (struct.error, DecodeError, ComputeError) as error:
            self._recount(change.op)
            self._park(record, _unplaceable(error))
            return
        size = _most_bytes(identity, placed)
        if size > records.MOST_ROW_BYTES:
            self._recount(change.op)
            self._route(identity, known, [(address, b"") for address, _ in placed], b"")
            self._state.put(memory_key, remember)  # where it belongs is known: there its documents wait for it
            self._park(record, _too_large(size))
            return
        self._route(identity, known, placed, stamped if change.after is None else b"")
        self._poison.heal(identity)
        self._state.put(memory_key, remember)
        if change.after is None and not self._endings:
            self._deletions.add(record.offset, stamped, identity)
        self.tally.applied += 1
        if change.last:  # a snapshot has read the whole table: what was not among its rows is to be swept
            self._state.put(SWEEP, stamped)

    def _addresses(self, row: Row | None) -> tuple[bytes | None, ...]:
        return self._nowhere if row is None else tuple([lane.address(row) for lane in self._lanes])

    @staticmethod
    def _ended(op: str, stamped: bytes, remembered: memory.Memory | None) -> bytes:
        """
        Where a former life of a row ended: what cannot outlive it and was written before is not of this life.

        A row that is inserted where there was one went unlogged, with one that it referred to; when, nobody knows.
        """
        if op == "d":
            return stamped
        if remembered is None:
            return stamp.UNKNOWN
        deleted = remembered.ended == remembered.stamp
        return stamped if op == "c" and not deleted and stamp.earlier(remembered.stamp, stamped) else remembered.ended

    def _placed(self, row: Row | None, stamped: bytes, ended: bytes) -> Sequence[tuple[bytes | None, bytes]]:
        """`(address, slot)` of a row in each of its roles; no address where it is nowhere."""
        if row is None:
            return self._gone
        return [lane.placed(row, stamped, ended) for lane in self._lanes]

    def _recount(self, op: str) -> None:
        """A change that could be read is none of its kind after all."""
        self.tally.consumed[op] -= 1
        self._count("unreadable")

    def _route(
        self,
        identity: bytes,
        known: tuple[bytes | None, ...],
        placed: Sequence[tuple[bytes | None, bytes]],
        deleted: bytes,
    ) -> None:
        """
        Out of the old addresses, into the new.

        Args:
            placed: `(address, slot)` in each role; a row without a slot is only taken away from where it is no longer.
            deleted: stamp of the row's deletion, empty when it lives.
        """
        for lane, old, (new, slot) in zip(self._lanes, known, placed, strict=True):
            if old is not None and old != new:  # invariant 2: out of the old address before into the new one
                self._send(old, records.REMOVE, records.row_payload(lane.number, identity, deleted))
            if new is not None and slot:
                self._send(new, records.PUT, records.row_payload(lane.number, identity, slot))

    def _truncate(self, stamped: bytes) -> None:
        """
        The table was emptied.  The event has no key and comes in any partition, so it goes to every address: rows that
        are older than it are gone, wherever they are or will be put (the joiners compare stamps).
        """
        self._bar(self._table, self._table_number, stamped, "truncate")
        self.tally.applied += 1

    @property
    def sweep(self) -> bytes | None:
        """
        Stamp of a snapshot that has read the whole table: rows that are older are to be swept; None when none.

        Also of the first one, which finds nothing older: what the other partitions of the table have had, nobody knows.
        """
        return self._state.get(SWEEP)

    def swept(self, stamped: bytes) -> None:
        """The sweep of that snapshot is on its way through the keyed topic."""
        if self._state.get(SWEEP) == stamped:
            self._state.delete(SWEEP)

    def _identity_of(self, row: Row | None, record: Record) -> bytes | None:
        return self._identity(row) if row is not None else canonical(self._key(record))

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
        remembered = None if held is None else memory.decode(held, ended=self._endings)
        if remembered is None or not remembered.live:
            self.tally.skip("tombstone")
            return
        self._route(identity, remembered.addresses, self._gone, remembered.stamp)
        self._poison.heal(identity)
        ended = remembered.stamp if self._endings else b""
        self._state.put(memory.key(identity), memory.encode(remembered.stamp, ended, self._nowhere))
        self.tally.applied += 1

    def _park(self, record: Record, error: DecodeError) -> None:
        """Keeps the record raw and poisons its row's addresses, so that nothing newer is shown without it."""
        place = f"{self._place}@{record.offset}"
        targets: list[tuple[bytes, bytes]] = []
        try:
            values = self._key(record)
        except DecodeError:
            pass  # no key, no row: the raw record and its count are all there is to keep
        else:
            for target, payload in self._poison.spread(values, place):
                self._send(target, records.POISON, payload)
                targets.append((target, payload))
        self._keep(ParkedRecord(place, error.code, error.what, record.key, record.value, tuple(targets)))

    def take_healed(self) -> list[str]:
        """Places of unreadable records whose rows have become good since the last call; also some of `take_parked`."""
        return self._poison.take_healed()


def _most_bytes(identity: bytes, placed: Sequence[tuple[bytes | None, bytes]]) -> int:
    """What a row takes in the largest of its records."""
    most = 0
    for address, slot in placed:
        if address is not None:
            most = max(most, len(address) + len(identity) + len(slot))
    return most


def _too_large(size: int) -> DecodeError:
    what = f"the row takes {size} bytes where a record has room for {records.MOST_ROW_BYTES}"
    return DecodeError("change.too_large", f"{what}: shorten it in the source, or leave its large columns out")


def _unplaceable(error: Exception) -> DecodeError:
    """Why a row that could be read has no slot."""
    if isinstance(error, ComputeError):
        return DecodeError(error.code, error.what)
    if isinstance(error, DecodeError):
        return error
    return DecodeError("change.key_too_long", "a key or reference has more than 65534 bytes")  # a length beyond 64 KiB
