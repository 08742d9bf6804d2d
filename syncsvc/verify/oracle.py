"""
The documents as SQL has them: rows read in chunks of root keys, children by their join columns, joined in Python.

Independent of routing and assembly: it reads the declaration and the database, nothing else.  Rows meet when their join
values are equal byte for byte, as the pipeline declares it, also where the collation of a column would match more;
lists are ordered NULL first, text by code point, then by the child's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from bson import Decimal128

from syncsvc.mapping import model
from syncsvc.verify import values
from syncsvc.verify.rows import Cursor, Row, Rows, quoted

#: Comparable values of some columns.
Key = tuple[Any, ...]


class Oracle:
    """Expected documents of a pipeline, read over a connection that returns printed values (see `session`)."""

    def __init__(self, pipeline: model.Pipeline, cursor: Cursor) -> None:
        self._pipeline = pipeline
        self._rows = Rows(pipeline.tables, cursor)
        root = pipeline.root
        self._key_types = [pipeline.tables[root.table].columns[column] for column in root.key]
        self._root_columns = _distinct(
            root.key, (field.column for field in root.fields), *(embed.parent_columns for embed in pipeline.embed)
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
        """`(key, document)` of each root row, in their order; documents have no `_sync`."""
        root, pipeline = self._pipeline.root, self._pipeline
        below = [(embed.name, self._attached(embed, pipeline.root.table, rows)) for embed in pipeline.embed]
        found = []
        for number, row in enumerate(rows):
            key = root.key
            identity = row[key[0]] if len(key) == 1 else {column: row[column] for column in key}
            document = {"_id": identity} | {field.name: row[field.column] for field in root.fields}
            document |= {name: attached[number] for name, attached in below}
            document |= {count.name: len(document[count.of]) for count in pipeline.computed}
            found.append((_key(row, key) or (), document))
        return found

    def key_of_row(self, row: Row) -> Key | None:
        """The root key of a row."""
        return _key(row, self._pipeline.root.key)

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
        given = [values.argument(*pair) for pair in zip(self._key_types, (last[c] for c in key), strict=True)]
        parts, arguments = [], []
        for place in range(len(key)):
            terms = [f"{quoted(column)} = %s" for column in key[:place]] + [f"{quoted(key[place])} > %s"]
            parts.append(" AND ".join(terms))
            arguments += given[: place + 1]
        return f"WHERE {' OR '.join(parts)}", arguments

    def _attached(self, embed: model.Embed, parent_table: str, parents: Sequence[Row]) -> list[Any]:
        """What the relation shows for each parent row: a list of elements, or one or None."""
        table = self._pipeline.tables[embed.table]
        keys = [_key(parent, embed.parent_columns) for parent in parents]
        types = [table.columns[column] for column in embed.child_columns]
        distinct = {key for key in keys if key is not None}
        wanted = [[values.argument(*pair) for pair in zip(types, key, strict=True)] for key in distinct]
        columns = _distinct(
            table.key, embed.child_columns, (field.column for field in embed.fields),
            (term.column for term in embed.order_by), *(below.parent_columns for below in embed.embed),
        )  # fmt: skip
        rows = self._rows.among(embed.table, columns, embed.child_columns, wanted)
        rows = _ordered(rows, embed, table.key)
        below = [(inner.name, self._attached(inner, embed.table, rows)) for inner in embed.embed]
        shown: dict[Key | None, list[Any]] = {}
        for number, row in enumerate(rows):
            element = {field.name: row[field.column] for field in embed.fields}
            element |= {name: attached[number] for name, attached in below}
            shown.setdefault(_key(row, embed.child_columns), []).append(element)
        if embed.kind == "many":
            return [shown.get(key, []) if key is not None else [] for key in keys]
        return [shown[key][0] if key is not None and key in shown else None for key in keys]


def _ordered(rows: list[Row], embed: model.Embed, key: Sequence[str]) -> list[Row]:
    """By `order_by`, then by key ascending: stable sorts, the last term first."""
    ordered = sorted(rows, key=lambda row: [_sortable(row[column]) for column in key])
    for term in reversed(embed.order_by):
        ordered.sort(key=lambda row, column=term.column: _sortable(row[column]), reverse=term.descending)  # type: ignore[misc]
    return ordered


def _sortable(value: Any) -> tuple[bool, Any]:
    """NULL first; text by its bytes in UTF-8, which is by code point."""
    return value is not None, value.encode() if isinstance(value, str) else _comparable(value)


def _comparable(value: Any) -> Any:
    if isinstance(value, Decimal128):
        number: Decimal = value.to_decimal()
        return number
    return tuple(value) if isinstance(value, list) else value


def _key(row: Row, columns: Sequence[str]) -> Key | None:
    """Join values of a row; None when one of them is NULL, which joins nothing."""
    found = tuple(_comparable(row[column]) for column in columns)
    return None if None in found else found


def _distinct(*columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for some in columns for column in some))
