"""
Whether an expression fits the names it is used over, before there is data: names, kinds of values, lists.

Reports every mistake with its place; where a part is wrong the rest is still checked.  What is not known before there
is a value (JSON) passes; evaluation then gives null for what does not fit.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeAlias

from syncsvc.expressions import nodes, types
from syncsvc.expressions.expression import Expression
from syncsvc.expressions.functions import ACCEPTED, FUNCTIONS, Accepted, Function
from syncsvc.expressions.nodes import Node
from syncsvc.expressions.types import ListOf, MapOf, ObjectOf, Scope, Type, described, united

#: What is wrong, what to write instead, and the character in the text that was parsed, from 0.
Problem: TypeAlias = tuple[str, str, int]

_LITERALS: dict[str, Type] = {
    "integer": types.INTEGER, "decimal": types.DECIMAL, "double": types.DOUBLE, "text": types.TEXT,
    "flag": types.FLAG, "null": types.NULL, "date": types.MOMENT, "timestamp": types.MOMENT,
}  # fmt: skip
_WANTED: dict[Accepted, str] = {
    "number": "a number", "whole": "a whole number", "text": "text", "flag": "a condition", "moment": "a moment",
    "printed": "text, a number, a flag, a moment or a uuid", "ordered": "a value with an order",
}  # fmt: skip
_FIXES: dict[Accepted, str] = {
    "text": "make it text:  text(…)", "flag": "compare it, for example  … > 0  or  … is not null",
    "moment": "use a column of dates or  date '2024-01-31'",
}  # fmt: skip


def check(expression: Expression, scope: Scope) -> list[Problem]:
    """
    Everything that is wrong with an expression over these names, in the order of the text; [] when it fits.

    Whether the value may be any kind is up to the caller: a condition must be `Scalar.FLAG` (see `expression_type`).
    """
    checker = _Checker()
    checker.type_of(expression.root, scope)
    return sorted(checker.problems, key=lambda problem: problem[2])


def expression_type(expression: Expression, scope: Scope) -> Type:
    """The kind of the value; ANY where it is not known or the expression is wrong."""
    return _Checker().type_of(expression.root, scope)


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _tell(self, what: str, fix: str, at: int) -> None:
        self.problems.append((what, fix, at))

    def type_of(self, node: Node, scope: Scope | None) -> Type:
        """The kind of a node; a scope of None has every name."""
        match node:
            case nodes.Literal(kind=kind):
                return _LITERALS[kind]
            case nodes.Name(name=name, at=at):
                return types.ANY if scope is None else self._named(name, scope, at)
            case nodes.Member():
                return self._member(node, scope)
            case nodes.Negative(operand=operand):
                return self._required(operand, scope, "number")
            case nodes.Not(operand=operand):
                self._required(operand, scope, "flag")
            case nodes.Logic(operands=operands):
                for operand in operands:
                    self._required(operand, scope, "flag")
            case nodes.Comparison(left=left, right=right):
                self._compared([left, right], scope, node.at)
            case nodes.Between(operand=operand, low=low, high=high):
                self._compared([operand, low, high], scope, node.at)
            case nodes.In(operand=operand, items=items):
                self._compared([operand, *items], scope, node.at)
            case nodes.Like(operand=operand, pattern=pattern):
                self._required(operand, scope, "text")
                self._required(pattern, scope, "text")
            case nodes.IsNull(operand=operand):
                self.type_of(operand, scope)
            case nodes.Arithmetic():
                return self._arithmetic(node, scope)
            case nodes.Call():
                return self._call(node, scope)
            case nodes.Aggregate():
                return self._aggregate(node, scope)
        return types.FLAG

    def _named(self, name: str, scope: Scope, at: int) -> Type:
        found = scope.get(name)
        if found is None:
            self._tell(f'there is no "{name}" here', _suggested(name, scope), at)
            return types.ANY
        return found

    def _member(self, node: nodes.Member, scope: Scope | None) -> Type:
        base = self.type_of(node.base, scope)
        if isinstance(base, ObjectOf):
            return self._named(node.name, base.scope, node.at)
        if isinstance(base, ListOf):
            fix = f"use an aggregate, for example  first({node.base.name}, {node.name})"
            self._tell(f'"{node.base.name}" is a list and has no "{node.name}"', fix, node.at)
        elif isinstance(base, MapOf):
            return base.element
        elif base not in (types.ANY, types.NULL):
            self._tell(f'"{node.base.name}" is {described(base)} and has no "{node.name}"', "name it alone", node.at)
        return types.ANY

    def _required(self, node: Node, scope: Scope | None, accepted: Accepted, of: str = "") -> Type:
        """The kind of a node that must be one of these; ANY after a problem."""
        found = self.type_of(node, scope)
        wanted = ACCEPTED.get(accepted)
        if wanted is None or found in (types.ANY, types.NULL) or (isinstance(found, types.Scalar) and found in wanted):
            return found
        fix = _FIXES.get(accepted, f"use {_WANTED[accepted]}")
        self._tell(f"{of or 'here'}{' takes' if of else ' stands'} {_WANTED[accepted]}, not {described(found)}", fix,
                   _start(node))  # fmt: skip
        return types.ANY

    def _compared(self, operands: list[Node], scope: Scope | None, at: int) -> None:
        found = [self.type_of(operand, scope) for operand in operands]
        for operand, kind in zip(operands, found, strict=True):
            if isinstance(kind, ListOf | MapOf | ObjectOf):
                fix = "name one of its fields" if isinstance(kind, ObjectOf) else "use an aggregate:  count(…)"
                self._tell(f"{described(kind)} cannot be compared", fix, _start(operand))
                return
        first = found[0]
        for kind in found[1:]:
            if united([first, kind]) is None:
                self._tell(f"{described(first)} is never compared with {described(kind)}", _comparable(first, kind), at)
                return

    def _arithmetic(self, node: nodes.Arithmetic, scope: Scope | None) -> Type:
        of = f'"{node.operator}"'
        found = [self._required(side, scope, "number", of) for side in (node.left, node.right)]
        both = united(found) or types.ANY
        return types.DECIMAL if node.operator == "/" and both is types.INTEGER else both

    def _call(self, node: nodes.Call, scope: Scope | None) -> Type:
        function = FUNCTIONS[node.function]
        found = [self._required(argument, scope, function.accepts(index), f'"{function.name}"')
                 for index, argument in enumerate(node.arguments)]  # fmt: skip
        if function.gives == "argument":
            return found[0]
        if function.gives != "united":
            return function.gives if isinstance(function.gives, types.Scalar) else types.ANY
        same = [kind for index, kind in enumerate(found) if function.accepts(index) == "same"]
        return self._united(function, same, node.at)

    def _united(self, function: Function, kinds: list[Type], at: int) -> Type:
        both = united(kinds)
        if both is None:
            listed = " and ".join(dict.fromkeys(described(kind) for kind in kinds))
            self._tell(f'"{function.name}" gives either {listed}', "make them one kind, for example with  text(…)", at)
        return both or types.ANY

    def _aggregate(self, node: nodes.Aggregate, scope: Scope | None) -> Type:
        function = FUNCTIONS[node.function]
        source = self.type_of(node.source, scope)
        inner: Scope | None = None
        if isinstance(source, ListOf | MapOf):
            element = source.element
            if element is not types.ANY:
                inner = {**(element.scope if isinstance(element, ObjectOf) else {}), "it": element}
        elif source not in (types.ANY, types.NULL):
            fix = "name a list:  a relation with  many,  or an array"
            self._tell(f'"{function.name}" takes a list, not {described(source)}', fix, _start(node.source))
        found = types.NULL if node.body is None else self._required(
            node.body, inner, function.accepts(1), f'"{function.name}"')  # fmt: skip
        if function.gives == "average":
            return types.DOUBLE if found is types.DOUBLE else types.ANY if found is types.ANY else types.DECIMAL
        return function.gives if isinstance(function.gives, types.Scalar) else found


def _start(node: Node) -> int:
    """The leftmost character of a node; operators have their own place in the middle."""
    return min([node.at, *(_start(child) for child in nodes.children(node))])


def _suggested(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"use one of {', '.join(known[:20])}" if known else "nothing has a name here"


def _comparable(one: Type, other: Type) -> str:
    kinds = {one, other}
    if types.MOMENT in kinds and types.TEXT in kinds:
        return "write the moment as  date '2024-01-31'  or  timestamp '2024-01-31T09:30:00Z'"
    if types.FLAG in kinds and kinds & set(types.NUMBERS):
        return "a flag is  true  or  false"
    if types.TEXT in kinds:
        return "texts stand in quotes, numbers do not; or make it text:  text(…)"
    return "compare values of one kind"
