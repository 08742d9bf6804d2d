"""
Literals: their canonical text, their kind and their value.

Used by `grammar` and `compiling`.  A number without point and exponent is whole while it fits 64 bits and a decimal
beyond; one with a point is a decimal of at most 34 digits; one with an exponent is a double, as in SQL.
"""

from __future__ import annotations

import datetime
import decimal
import math
import re
from typing import Any

from syncsvc.expressions.failures import ExpressionError
from syncsvc.expressions.nodes import Literal

MOST_DIGITS = 34
INT64 = range(-(1 << 63), 1 << 63)
_NUMBER = re.compile(r"-?[0-9.]+(?P<exponent>[eE].*)?")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?Z?", re.ASCII)


def number(text: str, at: int) -> Literal:
    """
    The literal of a number that may have a sign.

    Raises:
        ExpressionError: it is beyond what a document can hold.
    """
    shape = _NUMBER.fullmatch(text)
    if shape is not None and shape["exponent"]:
        if not math.isfinite(float(text)):
            raise ExpressionError(f"{text} is beyond a double", "use a number of at most 308 digits", at)
        return Literal("double", _double(text), at)
    if "." not in text and int(text) in INT64:
        return Literal("integer", str(int(text)), at)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, places = digits.partition(".")
    whole = whole.lstrip("0") or "0"
    if len((whole + places).lstrip("0")) > MOST_DIGITS or len(places) > 6000:
        fix = "round it, or write it with an exponent"
        raise ExpressionError(f"a number has at most {MOST_DIGITS} digits", fix, at)
    return Literal("decimal", f"{sign}{whole}.{places}" if places else sign + whole, at)


def _double(text: str) -> str:
    shown = repr(float(text))
    return shown if "e" in shown else f"{shown}e0"


def negative(literal: Literal, at: int) -> Literal:
    """The literal with the other sign."""
    text = literal.text.removeprefix("-") if literal.text.startswith("-") else f"-{literal.text}"
    return number(text, at)


def date(text: str, at: int) -> Literal:
    """
    `date '2024-01-31'`.

    Raises:
        ExpressionError: there is no such day.
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) or _moment(text) is None:
        raise ExpressionError("this is no day of the calendar", "write it like  date '2024-01-31'", at)
    return Literal("date", text, at)


def timestamp(text: str, at: int) -> Literal:
    """
    `timestamp '2024-01-31T09:30:00.125Z'`, in UTC; milliseconds are optional.

    Raises:
        ExpressionError: there is no such moment.
    """
    shape = _TIMESTAMP.fullmatch(text)
    canonical = f"{shape[1]}T{shape[2]}.{(shape[3] or '').ljust(3, '0')}Z" if shape else ""
    if not shape or _moment(canonical) is None:
        fix = "write it like  timestamp '2024-01-31T09:30:00Z'"
        raise ExpressionError("this is no moment in UTC of at most three places of a second", fix, at)
    return Literal("timestamp", canonical, at)


def _moment(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def value(literal: Literal) -> Any:
    """What the literal stands for: int, Decimal, float, str, bool, datetime or None."""
    match literal.kind:
        case "integer":
            return int(literal.text)
        case "decimal":
            return decimal.Decimal(literal.text)
        case "double":
            return float(literal.text)
        case "flag":
            return literal.text == "true"
        case "text":
            return literal.text
        case "date" | "timestamp":
            return _moment(literal.text)
    return None
