"""
Nodes to functions: a tree becomes closures that call each other, over a row by position or over a level by name.

Both ways share every closure but those that fetch names, so a row and a document mean the same.  The functions are
total: on any values they give a value, or a `ComputeError` for a number that has no place in a document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from syncsvc.expressions import conditions, literals, nodes
from syncsvc.expressions.aggregates import AGGREGATES, elements
from syncsvc.expressions.expression import Expression
from syncsvc.expressions.nodes import Node
from syncsvc.expressions.numbers import OPERATIONS, number, stored
from syncsvc.expressions.scalars import SCALARS, negated

#: Of the row, the level or the element that names belong to.
Compute: TypeAlias = Callable[[Any], Any]
#: How a name is fetched.
Fetch: TypeAlias = Callable[[str], Compute]


def row_function(expression: Expression, columns: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """
    A function of a row's values, in the order of `columns`; made once and called for every row.

    It gives BSON-ready values and raises `ComputeError` alone.

    Raises:
        ValueError: the expression names something that is no column.
    """
    places = {name: index for index, name in enumerate(columns)}
    if missing := expression.names - places.keys():
        raise ValueError(f"no column {', '.join(sorted(missing))}")
    return _finished(expression.root, lambda name: itemgetter(places[name]))


def evaluate(expression: Expression, level: Mapping[str, Any]) -> Any:
    """
    The value over a decoded element or document, BSON-ready; a name that is not there is null.

    Raises:
        ComputeError: the result has no place in a document.
    """
    return _over_levels(expression)(level)


def holds(value: Any) -> bool:
    """Whether a condition counts: it is true, not false and not null."""
    return value is True


@lru_cache(maxsize=4096)
def _over_levels(expression: Expression) -> Compute:
    return _finished(expression.root, _named)


def _named(name: str) -> Compute:
    return lambda level: level.get(name)


def _of_element(name: str) -> Compute:
    """Of an element, which is an object or a scalar."""
    if name == "it":
        return lambda element: element
    return lambda element: element.get(name) if isinstance(element, dict) else None


def _finished(root: Node, fetch: Fetch) -> Compute:
    """The whole expression: names as they are, counts int, everything computed as BSON has it."""
    compute = _compiled(root, fetch)
    if isinstance(root, nodes.Name | nodes.Member) or (isinstance(root, nodes.Aggregate) and root.function == "count"):
        return compute
    if isinstance(root, conditions.KINDS):
        return compute  # true, false or null
    return lambda source: stored(compute(source))


def _compiled(node: Node, fetch: Fetch) -> Compute:
    match node:
        case nodes.Literal():
            value = literals.value(node)
            return lambda _: value
        case nodes.Name(name=name):
            return fetch(name)
        case nodes.Member(name=name):
            return _member(_compiled(node.base, fetch), name)
        case nodes.Negative(operand=operand):
            return _strict(negated, [_compiled(operand, fetch)])
        case nodes.Arithmetic():
            return _arithmetic(node, fetch)
        case nodes.Call(function=function, arguments=arguments):
            return _call(function, [_compiled(argument, fetch) for argument in arguments])
        case nodes.Aggregate():
            return _aggregate(node, fetch)
    return conditions.compiled(node, lambda inner: _compiled(inner, fetch))


def _member(base: Compute, name: str) -> Compute:
    def member(source: Any) -> Any:
        held = base(source)
        return held.get(name) if isinstance(held, dict) else None

    return member


def _arithmetic(node: nodes.Arithmetic, fetch: Fetch) -> Compute:
    left, right, apply = _compiled(node.left, fetch), _compiled(node.right, fetch), OPERATIONS[node.operator]

    def arithmetic(source: Any) -> Any:
        one = number(left(source))
        if one is None:
            return None
        other = number(right(source))
        return None if other is None else apply(one, other)

    return arithmetic


def _call(function: str, arguments: list[Compute]) -> Compute:
    if function == "if":
        condition, then, otherwise = arguments
        return lambda source: then(source) if condition(source) is True else otherwise(source)
    if function != "coalesce":
        return _strict(SCALARS[function], arguments)

    def coalesce(source: Any) -> Any:
        for argument in arguments:
            value = argument(source)
            if value is not None:
                return value
        return None

    return coalesce


def _strict(apply: Callable[..., Any], arguments: list[Compute]) -> Compute:
    """A function that is null when an argument is."""
    if len(arguments) == 1:
        only = arguments[0]

        def of_one(source: Any) -> Any:
            value = only(source)
            return None if value is None else apply(value)

        return of_one

    def of_many(source: Any) -> Any:
        values = []
        for argument in arguments:
            value = argument(source)
            if value is None:
                return None
            values.append(value)
        return apply(*values)

    return of_many


def _aggregate(node: nodes.Aggregate, fetch: Fetch) -> Compute:
    listed = _compiled(node.source, fetch)
    if node.body is None:

        def count(source: Any) -> Any:
            found = elements(listed(source))
            return None if found is None else len(found)

        return count
    body, apply = _compiled(node.body, _of_element), AGGREGATES[node.function]

    def aggregate(source: Any) -> Any:
        found = elements(listed(source))
        return None if found is None else apply(found, body)

    return aggregate
