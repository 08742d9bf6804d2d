"""
The documents that tables must lead to, by SQL: SQLite joins, filters, sorts and computes, Python only nests the rows.

Written from the model's description of a mapping alone; it shares no code with the service, and expressions are the
SQL that was written beside them (`formulas`), not what the service reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from syncsvc.expressions import Expression
from syncsvc.mapping.model import Computed, Embed, Field, Pipeline
from tests.simulation.formulas import Formula
from tests.simulation.shapes import Shape
from tests.simulation.steps import Key, Row

Shown = dict[str, Any]


def _quoted(names: Iterable[str], prefix: str = "") -> list[str]:
    return [f'{prefix}"{name}"' for name in names]


class Oracle:
    """The tables in SQLite."""

    def __init__(self, shape: Shape, tables: Mapping[str, Mapping[Key, Row]]) -> None:
        self._shape = shape
        self._sql = sqlite3.connect(":memory:")
        self._sql.execute("PRAGMA case_sensitive_like = ON")
        for name, source in shape.sources.items():
            types = [f'"{c}" {"TEXT" if text.startswith("varchar") else "INT"}' for c, text in source.types.items()]
            self._sql.execute(f'CREATE TABLE "{name}" ({", ".join(types)})')
            marks = ", ".join("?" * len(source.types))
            rows = [[row[column] for column in source.types] for row in tables[name].values()]
            self._sql.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
        self._values: dict[tuple[str, str], dict[int, Any]] = {}
        self._pairs: dict[tuple[str, int], dict[int, list[int]]] = {}

    def documents(self) -> dict[str, list[Shown]]:
        """`{collection: documents}`."""
        return {one.collection: self._documents(one) for one in self._shape.pipeline.each()}

    def _documents(self, pipeline: Pipeline) -> list[Shown]:
        root = pipeline.root
        keys = ", ".join(_quoted(root.key))
        found = []
        for rowid, *key in self._sql.execute(
            f'SELECT rowid, {keys} FROM "{root.table}" WHERE {self._holds(root.where)} ORDER BY {keys}'
        ).fetchall():
            level = self._level(root.table, root.fields, pipeline.computed, pipeline.embed, rowid, {})
            if level is not None:
                identity = key[0] if len(key) == 1 else dict(zip(root.key, key, strict=True))
                found.append({"_id": identity, **level})
        return found

    def _holds(self, expression: Expression | None) -> str:
        return "TRUE" if expression is None else f"({self._shape.formulas[expression].sql})"

    def _column(self, table: str, sql: str, rowid: int) -> Any:
        """A column or expression of one row; read for all rows at once."""
        if (table, sql) not in self._values:
            self._values[table, sql] = dict(self._sql.execute(f'SELECT rowid, {sql} FROM "{table}"').fetchall())
        return self._values[table, sql][rowid]

    def _children(self, parent: str, embed: Embed, rowid: int) -> list[int]:
        """Rows of a relation below one row of the parent, in the list's order."""
        name = (parent, id(embed))
        if name not in self._pairs:
            on = [
                f'p."{one}" = c."{other}"'
                for one, other in zip(embed.parent_columns, embed.child_columns, strict=True)
            ]
            order = [f'c."{term.column}" {"DESC" if term.descending else "ASC"}' for term in embed.order_by]
            order += _quoted(embed.identity, "c.")
            pairs: dict[int, list[int]] = {}
            for mine, other in self._sql.execute(
                f'SELECT p.i, c.i FROM (SELECT rowid AS i, * FROM "{parent}" WHERE {self._holds(embed.when)}) p'
                f' JOIN (SELECT rowid AS i, * FROM "{embed.table}" WHERE {self._holds(embed.where)}) c'
                f" ON {' AND '.join(on)} ORDER BY {', '.join(order)}"
            ):
                pairs.setdefault(mine, []).append(other)
            self._pairs[name] = pairs
        return self._pairs[name].get(rowid, [])

    def _level(
        self, table: str, fields: tuple[Field, ...], computed: tuple[Computed, ...], embeds: tuple[Embed, ...],
        row: int, everyone: dict[str, int],
    ) -> Shown | None:  # fmt: skip
        """
        What a row shows; None where the row of a required relation is not there.

        `everyone` takes how many elements each list has, also behind its limit.
        """
        shown = {field.name: self._column(table, f'"{field.column}"', row) for field in fields}
        for one in computed:
            if one.of_row:
                formula = self._shape.formulas[one.expression]
                shown[one.name] = _typed(formula, self._column(table, formula.sql, row))
        for name in dict.fromkeys(embed.name for embed in embeds):
            cases = [embed for embed in embeds if embed.name == name]
            embed = next((case for case in cases if self._children(table, case, row)), cases[0])
            elements = []
            for child in self._children(table, embed, row):
                counts = everyone if embed.merge else {}
                element = self._level(embed.table, embed.fields, embed.computed, embed.embed, child, counts)
                if element is not None:
                    elements.append((child, element))
            everyone[name] = len(elements)
            if embed.kind == "many":
                shown[name] = self._many(embed, elements)
            elif embed.required and not elements:
                return None
            elif embed.merge:
                shown.update(elements[0][1] if elements else _absent(embed))
            else:
                shown[name] = _valued(embed, elements[0][1]) if elements else None
        for one in computed:
            if not one.of_row:
                formula = self._shape.formulas[one.expression]
                shown[one.name] = _typed(formula, self._computed(formula, shown, everyone))
        return shown

    def _many(self, embed: Embed, elements: list[tuple[int, Shown]]) -> Any:
        if embed.map_by is None:
            return [_valued(embed, element) for _, element in elements[: embed.limit]]
        mapped: Shown = {}
        for child, element in elements:
            key = self._column(embed.table, f'CAST("{embed.map_by}" AS TEXT)', child)
            if key is not None and (embed.limit is None or len(mapped) < embed.limit):
                mapped.setdefault(key, _valued(embed, element))
        return mapped

    def _computed(self, formula: Formula, shown: Shown, everyone: Mapping[str, int]) -> Any:
        """A value over what a level shows: its lists become tables of a query."""
        tables, bound = [], []
        for name, columns in formula.lists.items():
            head = ", ".join(_quoted(("#", *columns)))
            rows: list[tuple[Any, ...]]
            if name.endswith("/all"):
                rows = [(index,) for index in range(everyone.get(name.removesuffix("/all"), 0))]
            else:
                rows = [
                    (index, *(element if column == "it" and not isinstance(element, dict) else element[column]
                              for column in columns))
                    for index, element in enumerate(shown[name])
                ]  # fmt: skip
            marks = "(" + ", ".join("?" * (1 + len(columns))) + ")"
            nothing = f"SELECT {', '.join(['NULL'] * (1 + len(columns)))} WHERE 0"
            body = f"VALUES {', '.join([marks] * len(rows))}" if rows else nothing
            tables.append(f'"{name}"({head}) AS ({body})')
            bound += [value for row in rows for value in row]
        sources = []
        scalars = {name: value for name, value in shown.items() if not isinstance(value, dict | list)}
        for name, columns in [("", tuple(scalars)), *formula.ones.items()]:
            held = shown[name] if name else scalars
            if columns:
                picked = ", ".join(f'? AS "{column}"' for column in columns)
                sources.append(f"(SELECT {picked})" + (f' AS "{name}"' if name else ""))
                bound += [None if held is None else held[column] for column in columns]
        text = (f"WITH {', '.join(tables)} " if tables else "") + f"SELECT {formula.sql}"
        if sources:
            text += f" FROM {', '.join(sources)}"
        return self._sql.execute(text, _in_order(text, bound)).fetchone()[0]


