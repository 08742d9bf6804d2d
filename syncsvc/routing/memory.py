"""
What a router remembers of one row: its last source position and the addresses it was sent to.

`before` may be missing (`op=r`), and Debezium is at-least-once, so the memory, not the record, says where a row was
(invariant 2) and whether a change is older than one already routed (invariant 3).  A deleted row's memory stays for a
while, with no addresses (`deletions`): without it a redelivered insert would bring the row back.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from syncsvc.routing import stamp
from syncsvc.routing.slot import length

_LENGTH = struct.Struct(">H")
ROW = b"m"


class Memory(NamedTuple):
    """A remembered row."""

    #: Where in the source its last change stands (see `stamp`).
    stamp: bytes
    #: Where a former life of it ended, unknown where there was none; empty in tables where nobody asks for it.
    ended: bytes
    #: One for each role of the table, None where the row is at no address.
    addresses: tuple[bytes | None, ...]

    @property
    def live(self) -> bool:
        """False when the row is at no address: deleted, or all its keys null."""
        return any(address is not None for address in self.addresses)


def key(identity: bytes) -> bytes:
    """State key of the memory of the row with this canonical primary key."""
    return ROW + identity


def encode(stamped: bytes, ended: bytes, addresses: tuple[bytes | None, ...]) -> bytes:
    """Bytes of a memory."""
    parts = [stamped, ended]
    for address in addresses:
        if address is None:
            parts.append(b"\x00\x00")
        else:
            parts.append(length(address))
            parts.append(address)
    return b"".join(parts)


def decode(value: bytes, *, ended: bool) -> Memory:
    """The memory that `encode` wrote; `ended`: whether memories of the table have that part."""
    start = 2 * stamp.BYTES if ended else stamp.BYTES
    at, addresses = start, []
    while at < len(value):
        size = _LENGTH.unpack_from(value, at)[0]
        at += 2
        addresses.append(value[at : at + size] if size else None)
        at += size
    return Memory(value[: stamp.BYTES], value[stamp.BYTES : start], tuple(addresses))
