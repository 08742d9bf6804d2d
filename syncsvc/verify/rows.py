"""
Rows of a table as BSON values: the SQL of the oracle, in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from syncsvc.mapping import model
from syncsvc.source import refusals
from syncsvc.verify import values

#: `{column: BSON value}` of one row; `values.Unheld` stands for a value that there is none for.
Row = dict[str, Any]
_KEYS_AT_A_TIME = 500  # in one IN list: some 10 kB of SQL


class Cursor(Protocol):
    """The part of a DB-API cursor that is used; rows are tuples of printed values (see `session.printing`)."""

    def execute(self, query: str, args: Any = None, /) -> Any:
        """Run one statement with `%s` places."""
        ...

    def fetchall(self) -> Iterable[Any]:
        """All rows of it."""
        ...


class Rows:
    """Reads the tables of a pipeline."""

    def __init__(self, tables: Mapping[str, model.Table], cursors: Mapping[str, Cursor]) -> None:
        """`cursors`: by `Table.topic_prefix`, one for each server."""
        self._tables = tables
        self._cursors = cursors

    def count(self, table: str) -> int:
        """How many rows there are."""
        cursor = self._cursors[self._tables[table].topic_prefix]
        with refusals.told(table):
            cursor.execute(f"SELECT COUNT(*) FROM {_table(table)}")  # noqa: S608 (a quoted name)
            return int(next(iter(cursor.fetchall()))[0])

    def where(self, table: str, columns: Sequence[str], clause: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """
        Rows of `SELECT columns FROM table clause`; `arguments` fill the clause's `%s`.

        Raises:
            SyncError: those of `refusals.told`.
        """
        types = self._tables[table].columns
        converters = [values.converter(types[column]) for column in columns]
        names = ", ".join(values.selected(types[column], quoted(column)) for column in columns)
        cursor = self._cursors[self._tables[table].topic_prefix]
        with refusals.told(table):
            cursor.execute(f"SELECT {names} FROM {_table(table)} {clause}", tuple(arguments))  # noqa: S608 (quoted names)
            found = cursor.fetchall()
        return [
            {
                column: None if printed is None else values.read(convert, printed, f"{table}.{column}")
                for column, convert, printed in zip(columns, converters, row, strict=True)
            }
            for row in found
        ]

    def among(self, table: str, columns: Sequence[str], by: Sequence[str], wanted: Sequence[list[Any]]) -> list[Row]:
        """
        Rows whose values of `by` are among `wanted`, as the collation compares them.

        Each row once, also where two spellings of one value are asked for in two statements.
        """
        found: dict[str, Row] = {}
        key = self._tables[table].key
        columns = [*columns, *(column for column in key if column not in columns)]
        names = ", ".join(map(quoted, by))
        group = f"({', '.join(['%s'] * len(by))})"
        for start in range(0, len(wanted), _KEYS_AT_A_TIME):
            some = wanted[start : start + _KEYS_AT_A_TIME]
            clause = f"WHERE ({names}) IN ({', '.join([group] * len(some))})"
            for row in self.where(table, columns, clause, [value for one in some for value in one]):
                found[repr([row[column] for column in key])] = row
        return [*found.values()]


def quoted(name: str) -> str:
    """A name as SQL takes it, safe in a statement with `%s` places."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def _table(name: str) -> str:
    return ".".join(map(quoted, name.split(".", 1)))
