"""
The documents as SQL has them: rows read in chunks of root keys, children by their join columns, joined in Python.

Independent of routing and assembly: it reads the declaration and the database, nothing else; only the expressions are
evaluated by the same package, which has an oracle of its own.  Rows meet when their join values are equal, byte for
byte or as the declared collation compares them; lists are ordered NULL first, text by code point, then by the child's
key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bson import Decimal128

from syncsvc.changes import collation, column_text
from syncsvc.expressions import Expression
from syncsvc.mapping import model
from syncsvc.verify import elements, values
from syncsvc.verify.elements import Attached, Element
from syncsvc.verify.rows import Cursor, Row, Rows, quoted

#: Comparable values of some columns.
Key = tuple[Any, ...]


class Oracle:
    """Expected documents of a pipeline, read over cursors that return printed values (see `session`)."""

    def __init__(self, pipeline: model.Pipeline, cursors: Mapping[str, Cursor]) -> None:
        """`cursors`: by `Table.topic_prefix`."""
        self._pipeline = pipeline
        self._rows = Rows(pipeline.tables, cursors)
        root = pipeline.root
        self._key_types = [pipeline.tables[root.table].columns[column] for column in root.key]
        self._root_columns = _distinct(
            root.key, _names(root.where), _columns_shown(root.fields, pipeline.computed, pipeline.embed)
        )

    def count(self) -> int:
        """Rows of the root table."""
        return self._rows.count(self._pipeline.root.table)

    def rows_after(self, last: Row | None, limit: int) -> list[Row]:
        """The next root rows in key order, at most `limit`; behind `last`, or from the beginning."""
        key = self._pipeline.root.key
        clause, arguments = ("", []) if last is None else self._behind(last)
        tail = f"{clause} ORDER BY {', '.join(map(quoted, key))} LIMIT {limit}"
        return self._rows.where(self._pipeline.root.table, self._root_columns, tail, arguments)

    def rows_of(self, ids: Iterable[Any]) -> list[Row]:
        """Root rows of these `_id`s, those that exist; an `_id` that no row can have is passed over."""
        wanted = []
        for identity in ids:
            try:
                found = self.key_of_id(identity)
                if found is not None:
                    wanted.append([values.argument(*pair) for pair in zip(self._key_types, found, strict=True)])
            except (TypeError, ValueError, AttributeError, OverflowError):
                continue
        return self._rows.among(self._pipeline.root.table, self._root_columns, self._pipeline.root.key, wanted)

    def documents(self, rows: Sequence[Row]) -> list[tuple[Key, dict[str, Any]]]:
        """
        `(key, document)` of each root row that has one, in their order; documents have no `_sync`.

        A value that no document can hold stands there as `values.Unheld`; under the name "", where the whole document
        hangs on it.
        """
        try:
            return self._documents(rows)
        except values.UnheldError as error:
            if len(rows) == 1:
                return [(self._key(rows[0]), {"_id": self._identity(rows[0]), "": values.Unheld(error.why)})]
        # One row is the cause; the others have their documents.
        middle = len(rows) // 2
        return [*self.documents(rows[:middle]), *self.documents(rows[middle:])]

    def _documents(self, rows: Sequence[Row]) -> list[tuple[Key, dict[str, Any]]]:
        root, pipeline = self._pipeline.root, self._pipeline
        rows = [row for row in rows if _holds(root.where, row)]
        shown = self._elements(root.table, rows, root.fields, pipeline.computed, pipeline.embed)
        return [
            (self._key(row), {"_id": self._identity(row)} | element.shown)
            for row, element in zip(rows, shown, strict=True)
            if element is not None
        ]

    def _identity(self, row: Row) -> Any:
        key = self._pipeline.root.key
        return row[key[0]] if len(key) == 1 else {column: row[column] for column in key}

    def _key(self, row: Row) -> Key:
        return tuple(_comparable(row[column]) for column in self._pipeline.root.key)

    def key_of_id(self, identity: Any) -> Key | None:
        """The root key of an `_id`, comparable with those of `documents`; None for one that is not of its shape."""
        key = self._pipeline.root.key
        if len(key) == 1:
            return None if isinstance(identity, dict) else (_comparable(identity),)
        if not isinstance(identity, dict) or tuple(identity) != key:
            return None
        return tuple(map(_comparable, identity.values()))

    def _behind(self, last: Row) -> tuple[str, list[Any]]:
        """`k1 > a OR k1 = a AND k2 > b`: a comparison of tuples would not use the index."""
        key = self._pipeline.root.key
        given = [values.place(*pair) for pair in zip(self._key_types, (last[c] for c in key), strict=True)]
        parts, arguments = [], []
        for place in range(len(key)):
            terms = [f"{quoted(column)} = %s" for column in key[:place]] + [f"{quoted(key[place])} > %s"]
            parts.append(" AND ".join(terms))
            arguments += given[: place + 1]
        return f"WHERE {' OR '.join(parts)}", arguments

    def _elements(
        self,
        table: str,
        rows: Sequence[Row],
        fields: Sequence[model.Field],
        computed: Sequence[model.Computed],
        embeds: Sequence[model.Embed],
    ) -> list[Element | None]:
        """What each row of a level shows; None for one that must not be shown."""
        relations = [self._relation(same, table, rows) for same in elements.by_name(embeds)]
        return [
            elements.of_row(row, fields, computed, [attached[number] for attached in relations])
            for number, row in enumerate(rows)
        ]

    def _relation(self, cases: Sequence[model.Embed], parent_table: str, parents: Sequence[Row]) -> list[Attached]:
        """What a relation shows for each parent; of several cases, the one whose `when` holds."""
        if len(cases) == 1:
            return self._attached(cases[0], parent_table, parents)
        each = [self._attached(case, parent_table, parents) for case in cases]
        chosen = [
            next((place for place, case in enumerate(cases) if _holds(case.when, parent)), 0) for parent in parents
        ]
        return [each[place][number] for number, place in enumerate(chosen)]

    def _attached(self, embed: model.Embed, parent_table: str, parents: Sequence[Row]) -> list[Attached]:
        """What one relation shows for each parent row."""
        table = self._pipeline.tables[embed.table]
        parent_types = self._pipeline.tables[parent_table].columns
        found = [_key(parent, embed.parent_columns) if _holds(embed.when, parent) else None for parent in parents]
        types = [table.columns[column] for column in embed.child_columns]
        distinct = {key for key in found if key is not None}
        wanted = [[values.argument(*pair) for pair in zip(types, key, strict=True)] for key in distinct]
        columns = _distinct(
            table.key, embed.child_columns, (term.column for term in embed.order_by), _names(embed.where),
            [embed.map_by] if embed.map_by else [], _columns_shown(embed.fields, embed.computed, embed.embed),
        )  # fmt: skip
        rows = self._rows.among(embed.table, columns, embed.child_columns, wanted)
        rows = _ordered([row for row in rows if _holds(embed.where, row)], embed, table.key)
        shown = self._elements(embed.table, rows, embed.fields, embed.computed, embed.embed)
        folded = _folded(types)
        of_key: dict[Key | None, list[tuple[Row, Element | None]]] = {}
        for row, element in zip(rows, shown, strict=True):
            of_key.setdefault(folded(_key(row, embed.child_columns)), []).append((row, element))
        folded = _folded([parent_types[column] for column in embed.parent_columns])
        key_type = table.columns[embed.map_by] if embed.map_by else ""
        return [
            elements.attached(embed, of_key.get(folded(key), []) if key is not None else [], key_type) for key in found
        ]


def _holds(condition: Expression | None, row: Row) -> bool:
    return condition is None or values.held(elements.result(condition, row)) is True


def _ordered(rows: list[Row], embed: model.Embed, key: Sequence[str]) -> list[Row]:
    """By `order_by`, then by key ascending: stable sorts, the last term first."""
    ordered = sorted(rows, key=lambda row: [_sortable(values.held(row[column])) for column in key])
    for term in reversed(embed.order_by):
        ordered.sort(key=lambda row, column=term.column: _sortable(values.held(row[column])), reverse=term.descending)  # type: ignore[misc]
    return ordered


def _sortable(value: Any) -> tuple[bool, Any]:
    """NULL first; text by its bytes in UTF-8, which is by code point."""
    return value is not None, value.encode() if isinstance(value, str) else _comparable(value)


def _comparable(value: Any) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    return tuple(value) if isinstance(value, list) else value


def _key(row: Row, columns: Sequence[str]) -> Key | None:
    """Join values of a row; None when one of them is NULL, which joins nothing."""
    found = tuple(_comparable(values.held(row[column])) for column in columns)
    return None if None in found else found


def _folded(types: Sequence[model.ColumnType]) -> Callable[[Key | None], Key | None]:
    """A function from join values to what the database compares, for columns of these types."""
    folds = [collation.folded(name) if (name := column_text.read(text).collation) else None for text in types]
    if not any(folds):
        return lambda key: key
    return lambda key: (
        None
        if key is None
        else tuple(value if fold is None else fold(value) for fold, value in zip(folds, key, strict=True))
    )


def _columns_shown(
    fields: Iterable[model.Field], computed: Iterable[model.Computed], embeds: Iterable[model.Embed]
) -> Iterable[str]:
    """Columns of its own row that a level needs."""
    yield from (field.column for field in fields)
    for value in computed:
        if value.of_row:
            yield from sorted(value.expression.names)
    for embed in embeds:
        yield from embed.parent_columns
        yield from _names(embed.when)


def _names(condition: Expression | None) -> Iterable[str]:
    return () if condition is None else sorted(condition.names)


def _distinct(*columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for some in columns for column in some))
