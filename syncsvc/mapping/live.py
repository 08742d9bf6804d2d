"""
The declared tables against a real server: what differs, and what to write instead.

Used by `syncsvc validate --live` and `doctor`, never on the way of a change.  `introspect` asks over a DB-API
connection that somebody else opened (MySQL 5.7 to 9, MariaDB 10.6 or later) and reads names and types, never a row;
`differences` compares and is pure.  What a type means is asked of `changes` through `TypeRules`, because this package
stands before it; foreign keys are the business of `delete_rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from syncsvc.errors import Problem
from syncsvc.mapping import column_types
from syncsvc.mapping.findings import Findings, Path, Place, Places, nearest, suggestion
from syncsvc.mapping.model import Table


class TypeRules(Protocol):
    """What `syncsvc.changes.columns` knows of types; pass that module."""

    def refusal(self, text: str, /) -> str | None:
        """Why a type is not carried, or None."""
        ...

    def same_type(self, declared: str, found: str, /) -> bool:
        """Whether both types have the same values."""
        ...


class Cursor(Protocol):
    """The part of a DB-API cursor that is used; rows must be tuples."""

    def execute(self, query: str, args: Any = None, /) -> Any:
        """Run one statement with `%s` places."""
        ...

    def fetchall(self) -> Iterable[Any]:
        """All rows of it."""
        ...


class Connection(Protocol):
    """The part of a DB-API connection that is used, for example of a `pymysql.Connection`."""

    def cursor(self) -> Any:
        """A new `Cursor`."""
        ...


def differences(
    tables: Mapping[str, Table],
    introspected: Mapping[str, Table],
    types: TypeRules,
    places: Places | None = None,
    captured: Collection[str] | None = None,
) -> list[Problem]:
    """
    What is not on the server as it is declared; empty when everything is.

    Args:
        tables: of the pipeline.
        introspected: by `introspect`; may hold more tables, which are only suggested.
        types: the module `syncsvc.changes.columns`.
        places: of the file (`load_with_places`), so that problems point at lines; else they name table and column.
        captured: `db.table.column` of every column the connector sends; None: all of them.
    """
    findings = Findings(places or Places("tables"))
    for name, table in tables.items():
        actual = introspected.get(name)
        if actual is None and table.topic_prefix:
            continue  # it comes from another server, which is asked by itself
        if actual is None:
            fix = suggestion(name, list(introspected), "create it, or correct the name")
            what = f'the server has no table "{name}", or does not show it to this user'
            findings.add(findings.places.of_key(("tables", name)), "source.unknown_table", what, fix)
            continue
        _compare_keys(table, actual, findings)
        for column in table.columns:
            _compare_column(column, table, actual, types, findings)
            _check_captured(f"{name}.{column}", captured, ("tables", name, "columns", column), findings)
    return [problem if places else _unplaced(problem) for problem in findings.problems()]


def _unplaced(problem: Problem) -> Problem:
    return Problem(problem.code, "tables", problem.what, problem.fix)


def _compare_keys(table: Table, actual: Table, findings: Findings) -> None:
    place = findings.places.of_value(("tables", table.name, "key"))
    if not actual.key:
        what = f'"{table.name}" has no primary key on the server, so its rows cannot be told apart'
        findings.add(place, "source.no_key", what, "give the table a primary key, or leave it out")
    elif actual.key != table.key:
        what = f'the key of "{table.name}" is ({", ".join(actual.key)}) on the server, not ({", ".join(table.key)})'
        findings.add(place, "source.key_differs", what, f"write  key: [{', '.join(actual.key)}]")


def _compare_column(column: str, table: Table, actual: Table, types: TypeRules, findings: Findings) -> None:
    path: Path = ("tables", table.name, "columns", column)
    declared, found = table.columns[column], actual.columns.get(column)
    key_place, type_place = findings.places.of_key(path), findings.places.of_value(path)
    named = f'"{column}" of "{table.name}"'
    if found is None:
        fix = suggestion(column, list(actual.columns), "remove it")
        findings.add(key_place, "source.unknown_column", f"{named} does not exist on the server", fix)
        return
    if not types.same_type(declared, found):
        fix = f"write  {column}: {found}{column_types.unseen(declared)}"
        findings.add(type_place, "source.type_differs", f"{named} is {found}, not {declared}", fix)
    elif column_types.nullable(found) and not column_types.nullable(declared):
        what = f"{named} may be null on the server, and is declared as never null"
        findings.add(type_place, "source.null_differs", what, f"write  {column}: {_with_null(declared)}")
    _check_carried(column, declared, type_place, types, findings)


def _with_null(column_type: str) -> str:
    sql, space, form = column_type.partition(" as ")
    return f"{sql} null{space}{form}"


def _check_carried(column: str, declared: str, place: Place, types: TypeRules, findings: Findings) -> None:
    reason = types.refusal(declared)
    if reason is None:
        return
    why, _, fix = reason.rpartition("; ")
    what = f'"{column}" cannot be carried: {why or reason}'
    findings.add(place, "source.refused_type", what, fix if why else "leave the column out")


def _check_captured(column: str, captured: Collection[str] | None, path: Path, findings: Findings) -> None:
    if captured is None or column in captured:
        return
    what = f'the connector does not capture "{column}"'
    fix = "add it to the connector's column.include.list, or take it out of column.exclude.list"
    findings.add(findings.places.of_key(path), "source.not_captured", what, fix)


_COLUMNS = """
    SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION"""
_KEY = """
    SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION"""
_TABLES = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME"


def introspect(connection: Connection, names: Collection[str]) -> dict[str, Table]:
    """
    `{db.table: Table}` of what the server has of `names`, and of the nearest existing table for each it has not.

    Columns are in the order of the server, types canonical.  A table without primary key has the key ().
    """
    cursor: Cursor = connection.cursor()
    found: dict[str, Table] = {}
    for name in names:
        table = _introspected(cursor, name) or _nearest_table(cursor, name)
        if table is not None:
            found[table.name] = table
    return found


def _introspected(cursor: Cursor, name: str) -> Table | None:
    rows = rows_of(cursor, _COLUMNS, name.split(".", 1))
    # Names compare without case in information_schema, and with case in a topic's name.
    rows = [row for row in rows if f"{row[0]}.{row[1]}" == name]
    if not rows:
        return None
    key = tuple(row[0] for row in rows_of(cursor, _KEY, name.split(".", 1)))
    return Table(name, key, {row[2]: column_types.of_server(row[3], row[4] == "YES") for row in rows})


def _nearest_table(cursor: Cursor, name: str) -> Table | None:
    database, _ = name.split(".", 1)
    near = nearest(name, [f"{database}.{row[0]}" for row in rows_of(cursor, _TABLES, [database])])
    return _introspected(cursor, near) if near is not None else None


def rows_of(cursor: Cursor, query: str, arguments: Sequence[str]) -> list[tuple[str, ...]]:
    """All rows of one query, every value as text."""
    cursor.execute(query, tuple(arguments))
    # Some servers give names and types as bytes.
    return [
        tuple(value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in row)
        for row in cursor.fetchall()
    ]
