"""
A value as the database prints it -> as the connector sends it: the reverse of `changes`, for cases.

The result is checked by reading it as `changes` would, so a case with a value that the column cannot hold is told
when the file is read, not as a record that is parked.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
from typing import Any

import msgspec

from syncsvc.changes import column_text, columns
from syncsvc.changes.column_text import INTEGERS, ColumnText
from syncsvc.mapping.document import Entries, Items, Node, Scalar

_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?")
_HEX = re.compile(r"0[xX](?:[0-9a-fA-F]{2})*")
_UUID = re.compile(r"(UUID\((['\"]))?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?(1)\2\))", re.IGNORECASE)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?)?Z?")
_TIME = re.compile(r"(-?)(\d{1,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_EPOCH = datetime.datetime(1970, 1, 1)
_BINARIES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_FLAGS = {"true": 1, "false": 0}


def encoded(column_type: str, node: Node) -> object:
    """
    What stands in the JSON of a record for this value.

    Raises:
        ValueError: when it is no value of the column; says why.
    """
    asked = column_text.read(column_type)
    if asked.name == "json":
        sent: object = json.dumps(plain(node), ensure_ascii=False)
        if isinstance(node, Scalar) and node.kind == "text" and node.text[:1] in '{["':
            sent = node.text  # the JSON text itself, as the database prints it
    elif asked.name == "vector" and isinstance(node, Items):
        sent = plain(node)
    elif isinstance(node, Scalar):
        sent = _scalar(asked, node.text)
    else:
        raise ValueError("must be one value")
    how = columns.column(column_type)
    try:
        read = msgspec.json.decode(json.dumps(sent), type=how.wire)
        if how.convert is not None:
            how.convert(read)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise ValueError(f"does not fit: {error}") from None
    return sent


def uuid_bytes(column_type: str, text: str) -> bytes | None:
    """
    The bytes of a UUID as a document shows it, with dashes or as MongoDB's shell prints it; None for any other text.

    >>> uuid_bytes("binary(16) as uuid", "UUID('00010203-0405-0607-0809-0a0b0c0d0e0f')").hex()
    '000102030405060708090a0b0c0d0e0f'
    """
    return _uuid(column_text.read(column_type), text)


def plain(node: Node) -> Any:
    """A YAML value as JSON has it."""
    if isinstance(node, Entries):
        return {key.text: plain(value) for key, value in node.entries}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    match node.kind:
        case "nothing":
            return None
        case "flag":
            return node.text.lower() == "true"
        case "whole":
            return int(node.text)
        case "number":
            return int(node.text) if _WHOLE.fullmatch(node.text) else float(node.text)
        case _:
            return node.text


def _scalar(asked: ColumnText, text: str) -> object:
    name = asked.name
    if asked.carried == "geojson" or name == "vector":
        raise ValueError("cannot be written in a case; leave it null")
    if name == "boolean" or name in INTEGERS or name in ("year", "serial"):
        return _FLAGS[text] if text in _FLAGS else int(_fit(_WHOLE, text, "must be a whole number")[0])
    if name == "decimal":
        return _decimal(text, column_text.digits(asked)[1])
    if name in ("float", "double"):
        return float(text)
    if name == "date":
        return (_moment(text, 0) - _EPOCH).days
    if name == "datetime":
        digits = column_text.number(asked, 0)
        return (_moment(text, digits) - _EPOCH) // datetime.timedelta(microseconds=1000 if digits <= 3 else 1)
    if name == "timestamp":
        return _moment(text, column_text.number(asked, 0)).isoformat() + "Z"
    if name == "time":
        return _time(text)
    if name in _BINARIES:
        if (raw := _uuid(asked, text)) is None:
            either = ", or a UUID with dashes" if asked.carried == "uuid" else ""
            raw = bytes.fromhex(_fit(_HEX, text, f"must be hexadecimal, 0x00ff{either}")[0][2:])
        size = column_text.number(asked, 1) if name == "binary" else 0
        return base64.b64encode(raw.ljust(size, b"\0")).decode()
    if name == "bit":
        return _bits(text, column_text.number(asked, 1))
    return text


def _uuid(asked: ColumnText, text: str) -> bytes | None:
    found = _UUID.fullmatch(text) if asked.carried == "uuid" else None
    return bytes.fromhex(found[3].replace("-", "")) if found else None


def _fit(pattern: re.Pattern[str], text: str, wanted: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"{wanted}: {text!r}")
    return found


def _decimal(text: str, scale: int) -> str:
    """With all digits behind the point, as a server sends it."""
    whole, _, fraction = _fit(_DECIMAL, text, "must be a decimal number")[0].lstrip("+").partition(".")
    if len(fraction) > scale:
        raise ValueError(f"has more than {scale} digits behind the point: {text!r}")
    return f"{whole}.{fraction.ljust(scale, '0')}" if scale else whole


def _moment(text: str, digits: int) -> datetime.datetime:
    day, clock, fraction = _fit(_MOMENT, text, "must be a date, 2024-01-31 23:59:59").groups()
    if len((fraction or "").rstrip("0")) > digits:
        raise ValueError(f"has more than {digits} digits behind the second: {text!r}")
    micros = datetime.timedelta(microseconds=int((fraction or "").ljust(6, "0")))
    return datetime.datetime.fromisoformat(f"{day} {clock or '00:00'}") + micros


def _time(text: str) -> int:
    sign, hours, minutes, seconds, fraction = _fit(_TIME, text, "must be a time, 23:59:59").groups()
    count = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return (count * 1_000_000 + int((fraction or "").ljust(6, "0"))) * (-1 if sign else 1)


def _bits(text: str, size: int) -> object:
    value = int(_FLAGS.get(text, text) if text.isalpha() else int(text, 0))
    if size == 1:
        return value == 1
    return base64.b64encode(value.to_bytes((size + 7) // 8, "little")).decode()
