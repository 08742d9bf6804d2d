"""
Comparison of values: numbers by value, texts by code point, moments by time; of different kinds never.

Equal means equal for every kind; `compared` is None where values are not comparable, which conditions take for null.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from bson import Binary, Int64

from syncsvc.expressions.numbers import number

_UTC = datetime.UTC
#: Types that compare with themselves as they are.
PLAIN = frozenset({int, Int64, str, bool})


def moment(value: Any) -> datetime.datetime | None:
    """The value as a moment in UTC; None for what is none."""
    if not isinstance(value, datetime.datetime):
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=_UTC)
    try:
        return value if value.tzinfo is _UTC else value.astimezone(_UTC)
    except OverflowError:  # in another zone, within a day of the calendar's end
        return value.replace(tzinfo=_UTC)


def comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both values in a form that Python compares as we do; None where they are of different kinds, or null."""
    if isinstance(left, str):
        return (left, right) if isinstance(right, str) else None
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return (float(one), float(other)) if isinstance(one, float) or isinstance(other, float) else (one, other)
    if one is not None or other is not None or left is None or right is None:
        return None
    if isinstance(left, bool):
        return (left, right) if isinstance(right, bool) else None
    if isinstance(left, datetime.datetime):
        return (moment(left), moment(right)) if isinstance(right, datetime.datetime) else None
    one, other = _identity(left), _identity(right)
    return (one, other) if one is not None and type(one) is type(other) else None


def _identity(value: Any) -> Any:
    if isinstance(value, Binary) and value.subtype in (3, 4):
        return uuid.UUID(bytes=bytes(value)) if len(value) == 16 else None
    return bytes(value) if isinstance(value, bytes) else value if isinstance(value, uuid.UUID) else None
