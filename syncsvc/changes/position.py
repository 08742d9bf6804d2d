"""
Where in its source an event stands, as bytes that compare as the events follow each other.

Comes before `envelope`; positions of different binlogs do not compare.  Refuses what is outside its ranges with b"",
which is older than nothing.  The events of a compressed transaction (MySQL) share a place and do not compare either:
`source.connection` refuses a server that writes them.
"""

from __future__ import annotations

import struct

SNAPSHOT, STREAMED = 0, 1
"""Phases.  A snapshot row that was read inside a window carries the position of the event that closed it, and is sent
before that event: the same place, so the phase decides, and the event wins."""

#: file number, position in the file, row inside the event, phase: 17 bytes, big-endian, so that bytes sort as numbers.
_POSITION = struct.Struct(">IQIB")
_pack = _POSITION.pack


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
