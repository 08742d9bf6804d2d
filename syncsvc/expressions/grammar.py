"""
Tokens to nodes, by recursive descent over the strength with which operators bind.

Second step of `parse`.  Refuses what is no expression, functions that do not exist or take another number of arguments,
comparisons in a row, and nesting beyond what any reader could follow; so every tree is shallow.
"""

from __future__ import annotations

import difflib
from typing import NoReturn

from syncsvc.expressions import literals, nodes
from syncsvc.expressions.failures import ExpressionError
from syncsvc.expressions.functions import FUNCTIONS
from syncsvc.expressions.nodes import Node
from syncsvc.expressions.tokens import Token, tokens

#: Characters of a text, and levels of nesting; a chain of + or * counts one level for each sign.
MOST_CHARACTERS, MOST_LEVELS = 2000, 50
#: How strongly each construct binds; what is above it needs no parentheses.
OR, AND, NOT, COMPARED, SUM, PRODUCT, SIGNED, PRIMARY = range(8)
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_SUMS, _PRODUCTS = frozenset("+-"), frozenset("*/%")


def read(text: str) -> Node:
    """
    The tree of a text.

    Raises:
        ExpressionError: it is no expression.
    """
    if len(text) > MOST_CHARACTERS:
        fix = "split it: a computed value may use those above it"
        raise ExpressionError(f"an expression has at most {MOST_CHARACTERS} characters", fix, MOST_CHARACTERS)
    reader = _Reader(tokens(text))
    found = reader.expression(OR)
    reader.expect_end()
    _refuse_depth(found)
    return found


def _refuse_depth(root: Node) -> None:
    waiting = [(root, 1)]
    while waiting:
        node, level = waiting.pop()
        if level > MOST_LEVELS:
            _too_deep(node.at)
        waiting += [(child, level + 1) for child in nodes.children(node)]


def _too_deep(at: int) -> NoReturn:
    fix = "split it: a computed value may use those above it"
    raise ExpressionError(f"the expression is nested more than {MOST_LEVELS} levels deep", fix, at)


