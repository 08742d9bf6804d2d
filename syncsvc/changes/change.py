"""
The value that stage 1 makes: one change of one row, with a source position that compares bytewise.

Comes before `envelope`, which makes the values, and is read by `routing`.  Knows nothing of JSON or column types.
"""

from __future__ import annotations

import struct
from typing import Any

from msgspec import Struct

#: Values of one row in the order of the columns asked for, ready for BSON.
Row = tuple[Any, ...]

SNAPSHOT, STREAMED = 0, 1
"""Phases.  A snapshot row that was read inside a window carries the position of the event that closed it, and is sent
before that event: the same place, so the phase decides, and the event wins."""

#: Values of `source.snapshot` on the last row that a snapshot reads of a table.
LAST_OF_TABLE = frozenset({"last", "last_in_data_collection"})

#: file number, position in the file, row inside the event, phase: 17 bytes, big-endian, so that bytes sort as numbers.
_POSITION = struct.Struct(">IQIB")
_pack = _POSITION.pack


class Change(Struct, frozen=True, gc=False):
    """One change of one row.  A `Struct`, not a dataclass: it is made for every record, at a third of the cost."""

    #: "c" insert, "u" update, "d" delete, "r" read by a snapshot, "t" the table was emptied: it has no rows.
    op: str
    #: The row before the change; None for "c" and "r", and where the source did not give it.
    before: Row | None
    #: The row after the change; None for "d" and "t".
    after: Row | None
    #: Comparable source position (`position`), b"" when the source gave none.
    position: bytes
    #: Commit time in the source, ms since 1970; 0 when the source gave none.  Whole seconds on MariaDB; never an order.
    ts_ms: int
    #: Name of the binlog without its number; positions of different bases do not compare.
    file_base: str
    #: Whether a snapshot read this row as the last one of its table.
    last: bool = False


def binlog(file: str | None) -> tuple[str, int] | None:
    """
    Base name and number of a binlog file, None when it has no number that fits 32 bits.

    >>> binlog("mysql-bin.000012")
    ('mysql-bin', 12)
    """
    base, _, digits = (file or "").rpartition(".")
    if not digits.isascii() or not digits.isdigit() or int(digits) >= 1 << 32:
        return None
    return base, int(digits)


def position(number: int, place: int, row: int, phase: int) -> bytes:
    """
    17 bytes that compare as `(number, place, row, phase)` does; b"" when a part is outside its range.

    Args:
        number: of the binlog file, below 2**32.
        place: where the event starts in the file, bytes, below 2**64.
        row: index of the row inside the event, below 2**32.
        phase: `SNAPSHOT` or `STREAMED`.
    """
    try:
        return _pack(number, place, row, phase)
    except struct.error:
        return b""
