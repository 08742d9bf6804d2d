"""
information_schema of a source, read into a `Catalog`: tables, columns, keys, foreign keys with rules, statistics.

Reads names, types and estimates, never a row.  Works on MySQL 5.7 to 9 and MariaDB 10.6 or later.  A database that a
foreign key leads to is read as well, so a catalog has every parent that its tables refer to and the user may see.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pymysql

from syncsvc.mapping import column_types
from syncsvc.source.catalog import RESTRICT, Catalog, Column, ForeignKey, Table
from syncsvc.source.connection import server_kind

if TYPE_CHECKING:
    from syncsvc.source.connection import Connection

#: From this version on MySQL writes what foreign keys do into the binlog.
FIRST_LOGGED_CASCADES = (9, 6)
#: Rows of a table from which on its statistics say something.
LEAST_COUNTED = 100
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")

_TABLES = """
    SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES
    WHERE TABLE_SCHEMA IN ({}) AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1, 2"""
_COLUMNS = """
    SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN ({}) ORDER BY 1, 2, ORDINAL_POSITION"""
_INDEXES = """
    SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, NON_UNIQUE, CARDINALITY
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN ({}) ORDER BY 1, 2, 3, SEQ_IN_INDEX"""
_FOREIGN_KEYS = """
    SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA,
      REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA IN ({}) AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY 1, 2, 3, ORDINAL_POSITION"""
# Of SHOW CREATE TABLE: MariaDB shows rules and checks in information_schema only to those who may do more than read.
_NAME = r"`(?P<name>(?:[^`]|``)+)`"
_ACTION = r"(CASCADE|SET NULL|SET DEFAULT|NO ACTION|RESTRICT)"
_RULES = rf"(?: ON DELETE (?P<delete>{_ACTION}))?(?: ON UPDATE (?P<update>{_ACTION}))?"
_RULE = re.compile(rf"CONSTRAINT {_NAME} FOREIGN KEY .*?\){_RULES},?$", re.MULTILINE)
_JSON_CHECK = re.compile(rf"json_valid\({_NAME}\)", re.IGNORECASE)

_Rows = list[tuple[Any, ...]]
#: The first columns of an index, and how many distinct values the server thinks they have.
_Distinct = tuple[tuple[str, ...], Any]


def read(connection: Connection, databases: Iterable[str]) -> Catalog:
    """
    The tables of some databases, and of those that their foreign keys lead to.

    A database that does not exist, or that the user may not see, has no tables.
    """
    kind = server_kind(connection)
    if kind == "mysql":
        _ask_fresh_statistics(connection)
    found: dict[str, Table] = {}
    missing, seen = set(databases), set(_SYSTEM)
    while missing := missing - seen:
        seen |= missing
        tables = _Databases(connection, sorted(missing), kind).tables()
        found |= tables
        missing = {key.parent.partition(".")[0] for table in tables.values() for key in table.foreign_keys}
    return Catalog(found, kind == "mysql" and _version(connection) >= FIRST_LOGGED_CASCADES)


def _ask_fresh_statistics(connection: Connection) -> None:
    """MySQL shows statistics that are up to a day old, unless told; 5.7 does not know the setting."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION VARIABLES LIKE 'information_schema_stats_expiry'")
        if cursor.fetchall():
            cursor.execute("SET SESSION information_schema_stats_expiry = 0")


def _version(connection: Connection) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (text,) = cursor.fetchone() or ("",)
    return tuple(int(part) for part in re.findall(r"\d+", str(text))[:2])