class _Reader:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._level = 0

    # Tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        self._next += token.kind != "end"
        return token

    def _skip(self, text: str) -> bool:
        """Takes the next token if it is this sign or word."""
        if self._token.text != text or self._token.kind not in ("sign", "word"):
            return False
        self._next += 1
        return True

    def _expect(self, text: str, where: str) -> None:
        if not self._skip(text):
            raise ExpressionError(f'a "{text}" is missing {where}', f'write "{text}" here', self._token.at)

    def expect_end(self) -> None:
        if self._token.kind == "end":
            return
        if self._token.text in _COMPARISONS:
            fix = "join two comparisons by `and`, or put one in parentheses"
            raise ExpressionError("comparisons cannot stand in a row", fix, self._token.at)
        what = f"the expression should end before {_shown(self._token)}"
        raise ExpressionError(what, "remove it, or put an operator before it", self._token.at)

    # Operators

    def expression(self, strength: int) -> Node:
        """Everything from here on that binds at least so strongly."""
        self._level += 1
        if self._level > 2 * MOST_LEVELS:  # parentheses count here, though the tree does not have them
            _too_deep(self._token.at)
        condition = self._token.text == "not" and self._token.kind == "word"
        left = self._prefix(strength)
        while (joined := self._joined(left, strength, condition)) is not None:
            left = joined
            condition = not isinstance(left, nodes.Arithmetic)
        self._level -= 1
        return left

    def _prefix(self, strength: int) -> Node:
        token = self._token
        if strength <= NOT and self._skip("not"):
            return nodes.Not(self.expression(NOT), token.at)
        if self._skip("-"):
            operand = self.expression(SIGNED)
            if isinstance(operand, nodes.Literal) and operand.kind in ("integer", "decimal", "double"):
                return literals.negative(operand, token.at)
            return nodes.Negative(operand, token.at)
        return self._primary()

    def _joined(self, left: Node, strength: int, condition: bool) -> Node | None:
        """
        `left` with the operator behind it and its right side; None where no operator binds strongly enough.

        Behind a `condition` that has no parentheses only `and` and `or` may follow.
        """
        token = self._token
        if token.kind not in ("sign", "word"):
            return None
        if not condition:
            if token.text in _PRODUCTS and strength <= PRODUCT:
                self._next += 1
                return nodes.Arithmetic(token.text, left, self.expression(SIGNED), token.at)
            if token.text in _SUMS and strength <= SUM:
                self._next += 1
                return nodes.Arithmetic(token.text, left, self.expression(PRODUCT), token.at)
            if strength <= COMPARED and (compared := self._compared(left)) is not None:
                return compared
        if token.text == "and" and strength <= AND:
            return self._logic("and", left, NOT)
        if token.text == "or" and strength <= OR:
            return self._logic("or", left, AND)
        return None

    def _logic(self, word: str, left: Node, strength: int) -> Node:
        operands, at = [left], self._token.at
        while self._skip(word):
            operands.append(self.expression(strength))
        flat: list[Node] = []
        for operand in operands:
            same = isinstance(operand, nodes.Logic) and operand.word == word
            flat += operand.operands if same and isinstance(operand, nodes.Logic) else (operand,)
        return nodes.Logic("and" if word == "and" else "or", tuple(flat), at)

    def _compared(self, left: Node) -> Node | None:
        at = self._token.at
        if self._token.text in _COMPARISONS:
            return nodes.Comparison(self._take().text, left, self.expression(SUM), at)
        if self._skip("is"):
            negated = self._skip("not")
            self._expect("null", 'behind "is"')
            return nodes.IsNull(left, negated, at)
        negated = self._skip("not")
        if self._skip("in"):
            return nodes.In(left, self._listed('behind "in"'), negated, at)
        if self._skip("like"):
            return nodes.Like(left, self.expression(SUM), negated, at)
        if self._skip("between"):
            low = self.expression(SUM)
            self._expect("and", "between the two bounds")
            return nodes.Between(left, low, self.expression(SUM), negated, at)
        if negated:
            raise ExpressionError('"not" stands behind a value', "write  not in,  not like  or  not between", at)
        return None

    # Values

    def _listed(self, where: str) -> tuple[Node, ...]:
        self._expect("(", where)
        items = [self.expression(OR)]
        while self._skip(","):
            items.append(self.expression(OR))
        self._expect(")", "behind the last value")
        return tuple(items)

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return literals.number(token.text, token.at)
        if token.kind == "text":
            return nodes.Literal("text", token.text, token.at)
        if token.kind == "word" and token.text in ("true", "false"):
            return nodes.Literal("flag", token.text, token.at)
        if token.kind == "word" and token.text == "null":
            return nodes.Literal("null", "null", token.at)
        if token.kind == "sign" and token.text == "(":
            inner = self.expression(OR)
            self._expect(")", "behind what was opened")
            return inner
        if token.kind in ("name", "quoted"):
            return self._named(token)
        fix = "write a name, a literal, a function or ( … ) here"
        raise ExpressionError(f"a value is missing before {_shown(token)}", fix, token.at)

    def _named(self, token: Token) -> Node:
        if token.kind == "name" and self._token.kind == "text" and token.text.lower() in ("date", "timestamp"):
            made = literals.date if token.text.lower() == "date" else literals.timestamp
            return made(self._take().text, token.at)
        if token.kind == "name" and self._skip("("):
            return self._call(token)
        found: nodes.Name | nodes.Member = nodes.Name(token.text, token.at)
        while self._skip("."):
            if self._token.kind not in ("name", "quoted"):
                raise ExpressionError('a name is missing behind "."', "name a field of the object", self._token.at)
            member = self._take()
            found = nodes.Member(found, member.text, member.at)
        return found

    def _call(self, token: Token) -> Node:
        function = FUNCTIONS.get(token.text.lower())
        if function is None:
            near = difflib.get_close_matches(token.text.lower(), FUNCTIONS, 1)
            fix = f'did you mean "{near[0]}"?' if near else f"use one of {', '.join(sorted(FUNCTIONS))}"
            raise ExpressionError(f'there is no function "{token.text}"', fix, token.at)
        arguments: list[Node] = []
        if not self._skip(")"):
            arguments.append(self.expression(OR))
            while self._skip(","):
                arguments.append(self.expression(OR))
            self._expect(")", "behind the last argument")
        if not function.least <= len(arguments) <= function.most:
            many = f"{len(arguments)} argument{'s' * (len(arguments) != 1)}"
            raise ExpressionError(f'"{function.name}" is given {many}', f"write  {function.signature}", token.at)
        if not function.aggregate:
            return nodes.Call(function.name, tuple(arguments), token.at)
        body = arguments[1] if len(arguments) > 1 else None
        return nodes.Aggregate(function.name, arguments[0], body, token.at)


def _shown(token: Token) -> str:
    return "the end" if token.kind == "end" else f'"{token.text[:40]}"'
