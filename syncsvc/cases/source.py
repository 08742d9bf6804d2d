"""
The tables of a case and their one binlog: steps become the records that Debezium would publish for them.

A row that changes its primary key is a delete and an insert, as the connector sends it; a delete has its tombstone
behind it.  Refuses a step that no database would take: an insert of a row that is there, a change of one that is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncsvc.errors import Problem, UsageFault
from syncsvc.mapping.case import Case, Step, Value
from syncsvc.mapping.model import Table

_FILE = "binlog.000001"
_FIRST_POSITION = 100
_START_MS = 1_700_000_000_000
#: JSON-ready values by column.
_Sent = dict[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """One record of a table's topic."""

    table: str
    key: bytes
    #: None: the tombstone behind a delete.
    value: bytes | None
    timestamp_ms: int
    #: For a person: `insert shop.line {"id": 1}`.
    said: str


def rounds(case: Case, tables: Mapping[str, Table]) -> list[list[Event]]:
    """
    The records of each round of a case.

    Raises:
        UsageFault: `cases.impossible`, with every step that the tables do not allow.
    """
    source = _Source(tables)
    found = [[event for step in one.given for event in source.take(step)] for one in case.rounds]
    if source.problems:
        raise UsageFault.of(source.problems)
    return found


class _Source:
    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._rows: dict[str, dict[bytes, _Sent]] = {name: {} for name in tables}
        self._position = _FIRST_POSITION
        self.problems: list[Problem] = []

    def take(self, step: Step) -> Iterable[Event]:
        """The records of a step, which also changes the rows."""
        self._position += 1
        rows = self._rows[step.table]
        match step.kind:
            case "insert":
                return self._insert(step, rows)
            case "update":
                return self._update(step, rows)
            case "delete" | "tombstone":
                return self._delete(step, rows)
            case "snapshot":
                return self._snapshot(step, rows)
            case "truncate":
                rows.clear()
                return [self._event(step.table, b"", "t", None, None, f"truncate {step.table}")]

    def _insert(self, step: Step, rows: dict[bytes, _Sent]) -> list[Event]:
        row = _sent(step.row)
        key = self._key(step.table, row)
        if key in rows:
            self._impossible(step, f"the row {key.decode()} is there already")
        rows[key] = row
        return [self._event(step.table, key, "c", None, row, f"insert {step.table} {key.decode()}")]

    def _update(self, step: Step, rows: dict[bytes, _Sent]) -> list[Event]:
        key = self._key(step.table, _sent(step.key))
        before = rows.pop(key, None)
        if before is None:
            self._impossible(step, f"there is no row {key.decode()}")
            return []
        after = before | _sent(step.row)
        now = self._key(step.table, after)
        if now in rows:
            self._impossible(step, f"the row {now.decode()} is there already")
        rows[now] = after
        said = f"update {step.table} {key.decode()}"
        if now == key:
            return [self._event(step.table, key, "u", before, after, said)]
        gone = self._gone(step.table, key, before, f"{said}, leaving its key")
        return [*gone, self._event(step.table, now, "c", None, after, f"{said}, now {now.decode()}")]

    def _delete(self, step: Step, rows: dict[bytes, _Sent]) -> list[Event]:
        key = self._key(step.table, _sent(step.key))
        before = rows.pop(key, None)
        if before is None:
            self._impossible(step, f"there is no row {key.decode()}")
            return []
        events = self._gone(step.table, key, before, f"delete {step.table} {key.decode()}")
        return events if step.kind == "delete" else events[1:]

    def _snapshot(self, step: Step, rows: dict[bytes, _Sent]) -> list[Event]:
        """All rows of one position; rows that are given stand for changes that were never streamed."""
        for row in step.rows or ():
            sent = _sent(row)
            rows[self._key(step.table, sent)] = sent
        wanted = rows if step.rows is None else {self._key(step.table, _sent(row)): _sent(row) for row in step.rows}
        return [
            self._event(step.table, key, "r", None, row, f"snapshot {step.table} {key.decode()}")
            for key, row in wanted.items()
        ]

    def _gone(self, table: str, key: bytes, before: _Sent, said: str) -> list[Event]:
        event = self._event(table, key, "d", before, None, said)
        self._position += 1
        return [event, Event(table, key, None, event.timestamp_ms, f"{said}, its tombstone")]

    def _event(self, table: str, key: bytes, op: str, before: _Sent | None, after: _Sent | None, said: str) -> Event:
        database, _, name = table.partition(".")
        at = _START_MS + self._position * 1000
        source = {
            "connector": "mariadb", "db": database, "table": name, "snapshot": "true" if op == "r" else "false",
            "ts_ms": at, "server_id": 1, "file": _FILE, "pos": self._position, "row": 0,
        }  # fmt: skip
        value = {"before": before, "after": after, "source": source, "op": op, "ts_ms": at}
        return Event(table, key, _json(value), at, said)

    def _key(self, table: str, row: _Sent) -> bytes:
        return _json({column: row.get(column) for column in self._tables[table].key})

    def _impossible(self, step: Step, why: str) -> None:
        fix = "correct the key, or the changes before it"
        self.problems.append(Problem("cases.impossible", step.where, f"{step.kind} {step.table}: {why}", fix))


def _sent(row: Mapping[str, Value]) -> _Sent:
    return {column: value.sent for column, value in row.items()}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
