"""
The small, safe, SQL-like language of mapping files: conditions and computed values.

Pure and total: no clock, no I/O, bounded work; on data only a number beyond what its kind can hold fails
(`ComputeError`).  The manual is `docs/expressions.md`.  Text → `tokens` → `grammar` → `nodes`; `check` finds mistakes
before anything starts, `compiling` makes the functions that run.
"""

from __future__ import annotations

from syncsvc.expressions.check import Problem, check, expression_type
from syncsvc.expressions.compiling import evaluate, holds, row_function
from syncsvc.expressions.expression import Expression, parse
from syncsvc.expressions.failures import ComputeError, ExpressionError
from syncsvc.expressions.types import ListOf, MapOf, ObjectOf, Scalar, Scope, Type, type_of_column

__all__ = [
    "ComputeError",
    "Expression",
    "ExpressionError",
    "ListOf",
    "MapOf",
    "ObjectOf",
    "Problem",
    "Scalar",
    "Scope",
    "Type",
    "check",
    "evaluate",
    "expression_type",
    "holds",
    "parse",
    "row_function",
    "type_of_column",
]
