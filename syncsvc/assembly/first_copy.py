"""
The first copy of one keyed partition: first all rows are gathered, then every document comes by once, in key order.

Beside `due`, which renders and writes what comes.  How far it is is kept in the state (CURSOR), so the next owner goes
on where the last one stood.  Refuses nothing: a document it has passed is written like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncsvc.assembly.layout import CURSOR, SLOT
from syncsvc.assembly.render import Renderer, Rows
from syncsvc.assembly.state import State
from syncsvc.keys import end_of

COPY_ROWS = 2048  # slots read at a time: four times as many are four times the memory, and save nothing


class FirstCopy:
    """How far the first copy of a partition is."""

    def __init__(self, state: State, renderer: Renderer, *, key_columns: Sequence[int]) -> None:
        """`key_columns`: of the documents' addresses, one number for each node of documents."""
        self._state, self._renderer, self._key_columns = state, renderer, key_columns
        #: Rows are still to come: nothing is written.
        self.gathering = True
        #: Address of the last document that came by; a node alone before its first one, None when all have.
        self.cursor: bytes | None = state.get(CURSOR)

    def begin(self) -> None:
        """Every row is there: documents come by from now on."""
        self.gathering, self.cursor = False, b""

    def resume(self) -> None:
        """Every row was there before this process opened the partition."""
        self.gathering = False

    @property
    def under_way(self) -> bool:
        """Whether every row is there, and documents are still to come by."""
        return self.cursor is not None

    @property
    def ended(self) -> bool:
        """Whether every document has come by."""
        return not self.gathering and self.cursor is None

    def awaits(self, address: bytes) -> bool:
        """Whether a document is still to come by: it shows its changes then."""
        return self.gathering or (self.cursor is not None and address > self.cursor)

    def documents(self) -> Iterator[tuple[bytes, Rows]]:
        """`(address, its slots)` of the next ones, until the caller has enough; to be followed by `keep`."""
        while self.cursor is not None:
            node = self.cursor[0] if self.cursor else 0
            prefix = SLOT + bytes((node,))
            start = SLOT + self.cursor + b"\xff" if len(self.cursor) > 1 else prefix
            rows = self._state.walk(start, prefix, COPY_ROWS)
            last = len(rows) < COPY_ROWS
            groups = self._grouped(rows)
            if not last:
                address, _ = groups.pop()  # may go on behind the last row read
                if not groups:
                    groups = [(address, self._renderer.rows_at(address))]
            for address, slots in groups:
                self.cursor = address
                yield address, slots
            if last:
                self.cursor = bytes((node + 1,)) if node + 1 < len(self._key_columns) else None

    def keep(self) -> None:
        """Remembers in the state how far it is."""
        if self.cursor is None:
            self._state.delete(CURSOR)
        else:
            self._state.put(CURSOR, self.cursor)

    def _grouped(self, rows: Rows) -> list[tuple[bytes, Rows]]:
        """Slots in key order, by address."""
        groups: list[tuple[bytes, Rows]] = []
        address = None
        for row in rows:
            key = row[0]
            if address is None or not key.startswith(address, 1):
                address = key[1 : end_of(key, 2, self._key_columns[key[1]])]
                groups.append((address, []))
            groups[-1][1].append(row)
        return groups
