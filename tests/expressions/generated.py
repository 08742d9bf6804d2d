"""
Random well-typed expressions, random rows, and the same expressions in SQL: material for properties and oracles.

The printer to SQL works on our nodes and is the only thing here that knows them; every operand stands in parentheses,
so that SQL's precedence plays no part.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from bson import Decimal128, Int64

from syncsvc.expressions import Scalar, nodes

Dialect = Literal["mariadb", "sqlite"]
Kind = Literal["whole", "decimal", "double", "text", "flag", "moment"]

SCOPE = {
    "i": Scalar.INTEGER, "j": Scalar.INTEGER, "d": Scalar.DECIMAL, "e": Scalar.DECIMAL, "x": Scalar.DOUBLE,
    "s": Scalar.TEXT, "t": Scalar.TEXT, "f": Scalar.FLAG, "m": Scalar.MOMENT, "w": Scalar.MOMENT,
}  # fmt: skip
_NAMES: dict[Kind, tuple[str, ...]] = {
    "whole": ("i", "j"), "decimal": ("d", "e"), "double": ("x",), "text": ("s", "t"), "flag": ("f",),
    "moment": ("m", "w"),
}  # fmt: skip
_TEXTS = ("", "a", "ab", "AB", "a%b", "a_b", "a\\b", " ab ", "it's", "zebra", "Ab", "é", "10")
_PATTERNS = ("%", "a%", "%b", "_b", "%a%b%", "a\\%b", "a\\_b", "%\\\\%", "", "A_", "%_%_%", "_%b%")


class Generator:
    """Expressions of one seed; `exact` leaves out what has another precision, or is missing, in the oracle."""

    def __init__(self, rng: random.Random, dialect: Dialect | None = None) -> None:
        self._rng = rng
        self._dialect = dialect
        self.kinds: tuple[Kind, ...] = ("whole", "decimal", "double", "text", "flag", "moment")
        if dialect == "sqlite":
            self.kinds = ("whole", "double", "text", "flag")

    def of(self, kind: Kind, depth: int) -> str:
        """The text of an expression of this kind."""
        pick = self._rng.choice
        if depth <= 0 or self._rng.random() < 0.15:
            return self._literal(kind) if self._rng.random() < 0.35 else pick(_NAMES[kind])
        if self._rng.random() < 0.12:
            one, other = self.of(kind, depth - 1), self.of(kind, depth - 1)
            return pick((f"coalesce({one}, {other})", f"if({self.of('flag', depth - 1)}, {one}, {other})"))
        return {
            "whole": self._number, "decimal": self._number, "double": self._number, "text": self._text,
            "flag": self._flag, "moment": self._moment,
        }[kind](kind, depth - 1)  # fmt: skip

    def any_kind(self, depth: int) -> str:
        """An expression of some kind."""
        return self.of(self._rng.choice(self.kinds), depth)

    def _literal(self, kind: Kind) -> str:
        rng = self._rng
        if rng.random() < 0.15:
            return "null"
        match kind:
            case "whole":
                return str(rng.choice((-7, -1, 0, 1, 2, 3, 10, 999)))
            case "decimal":
                return rng.choice(("0.0", "0.5", "-1.25", "2.50", "10.00", "3.333333"))
            case "double":
                return rng.choice(("0e0", "5e-1", "-2.5e0", "4e0"))
            case "text":
                return "'" + rng.choice(_TEXTS).replace("'", "''") + "'"
            case "flag":
                return rng.choice(("true", "false"))
        return rng.choice(("date '2024-02-29'", "timestamp '2024-01-31T09:30:00.125Z'", "date '1999-12-31'"))

    def _number(self, kind: Kind, depth: int) -> str:
        pick, one = self._rng.choice, self.of(kind, depth)
        forms = [f"({one}) {pick('+-*')} ({self.of(kind, 0)})", f"-({one})", f"abs({one})"]
        if kind == "whole":
            forms += [f"({one}) % ({self.of(kind, 0)})", f"length({self.of('text', depth)})"]
            if self._dialect != "sqlite":
                part = pick(("year", "month", "day", "hour", "minute", "second", "weekday"))
                forms += [f"{part}({self.of('moment', depth)})", f"round({one}, {pick((-1, 0, 2))})"]
        if kind == "decimal":
            forms += [f"({one}) % ({self.of(kind, 0)})", f"({one}) + ({self.of('whole', 0)})"]
            forms += [f"round({one}, {pick((0, 1, 3))})", f"floor({one})", f"ceil({one})", f"round({one})"]
        return pick(forms)

    def _text(self, kind: Kind, depth: int) -> str:
        pick, one = self._rng.choice, self.of("text", depth)
        at, many = pick((-2, 1, 2, 3, 9)), pick((1, 2, 5))
        forms = [f"trim({one})", f"concat({one}, {self.of('text', 0)})"]
        if self._dialect != "sqlite":  # which knows the case of ASCII alone
            forms += [f"lower({one})", f"upper({one})"]
            forms += [f"substring({one}, {pick((0, at))}, {pick((0, -1, many))})", f"substring({one}, {at})"]
            forms += [f"text({self.of('whole', depth)})", f"concat({self.of('whole', depth)}, '-', {pick('de')})"]
        return pick(forms)

    def _moment(self, kind: Kind, depth: int) -> str:
        return f"date({self.of('moment', depth)})"

    def _flag(self, kind: Kind, depth: int) -> str:
        rng, of = self._rng, self.of
        if rng.random() < 0.4:
            one, other = of("flag", depth), of("flag", depth)
            return rng.choice((f"({one}) and ({other})", f"({one}) or ({other})", f"not ({one})", f"({one}) is null"))
        if rng.random() < 0.25:
            pattern = "'" + rng.choice(_PATTERNS) + "'" if rng.random() < 0.8 else of("text", 0)
            return f"({of('text', depth)}) {rng.choice(('', 'not '))}like {pattern}"
        compared = rng.choice(self.kinds)
        one = of(compared, depth)
        if compared in ("whole", "decimal") and self._dialect != "sqlite" and rng.random() < 0.3:
            compared = rng.choice(("whole", "decimal"))  # numbers of any kind are compared by value
        other, third = of(compared, depth), of(compared, 0)
        no = rng.choice(("", "not "))
        return rng.choice((
            f"({one}) {rng.choice(('=', '<>', '<', '<=', '>', '>='))} ({other})",
            f"({one}) {no}in ({other}, {third}, {of(compared, 0)})",
            f"({one}) {no}between ({other}) and ({third})",
            f"({one}) is {no}null",
        ))  # fmt: skip


def rows(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Rows of `SCOPE`, BSON-ready."""
    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.2 else value

    def moment() -> datetime.datetime:
        start = datetime.datetime(1999, 12, 30, tzinfo=datetime.UTC)
        days = rng.choice((0, 1, 2, 8827, 8827, 9000))
        return start + datetime.timedelta(days=days, milliseconds=rng.choice((0, 125, 86_399_999, 34_200_125)))

    return [
        {
            "i": maybe(rng.choice((-7, -1, 0, 1, 2, 3, 10, 55))),
            "j": maybe(Int64(rng.choice((-3, 0, 1, 2, 10**6, 4_000_000_000)))),
            "d": maybe(Decimal128(rng.choice(("0.00", "1.50", "-1.25", "2.50", "10.00", "99.99")))),
            "e": maybe(Decimal128(rng.choice(("0.500000", "-2.500000", "3.333333", "1000000.000001")))),
            "x": maybe(rng.choice((0.0, 0.5, -2.5, 4.0, 1024.25))),
            "s": maybe(rng.choice(_TEXTS)),
            "t": maybe(rng.choice(_TEXTS)),
            "f": maybe(rng.choice((True, False))),
            "m": maybe(moment()),
            "w": maybe(moment()),
        }
        for _ in range(count)
    ]


