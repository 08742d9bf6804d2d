"""
Steps of a case as SQL: tables from the declared column types, rows from what is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from syncsvc.cases import wire
from syncsvc.changes import column_text
from syncsvc.mapping import column_types
from syncsvc.mapping.case import Row, Step
from syncsvc.mapping.document import Scalar
from syncsvc.mapping.model import Embed, Pipeline, Table

Statement = tuple[str, tuple[Any, ...]]


def table(declared: Table) -> str:
    """The statement that makes a table; without foreign keys, so that rows may come in any order (but `cascades`)."""
    columns = [f"{_quoted(name)} {_column(text)}" for name, text in declared.columns.items()]
    key = ", ".join(map(_quoted, declared.key))
    return f"CREATE TABLE {_quoted(*declared.name.split('.'))} ({', '.join(columns)}, PRIMARY KEY ({key}))"


def cascades(pipeline: Pipeline) -> Iterator[str]:
    """The foreign keys that the mapping says delete rows along; the only ones there are."""
    for kind in pipeline.each():
        yield from _cascades(kind.root.table, kind.embed)


def _cascades(parent: str, embeds: tuple[Embed, ...]) -> Iterator[str]:
    for embed in embeds:
        if embed.on_parent_delete == "cascade":
            # Of a list the child refers to the parent, of a single value the parent to the child.
            refers, target = (embed.table, parent) if embed.kind == "many" else (parent, embed.table)
            own, others = (", ".join(map(_quoted, columns)) for columns in (embed.on, embed.to))
            yield (
                f"ALTER TABLE {_quoted(*refers.split('.'))} ADD FOREIGN KEY ({own})"
                f" REFERENCES {_quoted(*target.split('.'))} ({others}) ON DELETE CASCADE"
            )
        yield from _cascades(embed.table, embed.embed)


def _column(text: str) -> str:
    """The declared type without what only the mapping knows."""
    plain = text.partition(" as ")[0].removesuffix(" null")
    return f"{plain} {'NULL' if column_types.nullable(text) else 'NOT NULL'}"


def statements(step: Step, tables: Mapping[str, Table]) -> Iterator[Statement]:
    """The statements of a step; a snapshot only writes the rows it is given, unseen by the binlog."""
    name, types = _quoted(*step.table.split(".")), tables[step.table].columns
    where = " AND ".join(f"{_quoted(column)} = %s" for column in step.key)
    key = _arguments(step.key, types)
    match step.kind:
        case "insert":
            yield _write("INSERT", name, step.row, types)
        case "update":
            changes = ", ".join(f"{_quoted(column)} = %s" for column in step.row)
            yield f"UPDATE {name} SET {changes} WHERE {where}", (*_arguments(step.row, types), *key)
        case "delete" | "tombstone":
            yield f"DELETE FROM {name} WHERE {where}", key
        case "truncate":
            yield f"TRUNCATE TABLE {name}", ()
        case "snapshot":
            yield "SET SESSION sql_log_bin = 0", ()
            for row in step.rows or ():
                yield _write("REPLACE", name, row, types)
            yield "SET SESSION sql_log_bin = 1", ()


def _write(verb: str, name: str, row: Row, types: Mapping[str, str]) -> Statement:
    places = ", ".join(["%s"] * len(row))
    return f"{verb} INTO {name} ({', '.join(map(_quoted, row))}) VALUES ({places})", _arguments(row, types)


def _arguments(row: Row, types: Mapping[str, str]) -> tuple[Any, ...]:
    return tuple(_argument(value.written, types[column]) for column, value in row.items())


def _argument(node: Any, column_type: str) -> Any:
    asked = column_text.read(column_type)
    if isinstance(node, Scalar) and node.kind == "nothing":
        return None
    if asked.name == "json":
        written = isinstance(node, Scalar) and node.kind == "text" and node.text[:1] in '{["'
        return node.text if written else json.dumps(wire.plain(node))
    if node.kind == "flag" and asked.name in ("boolean", "tinyint", "bit"):
        return int(node.text == "true")
    if asked.name == "bit":
        return int(node.text, 0)
    return bytes.fromhex(node.text[2:]) if "binary" in asked.name or "blob" in asked.name else node.text


def _quoted(*names: str) -> str:
    return ".".join(f"`{name}`" for name in names)
