"""
The first place where two documents part, as a path a person can follow: `applications[2].user.name`.

Types count as much as values: a 32-bit 5 is not a 64-bit 5, because a column has one BSON type whatever its value.  The
order of the fields does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncsvc.verify.values import Unheld


@dataclass(frozen=True, slots=True)
class _Absent:
    """Stands for a field or an element that one of the documents does not have."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()
#: `(path, expected, found)`.
Place = tuple[str, Any, Any]


def first_difference(expected: Any, found: Any, path: str = "") -> Place | None:
    """The first difference of two decoded BSON values, in the order of `expected`; None when they are equal."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in [*expected, *(name for name in found if name not in expected)]:
            below = f"{path}.{name}" if path else name
            place = first_difference(expected.get(name, ABSENT), found.get(name, ABSENT), below)
            if place is not None:
                return place
        return None
    if isinstance(expected, list) and isinstance(found, list):
        for index in range(max(len(expected), len(found))):
            one = expected[index] if index < len(expected) else ABSENT
            other = found[index] if index < len(found) else ABSENT
            place = first_difference(one, other, f"{path}[{index}]")
            if place is not None:
                return place
        return None
    return None if type(expected) is type(found) and expected == found else (path, expected, found)


def first_unheld(value: Any, path: str = "") -> tuple[str, str] | None:
    """`(path, why)` of the first value that no document can hold; None when there is none."""
    if isinstance(value, Unheld):
        return path, value.why
    pairs: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        pairs = [(f"{path}.{name}" if path else name, below) for name, below in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", below) for index, below in enumerate(value)]
    return next((found for below, one in pairs if (found := first_unheld(one, below)) is not None), None)


def described(expected: Any, found: Any) -> str:
    """What differs, without a value."""
    if found is ABSENT:
        return "it is not in the document"
    if expected is ABSENT:
        return "it should not be in the document"
    if type(expected) is not type(found):
        return f"found {_kind(found)} where {_kind(expected)} is expected"
    return "the values differ"


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
