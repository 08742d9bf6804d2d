"""
Where in its source a change stands, as 27 bytes that go with a row wherever it goes.

`commit time (ms, 6 bytes) · binlog (4) · position (17)`.  Routers compare the stamps of one row (redelivery), joiners
those of different rows of one source: a row written before its table was emptied is gone, one written after it is not,
whichever of the two is heard of first (invariant 8).  A source without positions gives stamps that are older than
nothing.
"""

from __future__ import annotations

from zlib import crc32

BYTES = 27
#: Of a change whose position is not known.
UNKNOWN = bytes(BYTES)
#: Of them the commit time; the place is behind it.
TIME_BYTES = 6
#: The binlog lies between them.
_BINLOG_END = 10
_MOST_MS = (1 << 48) - 1
#: Seconds by which a change may be younger by the clock than one that was written behind it: MariaDB, and MySQL without
#: GTIDs, log when a statement began, which then waited for its locks (50 s a row lock, by default) while others wrote.
WAITED_SECONDS = 60
_BASES: dict[str, bytes] = {}  # of binlog names already seen: there are one or two in the life of a process


def stamp(file_base: str, position: bytes, ts_ms: int) -> bytes:
    """
    The stamp of a change.

    Args:
        file_base: name of the binlog without its number: positions of different binlogs do not compare.
        position: comparable bytes (see `changes.position.position`), empty when unknown.
        ts_ms: commit time in the source, ms.
    """
    time = (ts_ms if 0 <= ts_ms <= _MOST_MS else 0).to_bytes(TIME_BYTES, "big")
    if not position:
        return time + UNKNOWN[TIME_BYTES:]
    base = _BASES.get(file_base)
    if base is None:
        base = _BASES[file_base] = crc32(file_base.encode()).to_bytes(4, "big")
    return time + base + position


def ts_ms(stamped: bytes) -> int:
    """Commit time in the source, ms."""
    return int.from_bytes(stamped[:TIME_BYTES], "big")


def older(one: bytes, other: bytes) -> bool:
    """
    Whether the change of stamp `one` was written before that of `other`, and surely so: it would be lost for good.

    Equal positions are not older: the two halves of a primary-key update share one, and so may a snapshot row.  A lower
    position that is younger by the source's clock comes from a new incarnation of the binlog (failover, RESET).
    """
    return one[TIME_BYTES:] < other[TIME_BYTES:] and _of_one_binlog(one, other) and _second(one) <= _second(other)


def earlier(one: bytes, other: bytes) -> bool:
    """
    Whether `one` was written before `other`, also where they come from different binlogs: then the clock decides.

    For what is gone without a record of its own, which nothing tells again: in one binlog it is the position that
    counts, and a statement that waited for its locks may be older by the clock than what was written before it.
    """
    if _of_one_binlog(one, other):
        return one[TIME_BYTES:] < other[TIME_BYTES:] and _second(one) <= _second(other) + WAITED_SECONDS
    return _second(one) < _second(other)


def _of_one_binlog(one: bytes, other: bytes) -> bool:
    """Whether their positions compare."""
    return one[TIME_BYTES:_BINLOG_END] == other[TIME_BYTES:_BINLOG_END]


def _second(stamped: bytes) -> int:
    """All that is comparable of a time: MariaDB gives whole seconds, so does Debezium for the rows of a snapshot."""
    return int.from_bytes(stamped[:TIME_BYTES], "big") // 1000
