"""
The registry of functions: name, what each takes and gives, its meaning and what null does to it.

The one list that the parser, the check, the evaluation and the table in `docs/expressions.md` are made from.  How a
function computes stands in `scalars` and `aggregates`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from syncsvc.expressions import types
from syncsvc.expressions.types import Type

#: What an argument may be; `same` arguments have one kind together.
Accepted = Literal["number", "whole", "text", "flag", "moment", "printed", "same", "list", "value", "ordered"]

ACCEPTED: dict[Accepted, frozenset[Type]] = {
    "number": frozenset(types.NUMBERS),
    "whole": frozenset({types.INTEGER}),
    "text": frozenset({types.TEXT}),
    "flag": frozenset({types.FLAG}),
    "moment": frozenset({types.MOMENT}),
    "printed": frozenset({*types.NUMBERS, types.TEXT, types.FLAG, types.MOMENT, types.UUID}),
    "ordered": frozenset({*types.NUMBERS, types.TEXT, types.FLAG, types.MOMENT, types.UUID, types.BINARY}),
}  # fmt: skip

_ANY_NULL = "null if an argument is null"
_IGNORED = "null elements are left out; null when nothing is left"


@dataclass(frozen=True, slots=True)
class Function:
    """One function."""

    name: str
    #: As a person writes it: `substring(text, start[, length])`.
    signature: str
    #: What each argument may be; the last one stands for all further ones.
    takes: tuple[Accepted, ...]
    #: Fewest and most arguments.
    least: int
    most: int
    #: The kind of the result; `argument`: that of the first argument, `united`: that of the `same` arguments or of the
    #: aggregated value, `average`: a decimal, of doubles a double.
    gives: Type | Literal["argument", "united", "average"]
    meaning: str
    nulls: str
    #: Takes a list first, and then an expression that is evaluated within each element.
    aggregate: bool = False

    def accepts(self, index: int) -> Accepted:
        """What argument `index`, from 0, may be."""
        return self.takes[min(index, len(self.takes) - 1)]


_MANY = 100
_PARTS = (
    ("year", "Year in UTC."),
    ("month", "Month in UTC, 1 to 12."),
    ("day", "Day of the month in UTC, from 1."),
    ("hour", "Hour in UTC, 0 to 23."),
    ("minute", "Minute, 0 to 59."),
    ("second", "Whole second, 0 to 59."),
    ("weekday", "Day of the week in UTC, 0 = Monday to 6 = Sunday."),
)


def _functions() -> Iterator[Function]:
    text = types.TEXT
    yield Function("concat", "concat(value, …)", ("printed",), 1, _MANY, text,
                   "The values one behind the other, each as `text` writes it.", _ANY_NULL)  # fmt: skip
    yield Function("lower", "lower(text)", ("text",), 1, 1, text, "In lower case.", _ANY_NULL)
    yield Function("upper", "upper(text)", ("text",), 1, 1, text, "In upper case.", _ANY_NULL)
    yield Function("trim", "trim(text)", ("text",), 1, 1, text, "Without spaces at both ends.", _ANY_NULL)
    yield Function("length", "length(text)", ("text",), 1, 1, types.INTEGER, "Number of characters.", _ANY_NULL)
    yield Function("substring", "substring(text, start[, length])", ("text", "whole"), 2, 3, text,
                   "The part from character `start` on, the first being 1; a negative `start` counts from the end; "
                   "from 0, or beyond the text, it is empty.", _ANY_NULL)  # fmt: skip
    yield Function("text", "text(value)", ("printed",), 1, 1, text,
                   "As text: numbers in digits, `true`/`false`, moments as `2024-01-31T09:30:00.000Z`.",
                   _ANY_NULL)  # fmt: skip
    yield Function("coalesce", "coalesce(value, …)", ("same",), 1, _MANY, "united",
                   "The first value that is not null.", "null if all are null")  # fmt: skip
    yield Function("if", "if(condition, then, else)", ("flag", "same"), 3, 3, "united",
                   "`then` where the condition is true, `else` where it is not.",
                   "a null condition is not true")  # fmt: skip
    yield Function("abs", "abs(number)", ("number",), 1, 1, "argument", "Without its sign.", _ANY_NULL)
    yield Function("round", "round(number[, digits])", ("number", "whole"), 1, 2, "argument",
                   "To `digits` places behind the point (0 when left out; negative: before it), halves away from "
                   "zero; the kind stays.", _ANY_NULL)  # fmt: skip
    yield Function("floor", "floor(number)", ("number",), 1, 1, "argument",
                   "The largest whole value that is not above; the kind stays.", _ANY_NULL)  # fmt: skip
    yield Function("ceil", "ceil(number)", ("number",), 1, 1, "argument",
                   "The smallest whole value that is not below; the kind stays.", _ANY_NULL)  # fmt: skip
    for name, meaning in _PARTS:
        yield Function(name, f"{name}(moment)", ("moment",), 1, 1, types.INTEGER, meaning, _ANY_NULL)
    yield Function("date", "date(moment)", ("moment",), 1, 1, types.MOMENT,
                   "Midnight UTC of the moment's day.", _ANY_NULL)  # fmt: skip


def _aggregates() -> Iterator[Function]:
    yield Function("count", "count(list[, condition])", ("list", "flag"), 1, 2, types.INTEGER,
                   "How many elements there are, or for how many the condition is true.",
                   "a null condition is not true; 0 when there is nothing", True)  # fmt: skip
    yield Function("sum", "sum(list, number)", ("list", "number"), 2, 2, "united",
                   "The sum, exact unless a double is involved.", _IGNORED, True)  # fmt: skip
    yield Function("min", "min(list, value)", ("list", "ordered"), 2, 2, "united",
                   "The smallest value.", _IGNORED, True)  # fmt: skip
    yield Function("max", "max(list, value)", ("list", "ordered"), 2, 2, "united",
                   "The greatest value.", _IGNORED, True)  # fmt: skip
    yield Function("avg", "avg(list, number)", ("list", "number"), 2, 2, "average",
                   "The sum divided by the number of values, as `/` divides.", _IGNORED, True)  # fmt: skip
    yield Function("first", "first(list, value)", ("list", "value"), 2, 2, "united",
                   "The value of the first element, in the list's order.",
                   "null if that element's value is null, or when there is nothing", True)  # fmt: skip
    yield Function("last", "last(list, value)", ("list", "value"), 2, 2, "united",
                   "The value of the last element, in the list's order.",
                   "null if that element's value is null, or when there is nothing", True)  # fmt: skip
    yield Function("any", "any(list, condition)", ("list", "flag"), 2, 2, types.FLAG,
                   "Whether the condition is true for an element.",
                   "a null condition is not true; false when there is nothing", True)  # fmt: skip
    yield Function("all", "all(list, condition)", ("list", "flag"), 2, 2, types.FLAG,
                   "Whether the condition is true for every element.",
                   "a null condition is not true; true when there is nothing", True)  # fmt: skip


#: `{name: function}`, in the order of the manual.
FUNCTIONS: dict[str, Function] = {function.name: function for function in (*_functions(), *_aggregates())}
