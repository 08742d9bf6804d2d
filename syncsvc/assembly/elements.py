"""
Encoded BSON, cut and joined without decoding: what `render` builds documents of.

An *element* is `type · name · zero byte · value`; a document is its elements between their length and a zero byte.
Knows BSON and nothing of the join; refuses a type it does not know, which a value of ours never has.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

INT32 = struct.Struct("<i")
DOCUMENT, ARRAY, NULL = b"\x03", b"\x04", b"\x0a"
EMPTY = b"\x05\x00\x00\x00\x00"
_INDEXES = [str(number).encode() + b"\x00" for number in range(1024)]
#: Bytes of the values whose type has one length.
_FIXED = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, uuid_representation=UuidRepresentation.STANDARD)

#: `(type, value)` of one element, without its name.
Value = tuple[bytes, bytes]


def document(elements: bytes) -> bytes:
    """The document that holds these elements."""
    return INT32.pack(len(elements) + 5) + elements + b"\x00"


def index(number: int) -> bytes:
    """Name of the element at this place of an array, with its zero byte."""
    return _INDEXES[number] if number < 1024 else str(number).encode() + b"\x00"


def array(name: bytes, values: Iterable[Value]) -> list[bytes]:
    """Chunks of the element `name` (with its zero byte) that holds values in an array."""
    items: list[bytes] = []
    for number, (kind, value) in enumerate(values):
        items += (kind, index(number), value)
    return [ARRAY, name, INT32.pack(sum(map(len, items)) + 5), *items, b"\x00"]


def mapped(name: bytes, values: Mapping[bytes, Value]) -> list[bytes]:
    """Chunks of the element `name` that holds values in an object, by their keys."""
    items: list[bytes] = []
    for key, (kind, value) in values.items():
        items += (kind, key, b"\x00", value)
    return [DOCUMENT, name, INT32.pack(sum(map(len, items)) + 5), *items, b"\x00"]


def pick(elements: bytes, name: bytes) -> Value:
    """The value of one element; null when there is none of that name."""
    at = 0
    while at < len(elements):
        end = elements.index(b"\x00", at + 1)
        start = end + 1
        after = start + _length(elements, elements[at], start)
        if elements[at + 1 : end] == name:
            return elements[at : at + 1], elements[start:after]
        at = after
    return NULL, b""


def _length(elements: bytes, kind: int, at: int) -> int:
    """Bytes of the value of this type that begins at `at`."""
    fixed = _FIXED.get(kind)
    if fixed is not None:
        return fixed
    length: int = INT32.unpack_from(elements, at)[0]
    if kind in (0x03, 0x04):
        return length
    if kind == 0x02:
        return length + 4
    if kind == 0x05:
        return length + 5
    raise ValueError(f"BSON type {kind:#04x} is none that a row or an expression gives")


def decode(elements: bytes) -> dict[str, Any]:
    """Elements as values; moments with their zone, binary UUIDs as UUIDs."""
    return bson.decode(document(elements), codec_options=_CODEC)


def encode(name: str, value: Any) -> bytes:
    """One element."""
    return bson.encode({name: value}, codec_options=_CODEC)[4:-1]
