"""
Rows that went without a record of their own: with their whole table, or with the row they belonged to.

Part of `joiner`.  A floor is a stamp below which rows are gone: of a table (it was emptied, or a snapshot that read it
again did not find them) or of the rows of one role at one address (`on_parent_delete: cascade`).  Rows are judged by
where in the source they were written, so it does not matter which is heard of first, the row or the end of it
(invariant 8). What is held when a table's floor arrives is taken away some thousand rows a record: the rest goes on in
a record that the partition sends itself, so that a table of any size is emptied in steps that depend on the log alone
(invariant 10).
"""

from __future__ import annotations

from collections.abc import Iterator

from syncsvc.assembly.layout import FLOOR, SLOT, U16, row_key
from syncsvc.assembly.state import State
from syncsvc.keys import Partitioner, end_of
from syncsvc.routing import records
from syncsvc.routing.plan import Plan
from syncsvc.routing.records import Outbox
from syncsvc.routing.slot import GOOD, GRAVE, references_of, stamp_of, unpoisoned
from syncsvc.routing.stamp import earlier

SWEEP_ROWS = 5000  # looked at in one record: some 10 ms


class Floors:
    """The floors of one keyed partition."""

    def __init__(self, plan: Plan, partition: int, state: State, outbox: Outbox, partition_of: Partitioner) -> None:
        self._plan, self._partition, self._state, self._outbox = plan, partition, state, outbox
        self._partition_of = partition_of
        self._tables = {key[1:]: stamped for key, stamped in state.scan(FLOOR)}
        self._doomed = frozenset(role.number for role in plan.roles if role.doomed)
        number = {table: index for index, table in enumerate(plan.tables)}
        self._table_of = [U16.pack(number[role.table]) for role in plan.roles]

    def bar(self, address: bytes, role: int, slot: bytes) -> bytes | None:
        """
        Whether a row that arrives is below a floor: None where it is not, the stamp of the deletion that took it along,
        or nothing where it went with its table.
        """
        if not self._tables and role not in self._doomed:
            return None
        stamped = stamp_of(slot)
        if role in self._doomed:
            held = self._state.get(row_key(SLOT, address, role, b""))
            if held is not None and earlier(stamped, held[1:]):
                return held[1:]
        floor = self._tables.get(self._table_of[role])
        return b"" if floor is not None and earlier(stamped, floor) else None

    def grave(self, address: bytes, role: int, stamped: bytes) -> bytes | None:
        """What to hold of a deletion where rows that refer to the deleted one go with it; None where they do not."""
        return self._raised(address, role, stamped) if role in self._plan.grave else None

    def take_along(self, address: bytes, role: int, slot: bytes | None, stamped: bytes) -> Iterator[int]:
        """Roles at the same address that go with a deleted row; those at other addresses are told."""
        good = None if slot is None else unpoisoned(slot)
        for index, doomed in self._plan.dooms.get(role, ()):
            if index is None:
                yield doomed
                continue
            references = self._plan.roles[role].references
            key = None if good is None else references_of(good, len(references))[index]
            if key is not None:
                relay = bytes((references[index].node,)) + key
                payload = records.doom_payload(doomed, stamped)
                self._outbox.send(self._partition_of[relay], relay, records.DOOM, payload)

    def doom(self, address: bytes, role: int, stamped: bytes) -> list[bytes]:
        """Raises the floor of a role at an address; identities of the rows that are below it now."""
        raised = self._raised(address, role, stamped)
        self._state.put(row_key(SLOT, address, role, b""), raised)
        prefix = row_key(SLOT, address, role, b"")
        return [
            key[len(prefix) :]
            for key, slot in self._state.scan(prefix)
            if slot[:1] != GRAVE and earlier(stamp_of(slot), stamped)
        ]

    def _raised(self, address: bytes, role: int, stamped: bytes) -> bytes:
        held = self._state.get(row_key(SLOT, address, role, b""))
        return held if held is not None and earlier(stamped, held[1:]) else GRAVE + stamped

    def sweep(self, table: int, stamped: bytes, cursor: bytes) -> list[tuple[bytes, int, bytes]]:
        """Raises a table's floor; `(address, role, identity)` of rows below it, from `cursor` on, whole addresses."""
        name = U16.pack(table)
        floor = self._tables.get(name)
        if floor is None or not earlier(stamped, floor):
            self._tables[name] = stamped
            self._state.put(FLOOR + name, stamped)
        rows = self._state.walk(cursor or SLOT, SLOT, SWEEP_ROWS)
        if len(rows) == SWEEP_ROWS:
            rows, behind = self._whole(rows)
            payload = records.barrier_payload(table, stamped, behind)
            self._outbox.send(self._partition, b"", records.BARRIER, payload)
        found = []
        for key, slot in rows:
            end = self._end(key)
            role = U16.unpack_from(key, end)[0]
            if self._table_of[role] == name and slot[:1] == GOOD and earlier(stamp_of(slot), stamped):
                found.append((key[1:end], role, key[end + 2 :]))
        return found

    def _whole(self, rows: list[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Rows of whole addresses, so that a document never shows half a table, and where to go on."""
        last = rows[-1][0][: self._end(rows[-1][0])]
        before = [row for row in rows if not row[0].startswith(last)]
        if before:
            return before, last
        rows = self._state.scan(last)
        return rows, rows[-1][0] + b"\x00"

    def _end(self, key: bytes) -> int:
        return end_of(key, 2, self._plan.arity[key[1]])
