"""
Wire values to BSON-ready values, one small exact function for each kind of column.

Used by `columns`, which says which column takes which.  Every function is total on what the connector sends under the
settings of `connector`; for anything else it raises `NotHeld`, whose message is safe to show, or an error of the
library's, whose message may quote the value.  `envelope` turns both into a `DecodeError` that names the column only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from bson import Binary, Decimal128, Int64
from bson.binary import UUID_SUBTYPE

LARGEST_INT64 = (1 << 63) - 1
_LARGEST_UNSIGNED64 = (1 << 64) - 1
_SINGLE = struct.Struct("f")
_LEAST_WRITTEN_OUT = 1e15  # from here up MySQL writes a whole double with an exponent
_SMALLEST_INT64 = -(1 << 63)
MOST_DECIMAL_DIGITS = 34  # what BSON's Decimal128 holds
_EXPONENT_BIAS = 6176  # of Decimal128 in its binary integer encoding
_EXPONENT_SHIFT = 113  # bits below the exponent
_NEGATIVE = 1 << 127
_DEEPEST_JSON = 90  # levels; MongoDB stores 100, and the value lies inside a document of ours
UNSENT = "__debezium_unavailable_value"  # Debezium's default for `unavailable.value.placeholder`


class NotHeld(ValueError):
    """A value that its BSON type cannot hold, or that does not fit the declared column.  Never quotes the value."""


def to_bool(wire: int) -> bool:
    """TINYINT(1): 0 and 1, or false and true when Debezium read `BOOLEAN` in the statement that made the table."""
    return wire == 1


def unsigned64(wire: int | str) -> int:
    """
    A BIGINT UNSIGNED in any form Debezium has, told apart by the value itself.

    A number from 0 up (`precise` with numeric decimals, or `long` below 2**63), a negative number (`long`: the value
    less 2**64), or base64 of a big-endian two's complement (`precise` with base64 decimals).
    """
    if isinstance(wire, str):
        wire = int.from_bytes(msgspec.convert(wire, bytes), "big", signed=True)
        if wire < 0:
            raise NotHeld("negative")
    elif wire < 0:
        wire += 1 << 64
    if not 0 <= wire < 1 << 64:
        raise NotHeld("not 64 bits")
    return wire


def unsigned64_to_int64(wire: int | str) -> Int64:
    """As `unsigned64`; values from 2**63 up are refused, BSON has no unsigned integer."""
    value = unsigned64(wire)
    if value > LARGEST_INT64:
        raise NotHeld("above 2**63 - 1, which a 64-bit BSON integer cannot hold: declare the column `as decimal`")
    return Int64(value)


def unsigned64_to_decimal(wire: int | str) -> Decimal128:
    """As `unsigned64`, as an exact Decimal128."""
    return Decimal128.from_bid((unsigned64(wire) | _EXPONENT_BIAS << _EXPONENT_SHIFT).to_bytes(16, "little"))


def to_decimal(wire: str) -> Decimal128:
    """
    Exact Decimal128 of plain digits, keeping trailing zeros; three times as fast as `Decimal128(text)`.

    Args:
        wire: optional minus, digits, optional point and digits; the pattern is checked before (`columns`).
    """
    whole, _, fraction = wire.partition(".")
    unscaled = int(whole + fraction)
    sign = 0
    if unscaled < 0:
        unscaled, sign = -unscaled, _NEGATIVE
    if unscaled >= 10**MOST_DECIMAL_DIGITS or len(fraction) > MOST_DECIMAL_DIGITS:
        raise NotHeld("more than 34 digits")
    biased = _EXPONENT_BIAS - len(fraction)
    return Decimal128.from_bid((sign | biased << _EXPONENT_SHIFT | unscaled).to_bytes(16, "little"))


def to_shown_digits(wire: float) -> float:
    """
    A FLOAT to the six digits that the server prints: a snapshot has no more, so the stream must not have more.

    Of the 32-bit value, as the server does: of the shortest decimal that the stream has, halves would go the other way.
    """
    return float(f"{_SINGLE.unpack(_SINGLE.pack(wire))[0]:.6g}")


def to_single_precision(wire: list[float]) -> list[float]:
    """
    A VECTOR: the 32-bit floats that the server holds, as doubles of the same value.

    JSON shows such a float with as many digits as tell it from its neighbours (0.1); its value has more of them.
    """
    packed = struct.Struct(f"<{len(wire)}f")
    return list(packed.unpack(packed.pack(*wire)))


def rounded_to(places: int) -> Callable[[float], float]:
    """For a FLOAT(m,places): the double of its decimal digits, not of the 32 bits that stand for them."""
    return lambda wire: round(wire, places)


def unescaped(members: Sequence[str]) -> Callable[[str], str]:
    """For an ENUM with commas in its members: the stream has a backslash before each, a snapshot has none."""
    escaped = {member.replace(",", "\\,"): member for member in members}
    return lambda wire: escaped.get(wire, wire)


def sent_text(wire: str) -> str:
    """A TEXT; refuses the mark that Debezium puts where the binlog did not hold the value."""
    if wire == UNSENT:
        raise NotHeld("was not in the binlog: the source needs binlog_row_image=FULL")
    return wire


def sent_bytes(wire: bytes) -> bytes:
    """A BLOB, as `sent_text`."""
    if wire == UNSENT.encode():
        raise NotHeld("was not in the binlog: the source needs binlog_row_image=FULL")
    return wire


def to_list(wire: str) -> list[str]:
    """Members of a SET in the order of its definition; the empty set is an empty list."""
    return wire.split(",") if wire else []


def bits_to_int64(wire: bytes) -> Int64:
    """A BIT(2 to 64), sent little-endian (the opposite of every other number)."""
    value = int.from_bytes(wire, "little")
    if value > LARGEST_INT64:
        raise NotHeld("above 2**63 - 1, which a 64-bit BSON integer cannot hold: declare the column `as bytes`")
    return Int64(value)


def bits_to_bytes(wire: bytes) -> bytes:
    """A BIT(2 to 64) as bytes, most significant first, as the server prints it in hex."""
    return wire[::-1]


def to_uuid(wire: bytes) -> Binary:
    """BINARY(16) as a BSON UUID, in the byte order it is stored."""
    if len(wire) != 16:
        raise NotHeld("not 16 bytes")
    return Binary(wire, UUID_SUBTYPE)


_json = msgspec.json.Decoder()


def to_document(wire: str) -> Any:
    """
    A JSON column as a BSON value: object, array, string, bool, null or number.

    Integers of 64 bits are exact (unsigned ones from 2**63 up as Decimal128), every other number is a double, as in
    MySQL's own JSON.  A whole double from 1e15 up counts as an integer: a snapshot writes it `1e15`, the stream with
    all its digits, and both must become the same.  Of doubled names the last counts.  JSON null and SQL NULL become
    the same BSON null.
    """
    value = _json.decode(wire)
    return value if type(value) is str else _checked(value, _DEEPEST_JSON)


def _checked(value: Any, levels: int) -> Any:
    """`value` with integers BSON can hold; refuses names with NUL and what is nested too deep for MongoDB."""
    kind = type(value)
    if kind is dict or kind is list:
        if not levels:
            raise NotHeld("nested deeper than MongoDB stores")
        if kind is list:
            return [_checked(item, levels - 1) for item in value]
        if any("\0" in name for name in value):
            raise NotHeld("a name with a NUL character, which BSON cannot hold")
        return {name: _checked(item, levels - 1) for name, item in value.items()}
    if kind is float and abs(value) >= _LEAST_WRITTEN_OUT and value.is_integer():
        kind, value = int, int(value)
    if kind is int and not _SMALLEST_INT64 <= value <= LARGEST_INT64:
        return to_decimal(str(value)) if 0 < value <= _LARGEST_UNSIGNED64 else float(value)
    return value
