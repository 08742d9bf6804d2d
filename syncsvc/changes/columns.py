"""
Every column type of MySQL and MariaDB: what the connector sends for it and what it becomes in BSON.

Used by `envelope` to read rows and by the mapping's check to refuse a type by name before anything starts.  The table
holds under the settings of `connector` and is the same for both connectors, in snapshots and in the stream.

    type text                                   on the wire          BSON
    tinyint(1), bool, boolean                   0, 1, true, false    bool            or `as int`
    tinyint to int, mediumint unsigned, year    number               int (32 bits)
    int unsigned, bigint                        number               Int64
    bigint unsigned                             number               Int64           or `as decimal`
    decimal(p,s), p to 34                       "12.30"              Decimal128      or `as text`
    float; double                               number               double, of a float the six digits SQL shows
    char to longtext, enum                      text                 string
    set                                         "a,b"                array of strings
    json                                        JSON inside text     sub-document, array or scalar
    binary to longblob                          base64               binary          (16 bytes) or `as uuid`
    bit(1); bit(2) to bit(64)                   true; base64         bool; Int64     or `as bytes`
    date                                        days                 date, midnight UTC
    datetime(0..3), timestamp(0..3)             ms; "…Z"             date            or `as micros`
    datetime(4..6), timestamp(4..6)             µs; "…Z"             only `as date` (cut to ms) or `as micros`
    time                                        µs                   Int64, µs, signed

A column has one BSON type whatever its value.  Where the natural one cannot hold every value the choice is the
mapping's, said after the type: `bigint unsigned as decimal`, `datetime(6) as micros`.  Unsaid, BIGINT UNSIGNED is
Int64, because the common case is an AUTO_INCREMENT id, and a value from 2**63 up is an error of that record, never
another number; DATETIME(6) is refused, because BSON dates have milliseconds and cutting must be somebody's decision.

Lost before anybody behind the connector can see it (Debezium 3.5; keep them out of the source): a zero date
('0000-00-00') arrives as null, or as 1970-01-01 where the column is NOT NULL; the YEAR 0000 is 2000 in a snapshot of
MySQL; the ten days that the calendar skipped in 1582 move by ten days in a snapshot; a column made as REAL while the
connector runs is cut to 24 bits; MariaDB's INET4, INET6 and YEAR 0000 stop its connector.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from bson import Int64
from msgspec import Meta

from syncsvc.changes import values
from syncsvc.changes.column_text import INTEGERS, ColumnText, Refused, digits, number, read
from syncsvc.changes.column_text import same_type as same_type  # with `refusal`: all that the mapping asks of types

Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read."""

    #: What JSON may hold for it, as a type that msgspec checks.
    wire: Any
    #: From that to the BSON-ready value; None where they are the same.  Never called with None.
    convert: Converter | None = None


def column(text: str) -> Column:
    """
    How a column of this type is read.

    Raises:
        Refused: when it is not carried; the message is what `refusal` gives.
    """
    asked = read(text)
    forms = _forms(asked)
    if asked.carried not in forms:
        ways = ", ".join(f"`as {way}`" for way in forms if way)
        if asked.carried:
            known = f"can be carried {ways}" if ways else "has one form only"
            raise Refused(f'"{text}": `as {asked.carried}` is not a form of {asked.name}; it {known}')
        raise Refused(f'"{text}" {_WHY_DECLARED[asked.name]}; add {ways}')
    return forms[asked.carried]


def refusal(text: str) -> str | None:
    """Why a column of this type is not carried, and what can be done; None when it is."""
    try:
        column(text)
    except Refused as refused:
        return str(refused)
    return None


# What a form needs is said in annotations, so that the JSON decoder checks it while it reads.


def _between(low: int, high: int) -> Any:
    return Annotated[int, Meta(ge=low, le=high)]


_INT64 = _between(-(1 << 63), (1 << 63) - 1)
_BIT_OR_BOOL = bool | Annotated[int, Meta(ge=0, le=1)]
_DIGITS = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z")]
_ZONED = Annotated[datetime.datetime, Meta(tz=True)]
_LARGEST_TIME_US = 839 * 3600 * 1_000_000  # TIME ends at 838:59:59.999999