def sql(node: nodes.Node, dialect: Dialect) -> str:
    """The same expression in SQL."""
    def of(inner: nodes.Node) -> str:
        return f"({sql(inner, dialect)})"

    match node:
        case nodes.Literal():
            return _literal(node, dialect)
        case nodes.Name(name=name):
            return f"`{name}`"
        case nodes.Negative(operand=operand):
            return f"- {of(operand)}"
        case nodes.Not(operand=operand):
            return f"NOT {of(operand)}"
        case nodes.Logic(word=word, operands=operands):
            return f" {word} ".join(of(operand) for operand in operands)
        case nodes.Comparison(operator=operator, left=left, right=right) | nodes.Arithmetic(
            operator=operator, left=left, right=right
        ):
            return f"{of(left)} {operator} {of(right)}"
        case nodes.IsNull(operand=operand, negated=negated):
            return f"{of(operand)} IS {'NOT ' * negated}NULL"
        case nodes.In(operand=operand, items=items, negated=negated):
            return f"{of(operand)} {'NOT ' * negated}IN ({', '.join(map(of, items))})"
        case nodes.Between(operand=operand, low=low, high=high, negated=negated):
            return f"{of(operand)} {'NOT ' * negated}BETWEEN {of(low)} AND {of(high)}"
        case nodes.Like(operand=operand, pattern=pattern, negated=negated):
            escape = r" ESCAPE '\'" if dialect == "sqlite" else ""
            return f"{of(operand)} {'NOT ' * negated}LIKE {of(pattern)}{escape}"
        case nodes.Call(function=function, arguments=arguments):
            return _call(function, [of(argument) for argument in arguments], dialect)
    raise AssertionError(f"{node} has no SQL here")


def _literal(literal: nodes.Literal, dialect: Dialect) -> str:
    text = literal.text.replace("'", "''")
    match literal.kind:
        case "text":
            return "'" + (text.replace("\\", "\\\\") if dialect == "mariadb" else text) + "'"
        case "date":
            return f"TIMESTAMP '{text} 00:00:00.000'"
        case "timestamp":
            return f"TIMESTAMP '{text.replace('T', ' ').removesuffix('Z')}'"
    return literal.text


def _call(function: str, arguments: Sequence[str], dialect: Dialect) -> str:
    joined = ", ".join(arguments)
    match function, dialect:
        case "concat", "sqlite":
            return " || ".join(arguments)
        case "if", "sqlite":
            return f"iif({joined})"
        case "length", "mariadb":
            return f"char_length({joined})"
        case "text", _:
            return f"CAST({joined} AS CHAR)"
        case "date", _:
            return f"CAST(DATE({joined}) AS DATETIME(3))"
    return f"{function}({joined})"


def plain(value: Any) -> Any:
    """A value of ours as a database driver gives it: flags 0 and 1, decimals `Decimal`, moments without a zone."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal128):
        return value.to_decimal()
    return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value


def same(ours: Any, theirs: Any) -> bool:
    """Whether the values are equal; numbers by value, doubles as near as their last digits."""
    ours = plain(ours)
    if isinstance(ours, float) or isinstance(theirs, float):
        both = ours is not None and theirs is not None
        return abs(float(ours) - float(theirs)) <= 1e-9 * max(1.0, abs(float(ours))) if both else ours is theirs
    if isinstance(ours, int | Decimal) and isinstance(theirs, int | Decimal):
        return Decimal(ours) == Decimal(theirs)
    return type(ours) is type(theirs) and ours == theirs


def described(row: Mapping[str, Any]) -> str:
    """A row in a message of a test."""
    return ", ".join(f"{name}={value!r}" for name, value in row.items())
