"""
An expression as the rest of the service holds it: frozen, hashable, equal by meaning.

Made by `parse` alone, so that every `Expression` is well formed: its functions exist and its tree is shallow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncsvc.expressions import grammar, nodes
from syncsvc.expressions.nodes import Node
from syncsvc.expressions.printing import printed


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression."""

    #: Canonical text; parsed again it gives an equal expression.
    text: str
    #: The tree, with places in the text that was parsed.
    root: Node = field(compare=False, repr=False)
    #: Free names of its own level; not those within an aggregate's second argument.
    names: frozenset[str] = field(compare=False, repr=False)

    @property
    def counted(self) -> str | None:
        """The list's name, when it is exactly `count(list)`."""
        match self.root:
            case nodes.Aggregate(function="count", source=nodes.Name(name=name), body=None):
                return name
        return None

    def renamed(self, names: Mapping[str, str]) -> Expression:
        """The same over other names of its own level; a name that is not a key stays."""
        return _made(_renamed(self.root, names))


def parse(text: str) -> Expression:
    """
    The expression a text says.

    Raises:
        ExpressionError: it says none; with what is wrong, what to write instead, and where (from 0).

    >>> parse("PRICE*( 1+rate )").text, sorted(parse("count(lines, qty > 1) + a").names)
    ('PRICE * (1 + rate)', ['a', 'lines'])
    """
    return _made(grammar.read(text))


def _made(root: Node) -> Expression:
    return Expression(printed(root), root, frozenset(name.name for name in nodes.own_names(root)))


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """The tree over other names; the second argument of an aggregate has names of its own."""
    if isinstance(node, nodes.Name):
        return dataclasses.replace(node, name=names.get(node.name, node.name))
    if isinstance(node, nodes.Aggregate):
        return dataclasses.replace(node, source=_renamed(node.source, names))
    inner = {part.name: _within(getattr(node, part.name), names) for part in dataclasses.fields(node)}
    return dataclasses.replace(node, **inner)


def _within(part: Any, names: Mapping[str, str]) -> Any:
    """What a node holds: a node, several, or something that has no names."""
    if isinstance(part, tuple):
        return tuple(_renamed(item, names) for item in part)
    return _renamed(part, names) if dataclasses.is_dataclass(part) else part
