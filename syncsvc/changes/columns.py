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
    datetime in Europe/Berlin, …                the same             the same, of the moment the wall time means there
    time                                        µs                   Int64, µs, signed
    geometry, point, polygon, …                 {wkb, srid}          only `as geojson`
    vector                                      numbers              array of doubles

A column has one BSON type whatever its value.  Where the natural one cannot hold every value the choice is the
mapping's, said after the type: `bigint unsigned as decimal`, `datetime(6) as micros`.  Unsaid, BIGINT UNSIGNED is
Int64, because the common case is an AUTO_INCREMENT id, and a value from 2**63 up is an error of that record, never
another number; DATETIME(6) is refused, because BSON dates have milliseconds and cutting must be somebody's decision.

A DATETIME is a wall time without a zone: it is read as UTC unless the mapping says where the clock hung.  Then a wall
time that the clock showed twice (the end of summer time) is the first of the two, and one it skipped is read with the
offset from before the skip, as clocks that were not put forward would show it.

Lost before anybody behind the connector can see it (Debezium 3.5; keep them out of the source): a zero DATE or DATETIME
('0000-00-00') arrives as null, or as 1970-01-01 where the column is NOT NULL (a zero TIMESTAMP is always null here:
1970-01-01T00:00:00Z is none); the YEAR 0000 is 2000 in a snapshot of MySQL; the ten days that the calendar skipped in
1582 move by ten days in a snapshot; a column made as REAL while the connector runs is cut to 24 bits; MariaDB's INET4,
INET6 and YEAR 0000 stop its connector.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from bson import Int64
from msgspec import Meta

from syncsvc.changes import collation, geometry, moments, values
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
    if asked.name in _TEXTS and asked.collation and (why := collation.refusal(asked.collation)):
        raise Refused(why)
    if asked.zone and asked.name != "datetime":
        raise Refused(f'"{text}": only a DATETIME is in a zone; {asked.name} is not a wall time')
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


def folding(text: str) -> collation.Fold | None:
    """
    For keys of a column of this type: a function that makes texts the same which the column's collation calls equal.

    None where values are compared as they are: no collation is declared, it compares byte by byte, or it is no text.

    Raises:
        Refused: when the type is not carried.
    """
    column(text)
    asked = read(text)
    return collation.folded(asked.collation) if asked.collation and asked.name in _TEXTS else None


# What a form needs is said in annotations, so that the JSON decoder checks it while it reads.


def _between(low: int, high: int) -> Any:
    return Annotated[int, Meta(ge=low, le=high)]


_INT64 = _between(-(1 << 63), (1 << 63) - 1)
_BIT_OR_BOOL = bool | Annotated[int, Meta(ge=0, le=1)]
_DIGITS = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z")]
_ZONED = Annotated[datetime.datetime, Meta(tz=True)]
_LARGEST_TIME_US = 839 * 3600 * 1_000_000  # TIME ends at 838:59:59.999999

_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_STRING, _BYTES, _DOUBLE = Column(str), Column(bytes), Column(float)
_UNSIGNED64 = {
    "": Column(int | str, values.unsigned64_to_int64),
    "decimal": Column(int | str, values.unsigned64_to_decimal),
}
_FIXED: dict[str, dict[str, Column]] = {
    "boolean": {"": Column(_BIT_OR_BOOL, values.to_bool), "int": Column(_between(-128, 127))},
    "serial": _UNSIGNED64,
    "double": {"": _DOUBLE},
    "date": {"": Column(int, moments.days_to_date)},
    "time": {"": Column(_between(-_LARGEST_TIME_US, _LARGEST_TIME_US), Int64)},
    "year": {"": Column(_between(1901, 2155))},  # year 0 comes as 1900
    "set": {"": Column(str, values.to_list)},
    "json": {"": Column(str, values.to_document)},
    "varbinary": {"": _BYTES},
    "vector": {"": Column(list[float], values.to_single_precision)},
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
} | dict.fromkeys(geometry.SHAPES, "is a shape, which BSON has no type for")

_WHY_REFUSED = {
    "uuid": "the stream of Debezium 3.5 shifts one that ends in a zero byte",
    "inet4": "Debezium 3.5 cannot read a table that has one",
    "inet6": "Debezium 3.5 cannot read a table that has one",
    "real": "the connector may read it with single precision; the server calls it double",
}  # fmt: skip


def _forms(text: ColumnText) -> dict[str, Column]:
    """`{form: how it is read}` of a type; the form "" is the natural one and may be missing."""
    name = text.name
    if name == "tinyint" and text.arguments == "1" and not text.unsigned:
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
        return _datetime(number(text, 0) <= 3, text.zone)
    if name == "timestamp":
        micros = Column(_ZONED, moments.date_to_micros)
        if number(text, 0) <= 3:
            return {"": Column(_ZONED, moments.millis_only), "micros": micros}
        return {"date": Column(_ZONED, moments.cut_to_millis), "micros": micros}
    if name in geometry.SHAPES:
        return {"geojson": Column(geometry.Shape, geometry.to_geojson)}
    if name == "binary":
        return {"": _BYTES, "uuid": Column(bytes, values.to_uuid)} if number(text, 1) == 16 else {"": _BYTES}
    if name == "bit":
        if number(text, 1) == 1:
            return {"": Column(bool)}
        return {"": Column(bytes, values.bits_to_int64), "bytes": Column(bytes, values.bits_to_bytes)}
    why = _WHY_REFUSED.get(name, "it is not a type known here")
    raise Refused(f"{name} is not carried: {why}; leave the column out")


def _datetime(whole_millis: bool, zone_name: str) -> dict[str, Column]:
    """DATETIME: ms on the wire up to three digits of a second, µs with more; read in a zone, or as UTC."""
    zone = moments.zone(zone_name) if zone_name else None
    if zone_name and zone is None:
        raise Refused(f'"{zone_name}" is not a time zone; take a name like Europe/Berlin')
    if zone is not None:
        date, micros = moments.in_zone(zone, 1000 if whole_millis else 1)
        return {"" if whole_millis else "date": Column(_INT64, date), "micros": Column(_INT64, micros)}
    if whole_millis:
        return {"": Column(int, moments.millis_to_date), "micros": Column(int, moments.millis_to_micros)}
    return {"date": Column(int, moments.micros_to_date), "micros": Column(_INT64, Int64)}


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
