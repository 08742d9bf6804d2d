"""
The parsed form: frozen nodes, one class a construct, with the character each began at.

Made by `grammar`, read by everything else.  Positions do not count in comparisons: nodes are equal when they mean the
same.  `and`/`or` hold all their operands side by side, so that a long chain is not a deep one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written down; `text` is its canonical form without quotes (`2024-01-31`, `it's`, `-1.50`)."""

    kind: OneOf["integer", "decimal", "double", "text", "flag", "null", "date", "timestamp"]
    text: str
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A name of the level; within an aggregate's second argument, of the element."""

    name: str
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`base.name`: a name of an embedded object."""

    base: Name | Member
    name: str
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`, never of a literal: that is one literal."""

    operand: Node
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    operand: Node
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """Operands joined by `and` or by `or`, two or more, none of them joined by the same word."""

    word: OneOf["and", "or"]
    operands: tuple[Node, ...]
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`."""

    operator: str
    left: Node
    right: Node
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right` of numbers."""

    operator: str
    left: Node
    right: Node
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """`operand is [not] null`."""

    operand: Node
    negated: bool
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """`operand [not] in (items)`."""

    operand: Node
    items: tuple[Node, ...]
    negated: bool
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Between:
    """`operand [not] between low and high`."""

    operand: Node
    low: Node
    high: Node
    negated: bool
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Like:
    """`operand [not] like pattern`."""

    operand: Node
    pattern: Node
    negated: bool
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values; known, and with as many arguments as it takes."""

    function: str
    arguments: tuple[Node, ...]
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A function of a list; `body` is evaluated within each element."""

    function: str
    source: Node
    body: Node | None
    at: int = field(compare=False)


Node: TypeAlias = (
    Literal | Name | Member | Negative | Not | Logic | Comparison | Arithmetic | IsNull | In | Between | Like | Call
    | Aggregate
)  # fmt: skip


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, in the order they are written; an aggregate's body last."""
    match node:
        case Member(base=base):
            return (base,)
        case Negative(operand=operand) | Not(operand=operand) | IsNull(operand=operand):
            return (operand,)
        case Logic(operands=operands) | Call(arguments=operands):
            return operands
        case Comparison(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case In(operand=operand, items=items):
            return (operand, *items)
        case Between(operand=operand, low=low, high=high):
            return (operand, low, high)
        case Like(operand=operand, pattern=pattern):
            return (operand, pattern)
        case Aggregate(source=source, body=body):
            return (source,) if body is None else (source, body)
    return ()


def own_names(node: Node) -> Iterator[Name]:
    """Names of the level itself; those within an aggregate's second argument belong to its elements."""
    if isinstance(node, Name):
        yield node
    for child in (node.source,) if isinstance(node, Aggregate) else children(node):
        yield from own_names(child)