_STRING, _BYTES, _DOUBLE = Column(str), Column(bytes), Column(float)
_UNSIGNED64 = {
    "": Column(int | str, values.unsigned64_to_int64),
    "decimal": Column(int | str, values.unsigned64_to_decimal),
}
_FIXED: dict[str, dict[str, Column]] = {
    "boolean": {"": Column(_BIT_OR_BOOL, values.to_bool), "int": Column(_between(-128, 127))},
    "serial": _UNSIGNED64,
    "double": {"": _DOUBLE},
    "date": {"": Column(int, values.days_to_date)},
    "time": {"": Column(_between(-_LARGEST_TIME_US, _LARGEST_TIME_US), Int64)},
    "year": {"": Column(_between(1901, 2155))},  # year 0 comes as 1900
    "set": {"": Column(str, values.to_list)},
    "json": {"": Column(str, values.to_document)},
    "varbinary": {"": _BYTES},
} | {
    name: {"": _STRING} for name in ("char", "varchar")
} | {
    name: {"": Column(str, values.sent_text)} for name in ("tinytext", "text", "mediumtext", "longtext")
} | {
    name: {"": Column(bytes, values.sent_bytes)} for name in ("tinyblob", "blob", "mediumblob", "longblob")
}  # fmt: skip

_WHY_DECLARED = {
    "decimal": "has more than the 34 digits of a BSON decimal",
    "datetime": "has microseconds, and a BSON date has milliseconds",
    "timestamp": "has microseconds, and a BSON date has milliseconds",
}

_WHY_REFUSED = {
    "geometry": "the axis order of a shape depends on its reference system",
    "vector": "it arrives as rounded text of 32-bit floats",
    "uuid": "the stream of Debezium 3.5 shifts one that ends in a zero byte",
    "inet4": "Debezium 3.5 cannot read a table that has one",
    "inet6": "Debezium 3.5 cannot read a table that has one",
    "real": "the connector may read it with single precision; the server calls it double",
}  # fmt: skip
_SHAPES = (
    "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
)  # fmt: skip


def _forms(text: ColumnText) -> dict[str, Column]:
    """`{form: how it is read}` of a type; the form "" is the natural one and may be missing."""
    name = text.name
    if name == "tinyint" and text.arguments == "1":
        name = "boolean"
    if name in _FIXED:
        return _FIXED[name]
    if name in INTEGERS:
        return _integer(INTEGERS[name], text.unsigned)
    if name == "decimal":
        exact, told = Column(_DIGITS, values.to_decimal), Column(_DIGITS)
        return {"": exact, "text": told} if digits(text)[0] <= values.MOST_DECIMAL_DIGITS else {"text": told}
    if name == "float":
        return {"": _float(text.arguments)}
    if name == "enum":
        return {"": Column(str, values.unescaped(_members(text.arguments))) if "," in text.arguments else _STRING}
    if name == "datetime":
        if number(text, 0) <= 3:
            return {"": Column(int, values.millis_to_date), "micros": Column(int, values.millis_to_micros)}
        return {"date": Column(int, values.micros_to_date), "micros": Column(_INT64, Int64)}
    if name == "timestamp":
        micros = Column(_ZONED, values.date_to_micros)
        if number(text, 0) <= 3:
            return {"": Column(_ZONED, values.millis_only), "micros": micros}
        return {"date": Column(_ZONED, values.cut_to_millis), "micros": micros}
    if name == "binary":
        return {"": _BYTES, "uuid": Column(bytes, values.to_uuid)} if number(text, 1) == 16 else {"": _BYTES}
    if name == "bit":
        if number(text, 1) == 1:
            return {"": Column(bool)}
        return {"": Column(bytes, values.bits_to_int64), "bytes": Column(bytes, values.bits_to_bytes)}
    why = _WHY_REFUSED.get("geometry" if name in _SHAPES else name, "it is not a type known here")
    raise Refused(f"{name} is not carried: {why}; leave the column out")


def _integer(bits: int, unsigned: bool) -> dict[str, Column]:
    if bits == 64 and unsigned:
        return _UNSIGNED64
    wire = _between(0, (1 << bits) - 1) if unsigned else _between(-(1 << bits - 1), (1 << bits - 1) - 1)
    return {"": Column(wire, Int64 if bits == 64 or (unsigned and bits == 32) else None)}


def _float(arguments: str) -> Column:
    """FLOAT in its three forms: plain, with bits (above 24 a DOUBLE), with decimal places."""
    size, _, places = arguments.partition(",")
    if places:
        return Column(float, values.rounded_to(int(places)))
    return _DOUBLE if size and int(size) > 24 else Column(float, values.to_shown_digits)


def _members(arguments: str) -> list[str]:
    """Members of an ENUM as its definition lists them."""
    quoted = re.findall(r"'((?:[^'\\]|\\.|'')*)'", arguments)
    return [member.replace("''", "'") for member in quoted]
