"""
A source played: tables that change, and what its connectors log of it, as bytes of Debezium's JSON.

`Database` applies the steps of a history; it deletes along foreign keys as servers do, without a word in the binlog.
Where it `waits`, an event has the time at which its statement began, older than that of events before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from tests.simulation.cascades import Cascade
from tests.simulation.steps import Key, Row, Step
from tests.simulation.tables import Source

SOURCE_PARTITIONS = 2


@dataclass(frozen=True)
class Event:
    """One record of a connector."""

    table: str
    key: Key
    #: None: the tombstone behind a delete.
    envelope: dict[str, Any] | None
    #: Cannot be read.
    garbled: bool = False

    @property
    def partition(self) -> int:
        """Of the table's topic; a key stays in its partition, an event without a key is in any."""
        told = repr(self.key or (self.envelope or {}).get("source"))
        return crc32(told.encode()) % SOURCE_PARTITIONS

    def encoded(self, source: Source) -> tuple[bytes, bytes]:
        """Key and value on the wire."""
        value = b"" if self.envelope is None else json.dumps(self.envelope).encode()
        value = value[: len(value) // 2] if self.garbled else value
        key = json.dumps(dict(zip(source.key, self.key, strict=True))).encode() if self.key else b""
        return key, value

    def __str__(self) -> str:
        """One line."""
        if self.envelope is None:
            return f"tombstone {self.table} {self.key}"
        row = self.envelope["after"] or self.envelope["before"] or ""
        place = self.envelope["source"]
        garbled = "garbled " if self.garbled else ""
        at = f"{place['file'][-2:]}:{place['pos']}.{place['row']}"
        return f"{garbled}{self.envelope['op']} {self.table} {row} at {at}"


@dataclass(frozen=True)
class Image:
    """What a row was from one write of it to the next."""

    table: str
    key: Key
    row: Row


def _waited_ms(place: int) -> int:
    """How long the statement waited for its locks; a server that gives the time of its beginning logs an older one."""
    return 1000 * (place * 31 % 50) if place % 5 == 0 else 0


class Database:
    """The tables of a source and what its connectors log of them."""

    def __init__(
        self, sources: Mapping[str, Source], cascades: Sequence[Cascade] = (), *, waits: bool = False
    ) -> None:
        self.sources, self._cascades, self._waits = sources, cascades, waits
        self.tables: dict[str, dict[Key, Row]] = {name: {} for name in sources}
        self.events: list[Event] = []
        #: `{n: image}`: every image of every row that ever was.
        self.images: dict[int, Image] = {}
        self._n = 0
        #: Of the binlogs: place of the newest event, row in it, commit time (ms), table of the statement.
        self._place, self._row, self._ms, self._statement = 100, 0, 1_700_000_000_000, ""
        self._unseen = False
        #: Tables of rows that went unseen: a snapshot that finds rows tells that the others are gone.
        self._gone: set[str] = set()
        #: Rows whose newest image the connectors never saw: nobody knows what they refer to.
        self._blind: set[tuple[str, Key]] = set()
        #: Rows whose newest record cannot be read.
        self._garbled: set[tuple[str, Key]] = set()

    def apply(self, steps: Iterable[Step]) -> None:
        """Lets it all happen; a snapshot heals what the connectors missed at the end."""
        for step in steps:
            self.step(step)
        if self._unseen:
            self.step(Step("snapshot"))
        for table, key in sorted(self._garbled):  # gone without a record of their own: nothing but this heals them
            self.events.append(Event(table, key, None))

    def step(self, step: Step) -> None:
        """One step."""
        if step.what in ("snapshot", "chunk"):
            self._read(step)
            return
        self._advance(step)
        rows = self.tables[step.table]
        before = rows.get(step.key)
        if step.what == "truncate":
            self._truncate(step)
            return
        if step.what == "put":
            self._put(step, step.key, dict(step.row), before)
        elif before is not None and step.what == "delete":
            self._delete(step, before)
        elif before is not None and step.to not in rows and self._movable(step, before):
            # A connector makes two events of an update of the key, both with the place of the one in the binlog.
            self._delete(step, before)
            self._put(step, step.to, dict(before), None)

    def _whole(self, table: str, key: Key, row: Row) -> Row | None:
        """A row with all its columns, as foreign keys that cascade let it be; None where they do not."""
        source = self.sources[table]
        row = {**dict.fromkeys(source.types), **row, **dict(zip(source.key, key, strict=True))}
        for cascade in self._cascades:
            if cascade.holder != table:
                continue
            values = [row[column] for column in cascade.columns]
            there = self.tables[cascade.target].values()
            if None in values or values in [[one[column] for column in cascade.to] for one in there]:
                continue
            free = [column for column in cascade.columns if source.types[column].endswith(" null")]
            if not free:
                return None
            row[free[0]] = None
        return row

    def _put(self, step: Step, key: Key, given: Row, before: Row | None) -> None:
        whole = self._whole(step.table, key, given)
        if whole is None:
            return
        self._n += 1
        row: Row = {**whole, "n": self._n}
        self.tables[step.table][key] = row
        (self._blind.add if step.missed or step.garbled else self._blind.discard)((step.table, key))
        self.images[self._n] = Image(step.table, key, row)
        self._log(step, "c" if before is None else "u", key, before, row)

    def _movable(self, step: Step, row: Row) -> bool:
        """Whether no foreign key forbids the row its new key."""
        return not list(self._referring(step.table, row)) and self._whole(step.table, step.to, row) is not None

    def _truncate(self, step: Step) -> None:
        if any(cascade.target == step.table for cascade in self._cascades):
            return  # which no server does
        self.tables[step.table].clear()
        self._gone.discard(step.table)
        self._log(step, "t", (), None, None)

    def _delete(self, step: Step, before: Row) -> None:
        del self.tables[step.table][step.key]
        if step.missed:
            self._gone.add(step.table)
        self._take_along(step, before)
        self._log(step, "d", step.key, before, None)

    def _referring(self, table: str, row: Row) -> Iterator[tuple[str, Key]]:
        """Rows that go with a row when it is deleted."""
        for cascade in self._cascades:
            if cascade.target == table:
                values = [row[column] for column in cascade.to]
                for key, other in self.tables[cascade.holder].items():
                    if [other[column] for column in cascade.columns] == values and None not in values:
                        yield cascade.holder, key

    def _take_along(self, step: Step, row: Row) -> None:
        """Deletes what refers to a deleted row; no server before MySQL 9.6 logs that."""
        for table, key in list(self._referring(step.table, row)):
            gone = self.tables[table].pop(key, None)
            if gone is not None:
                if step.missed or (table, key) in self._blind:
                    self._gone.add(table)
                self._take_along(Step("delete", table, key, missed=step.missed), gone)

    def _advance(self, step: Step) -> None:
        """The place of what happens next."""
        if step.joined and step.table == self._statement:
            self._row += 1
        else:
            self._place, self._row = self._place + 1, 0
        if not step.joined:
            self._ms += 7 * (self._place % 60)
        self._statement = step.table

    def _source(self, table: str, place: int, row: int) -> dict[str, Any]:
        if self.sources[table].server:  # MariaDB: whole seconds, and several events share one
            name, ms, gtid = "mariadb-bin", self._ms // 1000 * 1000, f"0-1-{place}"
        else:
            name, ms, gtid = "binlog", self._ms, f"24bc7850-2c16-11e6-a073-0242ac110002:{place}"
        file, pos = divmod(place, 16)  # the binlog goes on in a new file now and then
        return {"file": f"{name}.{file + 9:06}", "pos": pos * 31 + 4, "row": row, "ts_ms": ms, "gtid": gtid}

    def _log(self, step: Step, op: str, key: Key, before: Row | None, after: Row | None) -> None:
        if step.missed:
            self._unseen = True
            return
        source = {**self._source(step.table, self._place, self._row), "snapshot": "false"}
        source["ts_ms"] -= _waited_ms(self._place) if self._waits else 0
        envelope = {"op": op, "before": before, "after": after, "source": source}
        self.events.append(Event(step.table, key, envelope, step.garbled))
        self._garbled.discard((step.table, key))
        if step.garbled:
            self._garbled.add((step.table, key))
            self._unseen = True
        if op == "d":
            self.events.append(Event(step.table, key, None))

    def _read(self, step: Step) -> None:
        """
        Every row as a snapshot reads it: no before, one position for all, which is the end of the binlog.

        A "chunk" is read while the stream goes on: its rows have the place of the next event, which closes the window.
        """
        chunk = step.what == "chunk"
        self._statement = ""
        if not chunk:
            self._place += 1
        for table in [step.table] if step.table else self.sources:
            rows = list(self.tables[table].items())
            if not rows and not chunk and table in self._gone:  # nothing to be read: somebody has to tell it otherwise
                self._log(Step("truncate", table), "t", (), None, None)
            for index, (key, row) in enumerate(rows):
                last = not chunk and index == len(rows) - 1
                word = "incremental" if chunk else "last_in_data_collection" if last else "true"
                source = {**self._source(table, self._place + chunk, 0), "snapshot": word}
                source["ts_ms"] = source["ts_ms"] // 1000 * 1000  # Debezium gives rows it reads no milliseconds
                self.events.append(Event(table, key, {"op": "r", "before": None, "after": row, "source": source}))
                self._garbled.discard((table, key))
            if not chunk:
                self._gone.discard(table)
        if not step.table and not chunk:
            self._unseen = False
