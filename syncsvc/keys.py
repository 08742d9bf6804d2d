"""
Canonical bytes of key values: equal keys give equal bytes, and bytes sort as the values do.

Used by every stage that compares or orders keys.  `1` from an INT, a BIGINT or a DECIMAL(10,0) column is the same
key.  The encoding of a component says where it ends, so the key of a shorter tuple is never a prefix of another key
of the same arity.  Refuses nothing but values that cannot be keys (floats have no canonical equality in SQL joins,
but may be sorted by).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from bson import Decimal128
from mypy_extensions import i64

NULL = b"\x00"
_BYTES, _TEXT, _INTEGER_ZERO, _FLOAT, _DECIMAL, _TIME = b"\x01", b"\x02", 0x14, b"\x21", b"\x30", b"\x31"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TWO, _THREE, _FOUR = struct.Struct(">BH").pack, struct.Struct(">I").pack, struct.Struct(">BI").pack
_EXPONENT_BIAS = 0x8000  # Decimal128 exponents lie within ±6144, so the biased exponent fits 16 bits
_MULTIPLIER: Final = 0x5BD1E995  # of murmur2
_MASK: Final = 0xFFFFFFFF
_LARGEST_SHORT_INTEGER = 8  # bytes; beyond it the length is written out


def integer(value: int) -> bytes:
    """Bytes of an integer of any size: a tag that grows with the length, then the number, big-endian."""
    if 0xFF < value <= 0xFFFF:  # nearly every key of a table is of 2 to 4 bytes: these three lines save half
        return _TWO(0x16, value)
    if 0xFFFF < value <= 0xFFFFFF:
        return _THREE(0x17000000 | value)
    if 0xFFFFFF < value <= 0xFFFFFFFF:
        return _FOUR(0x18, value)
    if value >= 0:
        length = (value.bit_length() + 7) // 8
        if length <= _LARGEST_SHORT_INTEGER:
            return bytes((_INTEGER_ZERO + length,)) + value.to_bytes(length, "big")
        return bytes((_INTEGER_ZERO + 9, length)) + value.to_bytes(length, "big")
    length = ((-value).bit_length() + 7) // 8
    complement = (value + (1 << (8 * length))) - 1
    if length <= _LARGEST_SHORT_INTEGER:
        return bytes((_INTEGER_ZERO - length,)) + complement.to_bytes(length, "big")
    return bytes((_INTEGER_ZERO - 9, 255 - length)) + complement.to_bytes(length, "big")


def _decimal(value: Decimal) -> bytes:
    """Ordered bytes of an exact decimal: sign, biased exponent, digits without trailing zeros."""
    sign, digits, _ = value.as_tuple()
    text = "".join(map(str, digits)).strip("0") if value else ""
    if not text:
        return _DECIMAL + b"\x02"
    body = struct.pack(">H", value.adjusted() + _EXPONENT_BIAS) + text.encode() + b"\x00"
    if sign:
        return _DECIMAL + b"\x01" + bytes(255 - byte for byte in body)
    return _DECIMAL + b"\x03" + body


def _float(value: float) -> bytes:
    bits = int.from_bytes(struct.pack(">d", value), "big")
    bits = bits ^ (1 << 63) if not bits >> 63 else bits ^ ((1 << 64) - 1)
    return _FLOAT + bits.to_bytes(8, "big")


def _escaped(tag: bytes, raw: bytes) -> bytes:
    # A byte below 2 becomes two: the zero at the end is the only one, and no key is the beginning of another.
    if b"\x00" in raw or b"\x01" in raw:
        raw = raw.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")
    return tag + raw + b"\x00"


def _time(value: datetime) -> bytes:
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return _TIME + integer((moment - _EPOCH) // _MICROSECOND)  # exact, where seconds as a float are not


def component(value: object) -> bytes:
    """
    Canonical bytes of one key value, equal exactly when SQL would call the values equal.

    Raises:
        TypeError: when a value of this type cannot be a key.
    """
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, str):
        return _escaped(_TEXT, value.encode())
    if value is None:
        return NULL
    if isinstance(value, bytes):
        return _escaped(_BYTES, value)
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, Decimal):
        return integer(int(value)) if value == value.to_integral_value() else _decimal(value)
    if isinstance(value, datetime):
        return _time(value)
    raise TypeError(f"a {type(value).__name__} cannot be a key")


def canonical(values: Sequence[object]) -> bytes:
    """Canonical bytes of a key of one or more columns."""
    if len(values) == 1:
        return component(values[0])
    return b"".join(map(component, values))


def _sortable(value: object) -> bytes:
    if isinstance(value, Decimal128):
        return _decimal(value.to_decimal())
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, float):
        return _float(value)
    return component(value)


def sort_key(values: Sequence[object], descending: Sequence[bool]) -> bytes:
    """
    Bytes that sort as `ORDER BY` does: NULL first, or last where descending.

    Text sorts by code point, not by the collation of its column.
    """
    parts = []
    for value, reverse in zip(values, descending, strict=True):
        part = _sortable(value)
        parts.append(bytes(255 - byte for byte in part) + b"\xff" if reverse else part)
    return b"".join(parts)


def murmur2(data: bytes) -> int:
    """The hash that Kafka's own clients partition by (seed 0x9747b28c), as an unsigned 32-bit number."""
    length = len(data)
    # Masked to 32 bits before each shift, so that the machine's integers, where this is compiled, give the same.
    value: i64 = 0x9747B28C ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        word: i64 = data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24
        word = (word * _MULTIPLIER) & _MASK
        word ^= word >> 24
        value = ((value * _MULTIPLIER) & _MASK) ^ ((word * _MULTIPLIER) & _MASK)
    if length & 3:
        rest: i64 = 0
        for place in range(length - 1, whole - 1, -1):
            rest = rest << 8 | data[place]
        value = ((value ^ rest) * _MULTIPLIER) & _MASK
    value ^= value >> 13
    value = (value * _MULTIPLIER) & _MASK
    return int(value ^ (value >> 15))


