"""
What a router remembers of one row: its last source position and the addresses it was sent to.

`before` may be missing (`op=r`), and Debezium is at-least-once, so the memory, not the record, says where a row was
(invariant 2) and whether a change is older than one already routed (invariant 3).  A deleted row's memory stays, with
no addresses: without it a redelivered insert would bring the row back.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

_HEAD = struct.Struct(">QB")  # source commit time in ms, length of the position
_LENGTH = struct.Struct(">H")
ROW = b"m"
_BASES: dict[str, bytes] = {}  # of binlog names already seen: there are one or two in the life of a process


def place(file_base: str, position: bytes) -> bytes:
    """Position with the binlog it counts in: positions of different binlogs do not compare.  Empty when unknown."""
    if not position:
        return b""
    base = _BASES.get(file_base)
    if base is None:
        base = _BASES[file_base] = crc32(file_base.encode()).to_bytes(4, "big")
    return base + position


class Memory(NamedTuple):
    """A remembered row."""

    #: What `place` made of the source position.
    position: bytes
    #: Source commit time, ms.
    ts_ms: int
    #: One for each role of the table, None where the row is at no address.
    addresses: tuple[bytes | None, ...]

    @property
    def live(self) -> bool:
        """False when the row is at no address: deleted, or all its keys null."""
        return any(address is not None for address in self.addresses)


def key(identity: bytes) -> bytes:
    """State key of the memory of the row with this canonical primary key."""
    return ROW + identity


def encode(position: bytes, ts_ms: int, addresses: tuple[bytes | None, ...]) -> bytes:
    """Bytes of a memory."""
    parts = [_HEAD.pack(ts_ms, len(position)), position]
    for address in addresses:
        parts.append(b"\x00\x00" if address is None else _LENGTH.pack(len(address)) + address)
    return b"".join(parts)


def decode(value: bytes) -> Memory:
    """The memory that `encode` wrote."""
    ts_ms, length = _HEAD.unpack_from(value)
    at = _HEAD.size + length
    position, addresses = value[_HEAD.size : at], []
    while at < len(value):
        size = _LENGTH.unpack_from(value, at)[0]
        at += 2
        addresses.append(value[at : at + size] if size else None)
        at += size
    return Memory(position, ts_ms, tuple(addresses))


def stale(memory: Memory, position: bytes, ts_ms: int) -> bool:
    """
    Whether a change is older than the last one routed of its row.

    Positions of different binlogs, or none at all, are never stale.  Equal positions are not stale: the two halves of
    a primary-key update share one, and so may a snapshot row.  A lower position that is younger by the source's clock
    comes from a new incarnation of the binlog (failover, RESET), not from redelivery.
    """
    held = memory.position
    return held[:4] == position[:4] and position < held and ts_ms <= memory.ts_ms
