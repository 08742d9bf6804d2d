"""`docs/expressions.md`, its tables of functions made from the registry that parser, check and evaluation use."""

from __future__ import annotations

from pathlib import Path

from syncsvc.expressions.functions import FUNCTIONS, Function
from syncsvc.expressions.types import Scalar

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"
HEADING = "## Functions\n"
_RESULTS = {
    "argument": "the argument's kind",
    "united": "the values' kind",
    "average": "a decimal, of doubles a double",
}


def page() -> str:
    """The page with the tables of now; they are its end."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    return f"{before}{HEADING}\n{function_tables()}"


def function_tables() -> str:
    """Two tables in Markdown: functions of values, then aggregates."""
    scalars = [function for function in FUNCTIONS.values() if not function.aggregate]
    aggregates = [function for function in FUNCTIONS.values() if function.aggregate]
    return f"### Functions of values\n\n{_table(scalars)}\n### Aggregates\n\n{_table(aggregates)}"


def _table(functions: list[Function]) -> str:
    rows = "".join(
        f"| `{function.signature}` | {_result(function)} | {function.meaning} | {function.nulls} |\n"
        for function in functions
    )
    return f"| function | gives | meaning | null |\n|---|---|---|---|\n{rows}"


def _result(function: Function) -> str:
    if isinstance(function.gives, Scalar):
        return function.gives.value
    return _RESULTS.get(str(function.gives), "any kind")
