"""
The rows that one document is joined from, read from the source: the root row by its key, then relation by relation.

Reads more than the document shows (a `where` or a `limit` is applied by the core, not here) but only rows that the
relations name, and never more than it was told: a document with a million rows is not for looking at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from syncsvc.cases import wire
from syncsvc.errors import CheckFailed
from syncsvc.mapping.model import Embed, Pipeline
from syncsvc.routing.plan import compile_plan
from syncsvc.source import refusals
from syncsvc.source.printed import Printed

KEYS_AT_A_TIME = 500  # in one IN list: some 10 kB of SQL
_WHOLE = re.compile(r"(?:tinyint|smallint|mediumint|int|bigint|year)\b")
_MOMENT = re.compile(r"(?:datetime|timestamp)\b")
_BYTES = re.compile(r"(?:binary|varbinary|tinyblob|blob|mediumblob|longblob)\b")

#: `{column: value as printed}` of one row.
Row = dict[str, Printed | None]


class Gathering:
    """The rows of one document, as they are found."""

    def __init__(self, pipeline: Pipeline, cursors: Mapping[str, Any], most_rows: int) -> None:
        """
        Args:
            pipeline: what to read.
            cursors: `{topic prefix: cursor of printed.snapshot}`.
            most_rows: how many rows may be read in all.
        """
        self._pipeline, self._cursors, self._most = pipeline, cursors, most_rows
        self._columns = {
            table: tuple(dict.fromkeys((*pipeline.tables[table].key, *columns)))
            for table, columns in compile_plan(pipeline).columns.items()
        }
        self._count = 0
        #: `{(table, key as printed): row}`: a row in two roles is one row.
        self._found: dict[tuple[str, tuple[Printed | None, ...]], Row] = {}

    def read(self, key: Sequence[tuple[str, str]]) -> Row | None:
        """
        Reads everything of the root row with this key, `(column, text)` each; the row, None when there is none.

        As the server compares: where a collation does, the row's own key may be another text.

        Raises:
            CheckFailed: `preview.too_many_rows`.
        """
        root = self._pipeline.root.table
        rows = self._among(root, [column for column, _ in key], [tuple(text for _, text in key)], "the root")
        self._follow(self._pipeline.embed, rows, "")
        return rows[0] if rows else None

    def rows(self) -> Iterator[tuple[str, Row]]:
        """`(table, row)` of each row once."""
        for (table, _), row in self._found.items():
            yield table, row

    def _follow(self, embeds: Sequence[Embed], parents: Sequence[Row], path: str) -> None:
        for embed in embeds:
            below = f"{path}.{embed.name}" if path else embed.name
            joined = [tuple(parent[column] for column in embed.parent_columns) for parent in parents]
            wanted = list(dict.fromkeys(values for values in joined if None not in values))
            rows = self._among(embed.table, embed.child_columns, wanted, below) if wanted else []
            if rows:
                self._follow(embed.embed, rows, below)

    def _among(self, table: str, by: Sequence[str], wanted: Sequence[tuple[Any, ...]], path: str) -> list[Row]:
        """Rows whose values of `by` are among `wanted`."""
        columns = self._columns[table]
        types = [self._pipeline.tables[table].columns[column] for column in by]
        found: list[Row] = []
        rest = iter(wanted)
        while some := list(islice(rest, KEYS_AT_A_TIME)):
            group = f"({', '.join(['%s'] * len(by))})"
            query = (
                f"SELECT {', '.join(map(_quoted, columns))} FROM {_table(table)} "  # noqa: S608 (quoted names)
                f"WHERE ({', '.join(map(_quoted, by))}) IN ({', '.join([group] * len(some))}) "
                f"LIMIT {self._most - self._count + 1}"
            )
            arguments = [_argument(*pair) for values in some for pair in zip(types, values, strict=True)]
            rows = [dict(zip(columns, row, strict=True)) for row in self._ask(table, query, arguments)]
            self._count += len(rows)
            if self._count > self._most:
                raise self._too_many(path)
            found += rows
        for row in found:
            self._found[table, tuple(row[column] for column in self._pipeline.tables[table].key)] = row
        return found

    def _ask(self, table: str, query: str, arguments: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
        cursor = self._cursors[self._pipeline.tables[table].topic_prefix or self._pipeline.topic_prefix]
        with refusals.told(table):
            cursor.execute(query, tuple(arguments))
            found: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return found

    def _too_many(self, path: str) -> CheckFailed:
        return CheckFailed(
            code="preview.too_many_rows",
            where=path,
            what=f"the document is joined from more than {self._most} rows; the limit was met at {path}",
            fix="give a higher --rows, or another key",
        )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def _table(name: str) -> str:
    return ".".join(map(_quoted, name.split(".", 1)))


def _argument(column_type: str, value: Printed) -> Any:
    """A printed or written value as an argument of a query; numbers stay numbers, so that indexes are used."""
    if isinstance(value, bytes):
        return value
    if _WHOLE.match(column_type):
        return int({"true": "1", "false": "0"}.get(value, value))
    if column_type.startswith("decimal"):
        return Decimal(value)
    if _MOMENT.match(column_type):
        return value.replace("T", " ").removesuffix("Z")
    if _BYTES.match(column_type):
        if value.startswith(("0x", "0X")):
            return bytes.fromhex(value[2:])
        return wire.uuid_bytes(column_type, value) or value
    return value
