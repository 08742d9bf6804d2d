"""
The shown columns of a row as BSON elements, one behind the other.

Part of `slot`, and most of what a slot costs: the common types are written here, at a third of what the codec takes for
a document of them; every other value goes through the codec, and so does every error.  The bytes are the codec's own
(`tests/routing/test_fields.py` compares them over all types).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import bson
from bson import Int64

_INT32: Final = struct.Struct("<i").pack
_INT64: Final = struct.Struct("<q").pack
_LEAST32: Final = -(1 << 31)
_MOST32: Final = (1 << 31) - 1
#: Lengths of short texts, ready made: a look-up costs a third of packing.
_SHORT: Final = 512
_LENGTHS: Final = [_INT32(length) for length in range(_SHORT)]


class Fields:
    """Named columns of a row."""

    def __init__(self, names: Sequence[str], places: Sequence[int]) -> None:
        """`places` of the columns in the row, one for each name."""
        self._fields = [
            (name, place, b"\x02" + _name(name), b"\x10" + _name(name), b"\x0a" + _name(name))
            for name, place in zip(names, places, strict=True)
        ]

    def encode(self, row: tuple[object, ...]) -> bytes:
        """The elements of a row; errors are the codec's."""
        parts: list[bytes] = []
        for name, place, text, integer, nothing in self._fields:
            value = row[place]
            kind = type(value)
            if kind is str:
                assert isinstance(value, str)
                raw = value.encode()
                length = len(raw) + 1
                parts += (text, _LENGTHS[length] if length < _SHORT else _INT32(length), raw, b"\x00")
            elif value is None:
                parts.append(nothing)
            elif kind is int:
                assert isinstance(value, int)
                if _LEAST32 <= value <= _MOST32:
                    parts += (integer, _INT32(value))
                else:
                    parts.append(element(name, value))
            elif kind is Int64:
                parts += (b"\x12" + integer[1:], _INT64(value))
            else:
                parts.append(element(name, value))
        return b"".join(parts)


def element(name: str, value: object) -> bytes:
    """One element, written by the codec."""
    return bson.encode({name: value})[4:-1]


def _name(name: str) -> bytes:
    return name.encode() + b"\x00"
