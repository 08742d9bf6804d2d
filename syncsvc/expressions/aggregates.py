"""
How aggregates compute, once the elements of their list are known.

A list is a list, or the values of an object made by `map_by`; null counts as one without elements.  Null values are
left out as SQL does, but by `first` and `last`, which give what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from syncsvc.expressions.numbers import Number, divide, number, total
from syncsvc.expressions.ordering import comparable

#: The second argument of an aggregate, of one element.
Body = Callable[[Any], Any]


def elements(value: Any) -> Sequence[Any] | None:
    """The elements of a list; None for what is none."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values())
    return () if value is None else None


def _numbers(values: Iterable[Any]) -> list[Number] | None:
    """Without nulls; None where there is something else among them."""
    found = []
    for value in values:
        if value is not None:
            one = number(value)
            if one is None:
                return None
            found.append(one)
    return found


def _sum(listed: Sequence[Any], body: Body) -> Number | None:
    found = _numbers(map(body, listed))
    return total(found) if found else None


def _avg(listed: Sequence[Any], body: Body) -> Number | None:
    found = _numbers(map(body, listed))
    return divide(total(found), len(found)) if found else None


def _extreme(listed: Sequence[Any], body: Body, least: bool) -> Any:
    best = None
    for value in map(body, listed):
        if value is None:
            continue
        if best is None:
            best = value if comparable(value, value) else _NOT_ORDERED
            continue
        pair = comparable(value, best)
        if pair is None:
            return None
        if (pair[0] < pair[1]) if least else (pair[0] > pair[1]):
            best = value
    return None if best is _NOT_ORDERED else best


_NOT_ORDERED = object()

#: `{name: function of the elements and of what is computed in each}`; `count` without a condition has no second.
AGGREGATES: dict[str, Callable[[Sequence[Any], Body], Any]] = {
    "count": lambda listed, body: sum(body(element) is True for element in listed),
    "sum": _sum,
    "min": lambda listed, body: _extreme(listed, body, True),
    "max": lambda listed, body: _extreme(listed, body, False),
    "avg": _avg,
    "first": lambda listed, body: body(listed[0]) if listed else None,
    "last": lambda listed, body: body(listed[-1]) if listed else None,
    "any": lambda listed, body: any(body(element) is True for element in listed),
    "all": lambda listed, body: all(body(element) is True for element in listed),
}
