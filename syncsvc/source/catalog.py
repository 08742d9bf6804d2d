"""
What a source database says of itself: tables, columns, keys, foreign keys and how many rows, as frozen values.

Filled by `introspection` over SQL, read by `proposal`, which knows no server.  Names are `db.table`; types are in the
canonical form of `mapping.column_types`, with ` null` at the end of those that may be null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: What an `ON DELETE` or `ON UPDATE` of a foreign key does, as information_schema prints it.
CASCADE, SET_NULL, RESTRICT = "CASCADE", "SET NULL", "RESTRICT"


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    #: Canonical type; a type unknown here as the server prints it, in lower case.
    type: str
    #: A text with a check that it is JSON, which is what JSON is on MariaDB.
    checked_json: bool = False
    #: How the server compares texts; None: it is no text.
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key of a table."""

    name: str
    columns: tuple[str, ...]
    #: The table that is referred to, and its columns, pair by pair with `columns`.
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    #: Rows for each value that occurs, on average, by the server's statistics; None: not known.
    rows_each: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    #: `db.table`.
    name: str
    columns: Mapping[str, Column]
    #: Columns of the primary key; () when there is none.
    key: tuple[str, ...]
    #: Columns of each unique index, the primary key among them.
    unique: tuple[frozenset[str], ...]
    foreign_keys: tuple[ForeignKey, ...]

    @property
    def bare(self) -> str:
        """The name without its database."""
        return self.name.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Tables of some databases of one server."""

    tables: Mapping[str, Table]
    #: Whether rows that a foreign key deletes or changes are in the binlog (MySQL from 9.6).
    logs_cascades: bool

    def references_to(self, name: str) -> Iterator[tuple[Table, ForeignKey]]:
        """`(table, its foreign key)` of everything that refers to a table, in the order of names."""
        for _, table in sorted(self.tables.items()):
            for key in table.foreign_keys:
                if key.parent == name:
                    yield table, key