def _in_order(text: str, bound: list[Any]) -> list[Any]:
    assert text.count("?") == len(bound)
    return bound


class Conditions:
    """Whether conditions of the mapping are true of single rows."""

    def __init__(self, shape: Shape) -> None:
        self._formulas = shape.formulas
        self._sql = sqlite3.connect(":memory:")
        self._sql.execute("PRAGMA case_sensitive_like = ON")
        self._known: dict[tuple[Expression, Any], bool] = {}

    def hold(self, expression: Expression | None, row: Row) -> bool:
        """True where there is no condition; a row is told by its `n`."""
        if expression is None:
            return True
        known = self._known.get((expression, row["n"]))
        if known is None:
            columns = ", ".join(f'? AS "{column}"' for column in row)
            text = f"SELECT {self._formulas[expression].sql} FROM (SELECT {columns})"
            known = self._known[expression, row["n"]] = self._sql.execute(text, [*row.values()]).fetchone()[0] == 1
        return known


def _typed(formula: Formula, value: Any) -> Any:
    return bool(value) if formula.kind == "bool" and value is not None else value


def _valued(embed: Embed, element: Shown) -> Any:
    return element if embed.value is None else element[embed.value]


def _absent(embed: Embed) -> Shown:
    """What a merged relation shows where there is no row."""
    shown: Shown = {field.name: None for field in embed.fields}
    shown |= {one.name: None for one in embed.computed if one.of_row}
    for below in embed.embed:
        if below.kind == "many":
            shown[below.name] = [] if below.map_by is None else {}
        elif below.merge:
            shown |= _absent(below)
        else:
            shown[below.name] = None
    return shown | {one.name: None for one in embed.computed if not one.of_row}


def canonical(value: Any) -> Any:
    """A document so that it equals another only with the same names in the same order; widths of integers are one."""
    if isinstance(value, dict):
        return tuple((name, canonical(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return [canonical(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return (type(value).__name__, value)
