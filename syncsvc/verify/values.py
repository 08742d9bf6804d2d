"""
What a column shows in a document, worked out from the text that the SQL server itself prints for the value.

A second opinion on purpose: it shares no line with `changes`, which reads the same values as the connector sends them,
so a mistake in one of the two shows as a difference.  Works on what a driver without conversions returns: text, and
bytes for binary columns; TIMESTAMPs must be read in a session whose time zone is UTC.
"""

from __future__ import annotations

import json
import re
import struct
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import bson
from bson import Binary, Decimal128, Int64
from bson.binary import UUID_SUBTYPE
from bson.errors import BSONError

from syncsvc.mapping import column_types

#: What the driver returns for a value that is not NULL.
Printed = str | bytes
Convert = Callable[[Printed], Any]

_TYPE = re.compile(r"(?P<base>[a-z][a-z0-9_]*)(?:\((?P<arguments>.*?)\))?(?P<words>(?: [a-z0-9_/+-]+)*)", re.DOTALL)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_INT32 = frozenset({"tinyint", "smallint", "mediumint", "int", "year"})
_WHOLE = _INT32 | {"bigint", "serial"}
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "uuid"})
_BINARIES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_SHAPES = frozenset({
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unheld:
    """Stands for a value that no document can hold; BSON refuses it."""

    #: Without a value of the row.
    why: str
    #: As the server prints it; None where it was computed.
    printed: Printed | None = None

    def __repr__(self) -> str:
        return repr(self.printed) if self.printed is not None else f"({self.why})"


class UnheldError(Exception):
    """What is asked for hangs on a value that no document can hold."""

    def __init__(self, unheld: Unheld) -> None:
        super().__init__(unheld.why)
        self.why = unheld.why


def held(value: Any) -> Any:
    """
    The value.

    Raises:
        UnheldError: it is an `Unheld`.
    """
    if isinstance(value, Unheld):
        raise UnheldError(value)
    return value


def read(convert: Convert, printed: Printed, column: str) -> Any:
    """
    What a converter makes of a value; `Unheld` for one that has no place in BSON, like a day of the year 0.

    Args:
        convert: by `converter`.
        printed: as the server prints it.
        column: its name, for people.
    """
    try:
        return convert(printed)
    except (ValueError, ArithmeticError, BSONError) as error:
        return Unheld(f"{column} has a value that no document can hold ({type(error).__name__})", printed)


def selected(column_type: str, quoted: str) -> str:
    """How a column is selected: shapes as GeoJSON, all others as they are."""
    base = _base(column_type)
    if base in _SHAPES:
        return f"ST_AsGeoJSON({quoted})"
    return quoted


def converter(column_type: str) -> Convert:
    """
    The function from the printed value of a column of this canonical type to the BSON value of the document.

    Raises:
        ValueError: when the type is not known here.
    """
    found = _TYPE.match(column_type)
    if found is None:
        raise ValueError(f"{column_type} is not a column type")
    base, arguments, words = found["base"], found["arguments"] or "", found["words"]
    form = words.partition(" as ")[2]
    if base in ("date", "datetime", "timestamp"):
        # A zero TIMESTAMP is null also where the column is not.
        null, micros, zone = " null" in words or base == "timestamp", form == "micros", _zone(column_type)
        return lambda printed: _moment(_text(printed), null=null, micros=micros, zone=zone)
    if base in _WHOLE:
        return _integer(base, arguments, unsigned=" unsigned" in words, form=form)
    if base in _BINARIES:
        return (lambda printed: Binary(_bytes(printed), UUID_SUBTYPE)) if form == "uuid" else _bytes
    if base in _TEXTS or (base == "decimal" and form == "text"):
        return _text
    if base == "bit":
        return _bits(arguments, form)
    try:
        return _OTHERS[base]
    except KeyError:
        raise ValueError(f"{column_type} is not carried") from None


def argument(column_type: str, value: Any) -> Any:
    """
    A document's value as an argument of a query on a column of this type; numbers stay numbers, so indexes are used.

    Raises:
        ValueError, TypeError: when no value of the column could give it.
    """
    base, micros = _base(column_type), column_type.endswith(" as micros")
    if isinstance(value, Unheld):
        return _unheld_argument(base, value.printed)
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if base in ("date", "datetime", "timestamp"):
        moment = (_EPOCH + int(value) * _MICROSECOND).replace(tzinfo=UTC) if micros else value
        return moment.astimezone(_zone(column_type)).replace(tzinfo=None).isoformat(" ", "microseconds")
    if base == "time":
        sign, rest = ("-" if value < 0 else ""), divmod(abs(int(value)), 3_600_000_000)
        return f"{sign}{rest[0]}:{rest[1] // 60_000_000:02}:{rest[1] % 60_000_000 / 1e6:09.6f}"
    if base == "set":
        return ",".join(value)
    if isinstance(value, bytes):
        return int.from_bytes(value, "big") if base == "bit" else bytes(value)
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no value of {column_type}")
    return value


def _unheld_argument(base: str, printed: Printed | None) -> Any:
    """As `argument`: a server compares a number with a text as floats, which are not exact."""
    if printed is None:
        return None
    if base == "bit":
        return int.from_bytes(_bytes(printed), "big")
    return int(printed) if base in _WHOLE else Decimal(_text(printed)) if base == "decimal" else printed


def place(column_type: str, value: Any) -> Any:
    """As `argument`, to ask for what comes behind it: a server sorts an ENUM by its number, but compares its text."""
    members = column_types.members(column_type)
    if not members:
        return argument(column_type, value)
    return members.index(value) + 1 if value in members else 0  # "" is what an invalid value became


def _base(column_type: str) -> str:
    return re.split(r"[( ]", column_type, maxsplit=1)[0]


def _text(printed: Printed) -> str:
    return printed if isinstance(printed, str) else printed.decode("utf-8")


def _bytes(printed: Printed) -> bytes:
    return printed if isinstance(printed, bytes) else printed.encode("utf-8")


def _integer(base: str, arguments: str, *, unsigned: bool, form: str) -> Convert:
    if base == "tinyint" and arguments == "1" and form != "int":
        return lambda printed: int(printed) == 1
    if form == "decimal":
        return lambda printed: Decimal128(_text(printed).lstrip("0") or "0")
    wide = base in ("bigint", "serial") or (base == "int" and unsigned)
    return (lambda printed: _int64(int(printed))) if wide else (lambda printed: int(printed))


def _int64(number: int) -> Int64:
    if not _is_int64(number):
        raise OverflowError
    return Int64(number)


def _is_int64(number: int) -> bool:
    return -(1 << 63) <= number < 1 << 63


def _bits(arguments: str, form: str) -> Convert:
    if form == "bytes":
        return _bytes
    if arguments in ("", "1"):
        return lambda printed: _bytes(printed) == b"\x01"
    return lambda printed: _int64(int.from_bytes(_bytes(printed), "big"))


def _zone(column_type: str) -> tzinfo:
    """Where the clock of a wall time hung."""
    name = re.search(r" in ([a-z][a-z0-9_/+-]*)", re.sub(r"'.*'", "", column_type))
    if name is None:
        return UTC
    return zoneinfo.ZoneInfo(next(known for known in zoneinfo.available_timezones() if known.lower() == name[1]))


def _moment(printed: str, *, null: bool, micros: bool, zone: tzinfo) -> Any:
    """A DATE, DATETIME or TIMESTAMP; a zero date is what the connector makes of it: null, or 1970 where never null."""
    if "-00" in printed[4:10]:
        if null:
            return None
        moment = _EPOCH
    else:
        # Of a wall time that comes twice the first; one that is skipped counts from the offset before.
        moment = datetime.fromisoformat(printed).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    if micros:
        return Int64((moment - _EPOCH) // _MICROSECOND)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)


def _time(printed: Printed) -> Int64:
    text = _text(printed)
    hours, minutes, seconds = text.lstrip("-").split(":")
    whole, _, fraction = seconds.partition(".")
    count = ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + int(fraction.ljust(6, "0"))
    return Int64(-count if text.startswith("-") else count)


def _decimal(printed: Printed) -> Decimal128:
    number = Decimal(_text(printed))
    return Decimal128(abs(number) if number == 0 else number)


def _shape(printed: Printed) -> Any:
    return json.loads(_text(printed), parse_int=float)


def _vector(printed: Printed) -> list[float]:
    raw = _bytes(printed)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def _json(printed: Printed) -> Any:
    text = _text(printed)
    value = json.loads(text, parse_int=_json_integer, parse_float=_json_float)
    if "\\u" in text:  # JSON has names with a zero, and halves of characters, which BSON refuses
        bson.encode({"": value})
    return value


def _json_integer(digits: str) -> Any:
    number = int(digits)
    if _is_int64(number):
        return number
    return Decimal128(digits) if 0 < number < 1 << 64 else float(digits)


def _json_float(digits: str) -> Any:
    number = float(digits)
    return _json_integer(str(int(number))) if abs(number) >= 1e15 and number.is_integer() else number


_OTHERS: dict[str, Convert] = {
    "decimal": _decimal,
    "float": lambda printed: float(printed),
    "double": lambda printed: float(printed),
    "time": _time,
    "set": lambda printed: _text(printed).split(",") if printed else [],
    "json": _json,
    "vector": _vector,
} | dict.fromkeys(_SHAPES, _shape)