class Partitioner:
    """
    Address -> partition of the keyed topic, remembered: the hash in plain Python costs 2 to 4 µs, a look-up 0.1.

    The memory is bounded; an address that fell out is hashed again, with the same result.  One is shared by all actors
    of a pipeline, for each of them meets most addresses.
    """

    def __init__(self, partitions: int, *, most: int = 200_000) -> None:
        """`most`: addresses remembered, 200,000 take about 25 MB."""
        self.partitions, self._most = partitions, most
        self._known: dict[bytes, int] = {}

    def __getitem__(self, address: bytes) -> int:
        known = self._known
        found = known.get(address)
        if found is None:
            if len(known) >= self._most:
                known.clear()
            found = known[address] = (murmur2(address) & 0x7FFFFFFF) % self.partitions
        return found

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._known)


def end_of(data: bytes, at: int, components: int) -> int:
    """Where a key of `components` values that begins at `at` ends within `data`."""
    for _ in range(components):
        at = _end_of_component(data, at)
    return at


def _end_of_component(data: bytes, at: int) -> int:
    tag = data[at : at + 1]
    if tag in (_TEXT, _BYTES):
        return data.index(b"\x00", at + 1) + 1
    if tag == NULL:
        return at + 1
    if tag == _FLOAT:
        return at + 9
    if tag == _TIME:
        return _end_of_component(data, at + 1)
    if tag == _DECIMAL:
        sign = data[at + 1]
        if sign == 2:  # zero
            return at + 2
        return data.index(b"\x00" if sign == 3 else b"\xff", at + 4) + 1
    length = abs(data[at] - _INTEGER_ZERO)
    if length <= _LARGEST_SHORT_INTEGER:
        return at + 1 + length
    return at + 2 + (data[at + 1] if data[at] > _INTEGER_ZERO else 255 - data[at + 1])
