"""
Keys of rows in an object (`map_by`): the text of a column, in front of the bytes that order the slot.

Part of `slot`.  Refuses a text with a zero byte, which BSON cannot hold as a name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime

from syncsvc.changes.envelope import DecodeError

_LENGTH = struct.Struct(">H")
_NONE = 0xFFFF


def text(value: object, *, day: bool = False) -> str:
    """
    How a value is written as a key: whole numbers in decimal, texts as they are, moments in ISO 8601 (UTC).

    `day`: the column is a DATE, and a moment is written as its day.
    """
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        if day:
            return f"{moment:%Y-%m-%d}"
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return str(value)


def encoder(place: int, *, day: bool) -> Callable[[tuple[object, ...]], bytes]:
    """A function giving `length key` of a row, whose column is at `place`; without a key the length is 0xFFFF."""

    def encode(row: tuple[object, ...]) -> bytes:
        value = row[place]
        if value is None:
            return b"\xff\xff"
        key = text(value, day=day).encode()
        if b"\x00" in key or len(key) >= _NONE:
            raise DecodeError("change.bad_map_key", "the key of the row in its object has a zero byte or is too long")
        return _LENGTH.pack(len(key)) + key

    return encode


def split(order: bytes) -> tuple[bytes | None, bytes]:
    """`(key, order)` of what `encoder` wrote in front of the order; no key in a slot that never held a good row."""
    if not order:
        return None, b""
    length = _LENGTH.unpack_from(order)[0]
    if length == _NONE:
        return None, order[2:]
    return order[2 : 2 + length], order[2 + length :]
