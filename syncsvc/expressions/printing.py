"""
Nodes to their canonical text: as few parentheses, spaces and backticks as it takes to be read as the same nodes.

Two expressions are equal when their canonical texts are; the text is what hashes of a mapping are made from.
"""

from __future__ import annotations

from syncsvc.expressions import nodes
from syncsvc.expressions.grammar import AND, COMPARED, NOT, OR, PRIMARY, PRODUCT, SIGNED, SUM
from syncsvc.expressions.nodes import Node
from syncsvc.expressions.tokens import BARE_NAME, RESERVED


def printed(node: Node) -> str:
    """The canonical text of a tree."""
    return _at_least(OR, node)


def quoted(name: str) -> str:
    """A name as an expression has it: in backticks only where it needs them."""
    bare = BARE_NAME.fullmatch(name) and name.lower() not in RESERVED
    return name if bare else "`" + name.replace("`", "``") + "`"


def _at_least(strength: int, node: Node) -> str:
    """The text of a node, in parentheses if it binds less strongly."""
    binds, text = _text(node)
    return text if binds >= strength else f"({text})"


def _text(node: Node) -> tuple[int, str]:
    match node:
        case nodes.Literal():
            return PRIMARY, _literal(node)
        case nodes.Name(name=name):
            return PRIMARY, quoted(name)
        case nodes.Member(base=base, name=name):
            return PRIMARY, f"{printed(base)}.{quoted(name)}"
        case nodes.Negative(operand=operand):
            return SIGNED, f"-{_at_least(PRIMARY, operand)}"  # two signs in a row would be a comment in SQL
        case nodes.Not(operand=operand):
            return NOT, f"not {_at_least(NOT, operand)}"
        case nodes.Logic(word=word, operands=operands):
            binds = AND if word == "and" else OR
            return binds, f" {word} ".join(_at_least(binds + 1, operand) for operand in operands)
        case nodes.Arithmetic(operator=operator, left=left, right=right):
            binds = SUM if operator in "+-" else PRODUCT
            return binds, f"{_at_least(binds, left)} {operator} {_at_least(binds + 1, right)}"
        case nodes.Call(function=function, arguments=arguments):
            return PRIMARY, f"{function}({', '.join(map(printed, arguments))})"
        case nodes.Aggregate(function=function, source=source, body=body):
            return PRIMARY, f"{function}({printed(source)}{'' if body is None else f', {printed(body)}'})"
    return COMPARED, _condition(node)


def _condition(node: Node) -> str:
    match node:
        case nodes.Comparison(operator=operator, left=left, right=right):
            return f"{_at_least(SUM, left)} {operator} {_at_least(SUM, right)}"
        case nodes.IsNull(operand=operand, negated=negated):
            return f"{_at_least(SUM, operand)} is {'not ' * negated}null"
        case nodes.In(operand=operand, items=items, negated=negated):
            return f"{_at_least(SUM, operand)} {'not ' * negated}in ({', '.join(map(printed, items))})"
        case nodes.Between(operand=operand, low=low, high=high, negated=negated):
            bounds = f"{_at_least(SUM, low)} and {_at_least(SUM, high)}"
            return f"{_at_least(SUM, operand)} {'not ' * negated}between {bounds}"
        case nodes.Like(operand=operand, pattern=pattern, negated=negated):
            return f"{_at_least(SUM, operand)} {'not ' * negated}like {_at_least(SUM, pattern)}"
    raise AssertionError(f"{node} is no condition")


def _literal(literal: nodes.Literal) -> str:
    if literal.kind in ("text", "date", "timestamp"):
        text = "'" + literal.text.replace("'", "''") + "'"
        return text if literal.kind == "text" else f"{literal.kind} {text}"
    return literal.text
