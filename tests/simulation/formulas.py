"""
Expressions of random mappings, each written twice: in the mapping's language and in SQLite's.

The oracle runs the SQL, so it owes nothing to the package under test.  Numbers stay small and functions are those that
mean the same in both; what SQLite cannot say is tested with the expressions themselves.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["int", "text", "bool"]
WORDS = ("a", "b", "B")


@dataclass(frozen=True)
class Items:
    """A list in the scope of a computed value: the scalars of its elements, or the one kind of its scalars."""

    scalars: Mapping[str, Kind]
    #: Elements are scalars, named `it`.
    bare: bool = False


@dataclass(frozen=True)
class Holder:
    """An embedded `one` in the scope of a computed value."""

    scalars: Mapping[str, Kind]


Scope = Mapping[str, Kind | Items | Holder]


@dataclass(frozen=True)
class Formula:
    """One expression in both languages."""

    text: str
    sql: str
    kind: Kind
    #: `{list: columns of its elements}` that the SQL reads from.
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    #: `{embedded one: its columns}` that the SQL names.
    ones: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


def condition(rng: random.Random, scalars: Mapping[str, Kind], depth: int = 1) -> Formula:
    """Something that is true, false or null of a row."""
    if depth and rng.random() < 0.3:
        one, other = condition(rng, scalars, depth - 1), condition(rng, scalars, depth - 1)
        word = rng.choice(("and", "or"))
        return Formula(f"({one.text}) {word} ({other.text})", f"({one.sql}) {word} ({other.sql})", "bool")
    if depth and rng.random() < 0.15:
        inner = condition(rng, scalars, depth - 1)
        return Formula(f"not ({inner.text})", f"not ({inner.sql})", "bool")
    name = rng.choice(sorted(scalars))
    if rng.random() < 0.2:
        return _both(f"{{}} is {rng.choice(('', 'not '))}null", name)
    if scalars[name] == "text":
        one, other = rng.choice(WORDS), rng.choice(WORDS)
        pattern = rng.choice(
            (f"{{}} = '{one}'", f"{{}} <> '{one}'", f"{{}} in ('{one}', '{other}')", f"{{}} like '{one}%'",
             f"{{}} not in ('{one}', '{other}')", f"{{}} >= '{one}'")
        )  # fmt: skip
        return _both(pattern, name)
    if scalars[name] == "bool":
        return _both("{} = true", name)
    number = rng.randint(0, 2)
    pattern = rng.choice(
        (f"{{}} > {number}", f"{{}} <= {number}", f"{{}} = {number}", f"{{}} between 1 and {number + 1}",
         f"{{}} in (0, {number})", f"{{}} + 1 <> {number + 2}")
    )  # fmt: skip
    return _both(pattern, name)


def value(rng: random.Random, scalars: Mapping[str, Kind]) -> Formula:
    """A value of one row."""
    if rng.random() < 0.15:
        return condition(rng, scalars)
    if rng.random() < 0.2:
        test, name = condition(rng, scalars, 0), rng.choice(sorted(scalars))
        other = next((other for other in sorted(scalars) if scalars[other] == scalars[name]), name)
        return Formula(
            f"if({test.text}, {name}, {other})",
            f'CASE WHEN {test.sql} THEN "{name}" ELSE "{other}" END',
            scalars[name],
        )
    name = rng.choice(sorted(scalars))
    kind = scalars[name]
    if kind == "text":
        patterns = ("upper({})", "lower({})", "coalesce({}, 'none')", "{}", "substring({}, 1, 1)")
        made = rng.choice(patterns)
        if made.startswith("substring"):
            return Formula(made.format(name), made.replace("substring", "substr").format(f'"{name}"'), "text")
        if made == "{}" and rng.random() < 0.7:
            return Formula(f"concat('<', {name}, '>')", f"'<' || \"{name}\" || '>'", "text")
        return _both(made, name, "text")
    if kind == "bool":
        return _both("coalesce({}, false)", name, "bool")
    return _both(rng.choice(("{} + 1", "{} * 2 - 3", "coalesce({}, 0)", "-{}", "abs({} - 2)")), name, "int")


def of_document(rng: random.Random, scope: Scope) -> Formula | None:
    """A value over what a level shows; None when it shows neither a list nor an object."""
    names = [name for name, what in scope.items() if isinstance(what, Items | Holder)]
    if not names:
        return None
    name = rng.choice(names)
    what = scope[name]
    if isinstance(what, Holder):
        inner = rng.choice(sorted(what.scalars)) if what.scalars else None
        if inner is None:
            return None
        kind = what.scalars[inner]
        other = "'nobody'" if kind == "text" else "false" if kind == "bool" else "-1"
        return Formula(
            f"coalesce({name}.{inner}, {other})", f'coalesce("{name}"."{inner}", {other})', kind,
            ones={name: (inner,)},
        )  # fmt: skip
    assert isinstance(what, Items)
    return _aggregate(rng, name, what, scope)


def _aggregate(rng: random.Random, name: str, items: Items, scope: Scope) -> Formula:
    columns = tuple(sorted(items.scalars))
    lists = {name: columns}
    how = rng.choice(("count", "sum", "min", "max", "any", "all", "count if", "first", "last", "plus"))
    if how in ("count", "plus") or not columns:
        counted = f'(SELECT count(*) FROM "{name}")'
        numbers = sorted(key for key, kind in scope.items() if kind == "int")
        if how == "plus" and numbers:
            number = rng.choice(numbers)
            return Formula(
                f"count({name}, true) + coalesce({number}, 0)", f'{counted} + coalesce("{number}", 0)', "int", lists
            )
        return Formula(f"count({name})", f'(SELECT count(*) FROM "{name}/all")', "int", {f"{name}/all": ()})
    if how in ("any", "all", "count if"):
        test = condition(rng, items.scalars, 0)
        if how == "any":
            return Formula(f"any({name}, {test.text})", f'EXISTS(SELECT 1 FROM "{name}" WHERE {test.sql})', "bool",
                           lists)  # fmt: skip
        if how == "all":
            sql = f'NOT EXISTS(SELECT 1 FROM "{name}" WHERE ({test.sql}) IS NOT TRUE)'
            return Formula(f"all({name}, {test.text})", sql, "bool", lists)
        return Formula(f"count({name}, {test.text})", f'(SELECT count(*) FROM "{name}" WHERE {test.sql})', "int", lists)
    inner = value(rng, items.scalars)
    if how == "sum":
        numbers = sorted(key for key, kind in items.scalars.items() if kind == "int")
        if not numbers:
            how = "min"
        else:
            number = rng.choice(numbers)
            return Formula(f"sum({name}, {number})", f'(SELECT sum("{number}") FROM "{name}")', "int", lists)
    if how in ("min", "max"):
        named = sorted(key for key, kind in items.scalars.items() if kind != "bool")
        if named:
            key = rng.choice(named)
            return Formula(f"{how}({name}, {key})", f'(SELECT {how}("{key}") FROM "{name}")', items.scalars[key], lists)
        how = "first"
    order = "ASC" if how == "first" else "DESC"
    sql = f'(SELECT {inner.sql} FROM "{name}" ORDER BY "#" {order} LIMIT 1)'
    return Formula(f"{how}({name}, {inner.text})", sql, inner.kind, lists)


def _both(pattern: str, name: str, kind: Kind = "bool") -> Formula:
    return Formula(pattern.format(name), pattern.format(f'"{name}"'), kind)
