"""
Rows that went with their whole table: floors, stamps below which rows of a table are gone.

Part of `joiner`.  A table was emptied or dropped, or a snapshot that read it again did not find them.  Rows are judged
by where in the source they were written, so it does not matter which is heard of first, the row or the end of it
(invariant 8).  What is held when a floor arrives is taken away some thousand rows a record: the rest goes on in a
record that the partition sends itself, so that a table of any size is emptied in steps that depend on the log alone
(invariant 10).
"""

from __future__ import annotations

from syncsvc.assembly.layout import FLOOR, SLOT, U16
from syncsvc.assembly.state import State
from syncsvc.keys import end_of
from syncsvc.routing import records
from syncsvc.routing.plan import Plan
from syncsvc.routing.records import Outbox
from syncsvc.routing.slot import GOOD, stamp_of
from syncsvc.routing.stamp import earlier

SWEEP_ROWS = 5000  # looked at in one record: some 10 ms


class Floors:
    """The floors of one keyed partition."""

    def __init__(self, plan: Plan, partition: int, state: State, outbox: Outbox) -> None:
        self._plan, self._partition, self._state, self._outbox = plan, partition, state, outbox
        self._tables = {key[1:]: stamped for key, stamped in state.scan(FLOOR)}
        number = {table: index for index, table in enumerate(plan.tables)}
        self._table_of = [U16.pack(number[role.table]) for role in plan.roles]

    def bar(self, role: int, slot: bytes) -> bool:
        """Whether a row that arrives is below the floor of its table."""
        if not self._tables:
            return False
        floor = self._tables.get(self._table_of[role])
        return floor is not None and earlier(stamp_of(slot), floor)

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
