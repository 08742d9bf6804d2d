"""
How conditions compute: SQL's three-valued logic over comparisons, `in`, `between`, `like` and `is null`.

None is null.  A value that is neither true nor false counts as null in `and`, `or` and `not`; so do comparisons of
values of different kinds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from bson import Int64

from syncsvc.expressions import literals, nodes
from syncsvc.expressions.likeness import matcher
from syncsvc.expressions.nodes import Node
from syncsvc.expressions.ordering import PLAIN, comparable

Compute: TypeAlias = Callable[[Any], Any]
Compile: TypeAlias = Callable[[Node], Compute]

#: The nodes that `compiled` takes.
KINDS = (nodes.Not, nodes.Logic, nodes.Comparison, nodes.IsNull, nodes.In, nodes.Between, nodes.Like)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def compiled(node: Node, of: Compile) -> Compute:
    """The function of a condition; `of` makes those of its operands."""
    match node:
        case nodes.Not(operand=operand):
            return _negation(of(operand))
        case nodes.Logic(word=word, operands=operands):
            return _logic([of(operand) for operand in operands], word == "or")
        case nodes.Comparison(operator=sign, left=left, right=right):
            return _comparison(of(left), of(right), _OPERATORS[sign])
        case nodes.IsNull(operand=operand, negated=negated):
            value = of(operand)
            return (lambda source: value(source) is not None) if negated else (lambda source: value(source) is None)
        case nodes.In(operand=operand, items=items, negated=negated):
            found = _membership(of(operand), items, of)
            return _negation(found) if negated else found
        case nodes.Between(operand=operand, low=low, high=high, negated=negated):
            within = _between(of(operand), of(low), of(high))
            return _negation(within) if negated else within
        case nodes.Like(operand=operand, pattern=pattern, negated=negated):
            alike = _like(of(operand), pattern, of)
            return _negation(alike) if negated else alike
    raise AssertionError(f"{node} is no condition")


def _negation(condition: Compute) -> Compute:
    def negation(source: Any) -> bool | None:
        value = condition(source)
        return None if not isinstance(value, bool) else not value

    return negation


def _logic(operands: list[Compute], decisive: bool) -> Compute:
    """`or` is decided by the first true operand, `and` by the first false one; else by a null."""

    def logic(source: Any) -> bool | None:
        result: bool | None = not decisive
        for operand in operands:
            value = operand(source)
            if value is decisive:
                return value is True
            if not isinstance(value, bool):
                result = None
        return result

    return logic


def _compare(left: Any, right: Any, compare: Callable[[Any, Any], bool]) -> bool | None:
    if type(left) is type(right) and type(left) in PLAIN:
        return compare(left, right)
    pair = comparable(left, right)
    return None if pair is None else compare(*pair)


def _comparison(left: Compute, right: Compute, compare: Callable[[Any, Any], bool]) -> Compute:
    def comparison(source: Any) -> bool | None:
        one, other = left(source), right(source)
        if type(one) is type(other) and type(one) in PLAIN:
            return compare(one, other)
        pair = comparable(one, other)
        return None if pair is None else compare(*pair)

    return comparison


def _between(operand: Compute, low: Compute, high: Compute) -> Compute:
    """The same as `low <= operand and operand <= high`."""

    def between(source: Any) -> bool | None:
        value = operand(source)
        above = _compare(value, low(source), operator.ge)
        if above is False:
            return False
        below = _compare(value, high(source), operator.le)
        return below if above or below is False else None

    return between


def _membership(operand: Compute, items: tuple[Node, ...], of: Compile) -> Compute:
    """The same as `operand = item or operand = item …`."""
    written = [literals.value(item) for item in items if isinstance(item, nodes.Literal)]
    values = [of(item) for item in items]
    for types in ({str}, {int, Int64}):  # where it is safe, one look-up in place of comparisons
        if len(written) == len(items) and all(type(value) in types for value in written):
            return _look_up(operand, frozenset(written), frozenset(types), values)

    def member(source: Any) -> bool | None:
        return _is_any(operand(source), values, source)

    return member


def _look_up(operand: Compute, known: frozenset[Any], types: frozenset[type], values: list[Compute]) -> Compute:
    def look_up(source: Any) -> bool | None:
        value = operand(source)
        return value in known if type(value) in types else _is_any(value, values, source)

    return look_up


def _is_any(value: Any, items: list[Compute], source: Any) -> bool | None:
    result: bool | None = False
    for item in items:
        equal = _compare(value, item(source), operator.eq)
        if equal:
            return True
        if equal is None:
            result = None
    return result


def _like(operand: Compute, pattern: Node, of: Compile) -> Compute:
    if isinstance(pattern, nodes.Literal) and pattern.kind == "text":
        matches = matcher(pattern.text)

        def like_literal(source: Any) -> bool | None:
            value = operand(source)
            return matches(value) if isinstance(value, str) else None

        return like_literal
    form = of(pattern)

    def like(source: Any) -> bool | None:
        value, wanted = operand(source), form(source)
        return matcher(wanted)(value) if isinstance(value, str) and isinstance(wanted, str) else None

    return like
