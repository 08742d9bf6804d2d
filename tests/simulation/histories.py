"""
Random histories of three tables, as a Debezium connector would publish them, and the documents they must lead to.

The oracle joins the final tables with plain loops and knows nothing of the code under test.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from syncsvc.mapping.model import Count, Embed, Field, OrderTerm, Pipeline, Root, Table

Row = dict[str, Any]
USERS, MEETINGS, APPLICATIONS, CITIES = "shop.user", "shop.meeting", "shop.application", "shop.city"


def _fields(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, name) for name in names)


TABLES = {
    MEETINGS: Table(MEETINGS, ("id",), {"id": "int", "title": "varchar(20)", "host_id": "int null", "n": "int"}),
    APPLICATIONS: Table(
        APPLICATIONS,
        ("id",),
        {"id": "int", "meeting_id": "int null", "user_id": "int null", "memo": "varchar(20)", "n": "int"},
    ),
    USERS: Table(USERS, ("id",), {"id": "int", "name": "varchar(20)", "city_id": "int null", "n": "int"}),
    CITIES: Table(CITIES, ("id",), {"id": "int", "name": "varchar(20)", "n": "int"}),
}
CITY = Embed("city", "one", CITIES, ("city_id",), ("id",), ("id",), (), _fields("id", "name", "n"))
USER = Embed("user", "one", USERS, ("user_id",), ("id",), ("id",), (), _fields("id", "name", "n"), (CITY,))
HOST = Embed("host", "one", USERS, ("host_id",), ("id",), ("id",), (), _fields("id", "name", "n"))


def pipeline(*, partitions: int, host: bool = True) -> Pipeline:
    """Meetings with their applications (by memo, greatest first, then id), each with its user and the user's city."""
    applications = Embed(
        "applications", "many", APPLICATIONS, ("meeting_id",), ("id",), ("id",),
        (OrderTerm("memo", True), OrderTerm("id")), _fields("id", "memo", "n"), (USER,),
    )  # fmt: skip
    return Pipeline(
        name="meetings", generation=1, collection="meetings", publish="direct", topic_prefix="shop",
        partitions=partitions, source_partitions=2, root=Root(MEETINGS, ("id",), _fields("title", "n")),
        embed=(applications, HOST) if host else (applications,), computed=(Count("total", "applications"),),
        tables=TABLES, freshness_objective_seconds=5.0, path="meetings.yaml", text_hash="0",
    )  # fmt: skip


@dataclass
class Event:
    """One change as the connector saw it."""

    table: str
    key: int
    #: None: the tombstone behind a delete.
    envelope: dict[str, Any] | None


@dataclass
class Database:
    """Four tables and their one binlog."""

    tables: dict[str, dict[int, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    events: list[Event] = field(default_factory=list)
    pos: int = 100

    def emit(self, table: str, op: str, key: int, before: Row | None, after: Row | None) -> None:
        """Publishes one change; a delete is followed by its tombstone."""
        if op != "r":
            self.pos += 1
        # Of MariaDB's kind: whole seconds, and several events share one.
        source = {"file": "binlog.000009", "pos": self.pos, "row": 0, "ts_ms": 1_700_000_000_000 + self.pos // 7 * 1000}
        self.events.append(Event(table, key, {"op": op, "before": before, "after": after, "source": source}))
        if op == "d":
            self.events.append(Event(table, key, None))

    def set(self, table: str, key: int, row: Row | None, *, missed: bool = False) -> None:
        """Insert, update or delete one row; `missed`: the connector never sees it."""
        before = self.tables[table].get(key)
        if missed:
            self.pos += 1
            if row is not None:
                self.tables[table][key] = {**row, "n": self.pos}
            return
        if row is None:
            if before is not None:
                del self.tables[table][key]
                self.emit(table, "d", key, before, None)
            return
        row = {**row, "n": self.pos + 1}  # where in the binlog the row was written: it only ever grows
        self.tables[table][key] = row
        self.emit(table, "u" if before is not None else "c", key, before, row)

    def snapshot(self) -> None:
        """Publishes every row as a snapshot reads it: no before, one position for all."""
        for table in (MEETINGS, APPLICATIONS, USERS, CITIES):
            for key, row in self.tables[table].items():
                self.emit(table, "r", key, None, row)


def _random_row(rng: random.Random, table: str, key: int) -> Row:
    word = rng.choice("abc")
    some = (None, 1, 2, 3)
    if table == MEETINGS:
        return {"id": key, "title": word, "host_id": rng.choice(some)}
    if table == APPLICATIONS:
        return {"id": key, "meeting_id": rng.choice(some), "user_id": rng.choice(some), "memo": word}
    if table == USERS:
        return {"id": key, "name": word, "city_id": rng.choice(some)}
    return {"id": key, "name": word}


def history(rng: random.Random, *, before: int, after: int) -> Database:
    """`before` changes nobody saw, a snapshot of what they left, and `after` changes that were streamed."""
    database = Database()
    for _ in range(before):
        _change(rng, database)
    database.events.clear()
    database.snapshot()
    gap = rng.random() < 0.5
    for _ in range(after):
        _change(rng, database, missed=gap and rng.random() < 0.15)
    if gap:
        database.snapshot()  # taken again, after changes (but no deletes) that the connector never saw
    for _ in range(rng.randint(0, 3)):
        _change(rng, database)
    return database


def _change(rng: random.Random, database: Database, *, missed: bool = False) -> None:
    table = rng.choice((MEETINGS, APPLICATIONS, APPLICATIONS, USERS, CITIES))
    key = rng.randint(1, 5 if table == APPLICATIONS else 3)
    gone = rng.random() < 0.25 and not missed
    database.set(table, key, None if gone else _random_row(rng, table, key), missed=missed)


def expected(database: Database, *, host: bool = True) -> list[Row]:
    """The SQL join of the tables as they are now."""
    tables = database.tables

    def user(key: int | None) -> Row | None:
        row = tables[USERS].get(key) if key is not None else None
        if row is None:
            return None
        city = tables[CITIES].get(row["city_id"])
        return {**_shown(row, "id", "name", "n"), "city": city and _shown(city, "id", "name", "n")}

    documents = []
    for key, meeting in sorted(tables[MEETINGS].items()):
        mine = [row for row in tables[APPLICATIONS].values() if row["meeting_id"] == key]
        mine.sort(key=lambda row: (-ord(row["memo"]), row["id"]))
        found = tables[USERS].get(meeting["host_id"])
        document = {
            "_id": key,
            **_shown(meeting, "title", "n"),
            "applications": [{**_shown(row, "id", "memo", "n"), "user": user(row["user_id"])} for row in mine],
        }
        if host:
            document["host"] = found and _shown(found, "id", "name", "n")
        documents.append({**document, "total": len(mine)})
    return documents


def _shown(row: Row, *columns: str) -> Row:
    return {column: row[column] for column in columns}


def encoded(event: Event) -> tuple[bytes, bytes | None]:
    """Key and value of an event on the wire."""
    value = None if event.envelope is None else json.dumps(event.envelope).encode()
    return json.dumps({"id": event.key}).encode(), value