class _Databases:
    """One reading of some databases."""

    def __init__(self, connection: Connection, names: Sequence[str], kind: str) -> None:
        self._connection, self._names, self._kind = connection, names, kind

    def tables(self) -> dict[str, Table]:
        """`{db.table: Table}`."""
        rows = {f"{database}.{table}": count for database, table, count in self._ask(_TABLES)}
        texts = self._texts(rows)
        json = {
            (name, match["name"].replace("``", "`"))
            for name, text in texts.items()
            for match in _JSON_CHECK.finditer(text)
            if self._kind == "mariadb"
        }
        columns = self._columns(json)
        distinct: dict[str, list[_Distinct]] = defaultdict(list)
        unique: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for name, index, parts in _grouped(self._ask(_INDEXES)):
            names = tuple(part[0] for part in parts)
            distinct[name] += [(names[: place + 1], part[2]) for place, part in enumerate(parts)]
            if not int(parts[0][1]):
                unique[name][index] = names
        keys = self._foreign_keys(rows, distinct, texts)
        return {
            name: Table(
                name,
                columns[name],
                unique[name].get("PRIMARY", ()),
                tuple(map(frozenset, unique[name].values())),
                tuple(keys[name]),
            )
            for name in rows
        }

    def _columns(self, checked: set[tuple[str, str]]) -> dict[str, dict[str, Column]]:
        found: dict[str, dict[str, Column]] = defaultdict(dict)
        for database, table, column, text, nullable, collation in self._ask(_COLUMNS):
            name = f"{database}.{table}"
            column_type = column_types.of_server(text, nullable == "YES")
            found[name][column] = Column(column, column_type, (name, column) in checked, collation)
        return found

    def _foreign_keys(
        self, rows: Mapping[str, Any], distinct: Mapping[str, list[_Distinct]], texts: Mapping[str, str]
    ) -> dict[str, list[ForeignKey]]:
        found: dict[str, list[ForeignKey]] = defaultdict(list)
        for name, constraint, parts in _grouped(self._ask(_FOREIGN_KEYS)):
            columns, parent_columns = tuple(part[0] for part in parts), tuple(part[3] for part in parts)
            parent = f"{parts[0][1]}.{parts[0][2]}"
            rules = {match["name"].replace("``", "`"): match for match in _RULE.finditer(texts[name])}
            rule = rules.get(constraint)
            on_delete, on_update = (rule["delete"], rule["update"]) if rule else (None, None)
            each = _rows_each(rows.get(name), columns, distinct.get(name, []))
            found[name].append(
                ForeignKey(
                    constraint, columns, parent, parent_columns, on_delete or RESTRICT, on_update or RESTRICT, each
                )
            )
        return found

    def _texts(self, names: Iterable[str]) -> dict[str, str]:
        """`{db.table: CREATE TABLE …}`."""
        found = {}
        with self._connection.cursor() as cursor:
            for name in names:
                quoted = ".".join("`" + part.replace("`", "``") + "`" for part in name.split(".", 1))
                try:
                    cursor.execute(f"SHOW CREATE TABLE {quoted}")
                    found[name] = str((cursor.fetchone() or ("", ""))[1])
                except pymysql.err.OperationalError:
                    found[name] = ""  # this user may read some columns of it, and not how it was made
        return found

    def _ask(self, query: str) -> _Rows:
        with self._connection.cursor() as cursor:
            cursor.execute(query.format(", ".join(["%s"] * len(self._names))), tuple(self._names))
            # Some servers give names and types as bytes.
            return [
                tuple(value.decode("utf-8") if isinstance(value, bytes) else value for value in row)
                for row in cursor.fetchall()
            ]


def _grouped(rows: _Rows) -> list[tuple[str, str, _Rows]]:
    """`(db.table, third column, the rest of each row)` for rows that agree in their first three columns."""
    groups: dict[tuple[str, str], _Rows] = {}
    for database, table, what, *rest in rows:
        groups.setdefault((f"{database}.{table}", what), []).append(tuple(rest))
    return [(name, what, rest) for (name, what), rest in groups.items()]


def _rows_each(rows: Any, columns: tuple[str, ...], distinct: Iterable[_Distinct]) -> float | None:
    """Rows of a table for each distinct value of some columns, where an index counts these."""
    counts = [int(count) for names, count in distinct if count and frozenset(names) == frozenset(columns)]
    return int(rows) / max(counts) if counts and int(rows or 0) >= LEAST_COUNTED else None
