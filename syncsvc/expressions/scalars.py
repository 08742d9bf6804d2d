"""
How the functions of values compute; `if` and `coalesce` stand in `compiling`, because they do not need all arguments.

Arguments are never null here: a function of null is null.  An argument of another kind than the function takes gives
null too; where kinds are known, the check has refused it before.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bson import Binary

from syncsvc.expressions import numbers
from syncsvc.expressions.failures import overflow
from syncsvc.expressions.numbers import Number, number
from syncsvc.expressions.ordering import moment

#: Rounding to more places than any number has, or before more than it has, changes nothing more.
_MOST_PLACES = 60
#: A computed text is a part of a document, which has at most 16 MiB.
_MOST_TEXT = 16 * 1024 * 1024


def printed(value: Any) -> str | None:
    """`text(value)`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        when = moment(value)
        return None if when is None else when.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Binary) and value.subtype in (3, 4) and len(value) == 16:
        return str(uuid.UUID(bytes=bytes(value)))
    found = number(value)
    if found is None:
        return None
    if isinstance(found, Decimal):
        return format(numbers.unsigned_zero(found), "f")
    return repr(found) if isinstance(found, float) else str(int(found))


def concatenated(*values: Any) -> str | None:
    """`concat(value, …)`."""
    texts = []
    for value in values:
        text = printed(value)
        if text is None:
            return None
        texts.append(text)
    if sum(map(len, texts)) > _MOST_TEXT:
        raise overflow("a text has more characters than a document can hold")
    return "".join(texts)


def part(text: Any, start: Any, length: Any = None) -> str | None:
    """`substring(text, start[, length])`."""
    first, many = number(start), 1 << 62 if length is None else number(length)
    if not isinstance(text, str) or not isinstance(first, int) or not isinstance(many, int):
        return None
    at = first - 1 if first > 0 else len(text) + first
    if first == 0 or at < 0 or many <= 0:
        return ""
    return text[at : at + many]


def rounded(value: Any, digits: Any = 0) -> Number | None:
    """`round(number[, digits])`."""
    places = number(digits)
    if not isinstance(places, int):
        return None
    return _cut(value, max(-_MOST_PLACES, min(places, _MOST_PLACES)), decimal.ROUND_HALF_UP)


def _cut(value: Any, places: int, how: str) -> Number | None:
    found = number(value)
    if found is None or (isinstance(found, int) and places >= 0):
        return found
    # A double is taken for the decimal it shows: round(2.675e0, 2) is 2.68.
    exact = Decimal(repr(found)) if isinstance(found, float) else Decimal(found)
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -places:
        return found  # it has no digits there
    try:
        cut = exact.quantize(Decimal(1).scaleb(-places), rounding=how, context=_QUANTIZING)
    except decimal.DecimalException:
        raise overflow("a number has too many digits to be rounded") from None
    if isinstance(found, float):
        return numbers.double(cut)
    return numbers.whole(int(cut)) if isinstance(found, int) else cut if places >= 0 else cut.quantize(Decimal(1))


_QUANTIZING = decimal.Context(prec=200, Emin=-99_999, Emax=99_999, traps=[decimal.InvalidOperation], flags=[])


def absolute(value: Any) -> Number | None:
    """`abs(number)`."""
    found = number(value)
    if found is None:
        return None
    if isinstance(found, int):
        return numbers.whole(abs(found))
    return found.copy_abs() if isinstance(found, Decimal) else abs(found)


def negated(value: Any) -> Number | None:
    """`-number`."""
    found = number(value)
    if found is None:
        return None
    if isinstance(found, int):
        return numbers.whole(-found)
    return found.copy_negate() if isinstance(found, Decimal) else -found


def _of_text(compute: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: compute(value) if isinstance(value, str) else None


def _of_moment(compute: Callable[[datetime.datetime], Any]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        when = moment(value)
        return None if when is None else compute(when)

    return apply


#: `{name: function of the values}`, for all that need every argument.
SCALARS: dict[str, Callable[..., Any]] = {
    "concat": concatenated,
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "trim": _of_text(lambda text: text.strip(" ")),
    "length": _of_text(len),
    "substring": part,
    "text": printed,
    "abs": absolute,
    "round": rounded,
    "floor": lambda value: _cut(value, 0, decimal.ROUND_FLOOR),
    "ceil": lambda value: _cut(value, 0, decimal.ROUND_CEILING),
    "year": _of_moment(lambda when: when.year),
    "month": _of_moment(lambda when: when.month),
    "day": _of_moment(lambda when: when.day),
    "hour": _of_moment(lambda when: when.hour),
    "minute": _of_moment(lambda when: when.minute),
    "second": _of_moment(lambda when: when.second),
    "weekday": _of_moment(lambda when: when.weekday()),
    "date": _of_moment(lambda when: when.replace(hour=0, minute=0, second=0, microsecond=0)),
}
