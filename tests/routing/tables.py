"""Small pipelines and a source database for the tests of the pure path; rows go in as Debezium sends them."""

from __future__ import annotations

import json
from typing import Any

from syncsvc.expressions import parse
from syncsvc.flow import Flow
from syncsvc.mapping.model import Computed, Embed, Field, OrderTerm, Pipeline, Root, Table

MEETING, APPLICATION, USER = "shop.meeting", "shop.application", "shop.user"
Row = dict[str, Any]

TABLES = {
    MEETING: Table(MEETING, ("id",), {"id": "int", "title": "varchar(20)"}),
    APPLICATION: Table(
        APPLICATION, ("id",), {"id": "bigint", "meeting_id": "int null", "user_id": "int null", "rank": "int null"}
    ),
    USER: Table(USER, ("id",), {"id": "int", "name": "varchar(20)"}),
}


def fields(*names: str) -> tuple[Field, ...]:
    """Columns shown under their own names."""
    return tuple(Field(name, name) for name in names)


LOOKED_UP = Embed("user", "one", USER, ("user_id",), ("id",), ("id",), (), fields("id", "name"))


def applications(*order: OrderTerm, shown: tuple[Field, ...] = fields("id", "rank")) -> Embed:
    """The applications of a meeting, each with its user; by id unless an order is given."""
    order = order or (OrderTerm("id"),)
    return Embed("applications", "many", APPLICATION, ("meeting_id",), ("id",), ("id",), order, shown, (LOOKED_UP,))


def pipeline(
    root: Root, *embeds: Embed, tables: dict[str, Table], computed: tuple[Computed, ...] = (), partitions: int = 3
) -> Pipeline:
    """A pipeline as `mapping.load` would make it."""
    return Pipeline(
        name="shop", generation=1, collection="shop", publish="direct", topic_prefix="shop", partitions=partitions,
        source_partitions=1, root=root, embed=embeds, computed=computed, tables=tables,
        freshness_objective_seconds=5.0, path="shop.yaml", text_hash="0",
    )  # fmt: skip


def meetings(embed: Embed | None = None, *, partitions: int = 3) -> Pipeline:
    """Meetings with their applications, the users of these, and how many there are."""
    root, count = Root(MEETING, ("id",), fields("title")), Computed("total", parse("count(applications)"), False)
    return pipeline(root, embed or applications(), tables=TABLES, computed=(count,), partitions=partitions)


def change(
    op: str, before: Row | None, after: Row | None, *, pos: int, file: str = "bin.000001", ts_ms: int = 1_000
) -> bytes:
    """A Debezium envelope; `pos` is the place in the binlog."""
    source = {"file": file, "pos": pos, "row": 0, "ts_ms": ts_ms}
    return json.dumps({"op": op, "before": before, "after": after, "source": source}).encode()


def key(**columns: object) -> bytes:
    """The key of a record."""
    return json.dumps(columns).encode()


class Database:
    """Rows by table and key; every change goes to a flow as the connector would send it."""

    def __init__(self, flow: Flow) -> None:
        self._flow, self._pos = flow, 0
        self._rows: dict[tuple[str, bytes], Row] = {}

    def _send(self, table: str, row: Row, op: str, before: Row | None, after: Row | None) -> bytes:
        self._pos += 1
        name = key(**{column: row[column] for column in self._flow.plan.pipeline.tables[table].key})
        self._flow.put(table, name, change(op, before, after, pos=self._pos))
        return name

    def put(self, table: str, **row: Any) -> None:
        """Inserts or updates a row."""
        name = key(**{column: row[column] for column in self._flow.plan.pipeline.tables[table].key})
        before = self._rows.get((table, name))
        self._rows[table, name] = row
        self._send(table, row, "u" if before else "c", before, row)

    def delete(self, table: str, **columns: Any) -> None:
        """Deletes the row of a key; a tombstone follows."""
        before = self._rows.pop((table, key(**columns)))
        name = self._send(table, before, "d", before, None)
        self._flow.put(table, name, None)

    def documents(self) -> list[Row]:
        """The documents when everything has come to rest."""
        self._flow.settle()
        return self._flow.documents
