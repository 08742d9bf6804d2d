"""
The function table of the manual, from the registry that the parser, the check and the evaluation use.

`docs/expressions.md` holds what this gives; a test compares them, so that a function cannot differ from its page.
"""

from __future__ import annotations

from syncsvc.expressions.functions import FUNCTIONS, Function
from syncsvc.expressions.types import Scalar

_RESULTS = {
    "argument": "the argument's kind",
    "united": "the values' kind",
    "average": "a decimal, of doubles a double",
}


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
