"""
The expressions that short forms of the file stand for: `{count: list}` and the cases of a `switch`.

Used by `build`, so that everything behind it knows expressions only.
"""

from __future__ import annotations

import re

from syncsvc.expressions import Expression, ExpressionError, parse
from syncsvc.mapping import column_types
from syncsvc.mapping.column_types import ValueKind

#: `{kind of a column that may switch: how its cases are written}`.
CASE_KINDS: dict[ValueKind, str] = {
    "text": "the texts as the column has them",
    "whole": "whole numbers without a sign or leading zeros",
    "flag": "true or false",
}
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")


def count_of(name: str) -> Expression | None:
    """`count(name)`; None for a name that no expression can have."""
    return _parsed(f"count({_quoted(name)})")


def condition_of_case(column: str, value: str, column_type: str) -> Expression | None:
    """`column = value` in the column's type; None where a column of this type cannot have the value."""
    kind = column_types.value_kind(column_type) if column_type else "other"
    if kind == "text":
        return _parsed(f"{_quoted(column)} = {_text(value)}")
    if (kind == "whole" and _WHOLE.fullmatch(value)) or (kind == "flag" and value in {"true", "false"}):
        return _parsed(f"{_quoted(column)} = {value}")
    return None


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _parsed(text: str) -> Expression | None:
    try:
        return parse(text)
    except ExpressionError:
        return None
