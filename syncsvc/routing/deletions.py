"""
Rows that were deleted, in the order of their deletions: after a day nothing is remembered of them.

Part of `router`.  A deleted row's memory keeps a repeated insert from bringing the row back (invariant 3).  A connector
repeats what it sent last, with its old times, so once the source's clock shows a day later the row is safe without.
Time is that of the records, so what a record sends depends on the records before it alone (invariant 10).  A row that
others refer to by `on_parent_delete: cascade` is remembered for good: where its life ended is asked for later.
"""

from __future__ import annotations

import struct

from syncsvc.routing import memory, stamp
from syncsvc.routing.poison import State

#: By the source's clock, from a row's deletion on.
REMEMBERED_MS = 86_400_000
#: So much later the oldest is looked for: where many are deleted, many are forgotten in one go.
LATE_MS = 3_600_000
#: Of rows that one record has forgotten: some 10 us each.
AT_ONCE = 32
NEVER = 1 << 62
DELETED = b"g"  # g offset of the delete -> its time (ms, 6 bytes), identity

_OFFSET = struct.Struct(">Q")


class Deletions:
    """What the router of one source partition is still to forget."""

    def __init__(self, state: State) -> None:
        """`state`: of the partition, already loaded."""
        self._state = state
        self._oldest = DELETED
        #: A change with a later time has the oldest ones forgotten; `NEVER` when there is none.
        self.due_ms = NEVER
        self._look()

    def add(self, offset: int, stamped: bytes, identity: bytes) -> None:
        """
        A row was deleted; where nobody knows when, it is remembered for good.

        Args:
            offset: of the record that told so.
            stamped: stamp of the deletion.
            identity: the row's canonical primary key.
        """
        time = stamped[: stamp.TIME_BYTES]
        if not any(time):
            return
        key = DELETED + _OFFSET.pack(offset)
        self._state.put(key, time + identity)
        if self.due_ms == NEVER:
            self._due(key, time)

    def forget(self, now_ms: int) -> None:
        """Forgets the oldest of those that were deleted long ago and are not there again, `AT_ONCE` at most."""
        for key, value in self._state.walk(self._oldest, DELETED, AT_ONCE):
            if stamp.ts_ms(value) + REMEMBERED_MS > now_ms:
                break
            row = memory.key(value[stamp.TIME_BYTES :])
            held = self._state.get(row)
            if held is not None:
                known = memory.decode(held, ended=False)
                if not known.live and stamp.ts_ms(known.stamp) + REMEMBERED_MS <= now_ms:
                    self._state.delete(row)
            self._state.delete(key)
            self._oldest = key
        self._look()

    def _look(self) -> None:
        """Finds the oldest.  From the one before on: a store may list what was removed, only to leave it out."""
        self.due_ms = NEVER
        for key, value in self._state.walk(self._oldest, DELETED, 1):
            self._due(key, value)

    def _due(self, key: bytes, time: bytes) -> None:
        self._oldest, self.due_ms = key, stamp.ts_ms(time) + REMEMBERED_MS + LATE_MS
