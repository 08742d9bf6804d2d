"""
A small seeded database of meetings, applications and users; its changes as a Debezium connector publishes them.

It also is the oracle: `documents` joins the final rows with plain loops, `seen_at` knows every state a row ever had.
Nothing here is taken from the code under test.  Each row carries an `edition` that grows with every change of that row,
so a reader can tell which state of which row it sees in a document.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

Row = dict[str, Any]
MEETING, APPLICATION, USER = TABLES = ("meetup.meeting", "meetup.meeting_application", "meetup.user")
START_MS = 1_767_225_600_000
CITIES = ("Seoul", "Berlin", "Lyon", "Austin", "Osaka", "Porto", "Quito", "Turin")
REDELIVERED_EVENTS = 12

MAPPING = """\
pipeline: {name}
generation: {generation}
collection: meetings
publish: direct
partitions: {partitions}
source_partitions: {source_partitions}
source: {{topic_prefix: {prefix}}}
root: {{table: meetup.meeting, key: id, fields: [title, capacity, edition]}}
embed:
  applications:
    many: meetup.meeting_application
    on: meeting_id
    identity: id
    order_by: [applied_at desc, id]
    fields: [id, meeting_id, user_id, status, applied_at, edition]
    embed:
      user: {{one: meetup.user, on: user_id, fields: [id, name, city, edition]}}
computed: {{application_count: {{count: applications}}}}
tables:
  meetup.meeting:
    key: id
    columns: {{id: int unsigned, title: {title_type}, capacity: int, edition: int}}
  meetup.meeting_application:
    key: id
    columns:
      {{id: int, meeting_id: int unsigned, user_id: int unsigned null, status: varchar(20), applied_at: bigint,
        edition: int}}
  meetup.user:
    key: id
    columns: {{id: int unsigned, name: varchar(100), city: varchar(100), edition: int}}
"""


class Event(NamedTuple):
    """One record for the topic of a table."""

    table: str
    key: bytes
    #: None: the tombstone behind a delete.
    value: bytes | None


class Meetup:
    """
    The three tables and their one binlog.

    Args:
        seed: equal seeds give equal histories.
        meetings: how many, with as many users and five times as many applications.
    """

    def __init__(self, seed: int, meetings: int = 120) -> None:
        self.random = random.Random(seed)
        self.rows: dict[str, dict[int, Row]] = {table: {} for table in TABLES}
        #: `{(table, id, edition): row}` of every state a row ever had.
        self.seen_at: dict[tuple[str, int, int], Row] = {}
        self.meetings, self.applications = meetings, 5 * meetings
        self._editions: dict[tuple[str, int], int] = {}
        self._position, self._file = 157, 1
        self._recent: list[Event] = []
        for number in range(1, meetings + 1):
            self._keep(MEETING, number, self._meeting())
            self._keep(USER, number, self._user())
        for number in range(1, self.applications + 1):
            self._keep(APPLICATION, number, self._application())

    def snapshot(self) -> Iterator[Event]:
        """All rows as they are now, as `op=r` events of one position, table by table."""
        for table, rows in self.rows.items():
            for number, row in rows.items():
                yield self._event(table, "r", number, None, row)

    def change(self) -> list[Event]:
        """One random change; now and then the connector restarts and repeats its last events."""
        dice, kind = self.random, self.random.random()
        if kind < 0.02 and self._recent:
            return self._recent[-dice.randint(1, REDELIVERED_EVENTS) :]
        if kind < 0.15:
            return self._any_change(USER, dice.randint(1, self.meetings), self._user())
        if kind < 0.35:
            return self._any_change(MEETING, dice.randint(1, self.meetings), self._meeting())
        return self._any_change(APPLICATION, dice.randint(1, self.applications * 11 // 10), self._application())

    def changes(self, count: int) -> list[Event]:
        """The events of so many changes."""
        return [event for _ in range(count) for event in self.change()]

    def set(self, table: str, number: int, **values: Any) -> list[Event]:
        """Inserts or updates a row; values that are not given stay."""
        before = self.rows[table].get(number)
        row = self._keep(table, number, {**(before or {}), **values})
        return self._remembered([self._event(table, "c" if before is None else "u", number, before, row)])

    def delete(self, table: str, number: int) -> list[Event]:
        """Deletes a row: the event and its tombstone."""
        event = self._event(table, "d", number, self.rows[table].pop(number), None)
        return self._remembered([event, event._replace(value=None)])

    def documents(self) -> dict[int, Row]:
        """`{_id: document}` that the rows lead to, without `_sync`."""
        found: dict[int, Row] = {}
        for number, meeting in self.rows[MEETING].items():
            rows = [row for row in self.rows[APPLICATION].values() if row["meeting_id"] == number]
            rows.sort(key=lambda row: (-row["applied_at"], row["id"]))
            applications = [{**row, "user": self.rows[USER].get(row["user_id"])} for row in rows]
            shown = {name: value for name, value in meeting.items() if name != "id"}
            found[number] = {
                "_id": number, **shown, "applications": applications, "application_count": len(applications),
            }  # fmt: skip
        return found

    def _any_change(self, table: str, number: int, values: Row) -> list[Event]:
        if number in self.rows[table]:
            if self.random.random() < 0.12:
                return self.delete(table, number)
            # A few of the columns, as an UPDATE does: an application moves, changes its user, or only its status.
            names = self.random.sample(sorted(values), self.random.randint(1, len(values)))
            values = {name: values[name] for name in names}
        return self.set(table, number, **values)

    def _meeting(self) -> Row:
        return {"title": f"meeting {self.random.randrange(10**6)}", "capacity": self.random.randrange(5, 500)}

    def _user(self) -> Row:
        return {"name": f"user {self.random.randrange(10**6)}", "city": self.random.choice(CITIES)}

    def _application(self) -> Row:
        dice = self.random
        return {
            # The square gives a few meetings and users far more applications than others.
            "meeting_id": 1 + int(self.meetings * dice.random() ** 2),
            "user_id": None if dice.random() < 0.1 else 1 + int(self.meetings * dice.random() ** 2),
            "status": dice.choice(("applied", "accepted", "declined")),
            "applied_at": START_MS + dice.randrange(50) * 1000,
        }

    def _keep(self, table: str, number: int, values: Row) -> Row:
        edition = self._editions[table, number] = self._editions.get((table, number), 0) + 1
        row = self.rows[table][number] = {"id": number, **values, "edition": edition}
        self.seen_at[table, number, edition] = row
        return row

    def _remembered(self, events: list[Event]) -> list[Event]:
        self._recent = [*self._recent, *events][-REDELIVERED_EVENTS:]
        return events

    def _event(self, table: str, op: str, number: int, before: Row | None, after: Row | None) -> Event:
        if op != "r":  # all rows of a snapshot have the position at which it was taken
            self._position += self.random.randrange(250, 700)
            if self._position > 100_000:
                self._file, self._position = self._file + 1, 157
        source = {
            "connector": "mysql", "db": "meetup", "table": table.partition(".")[2], "snapshot": str(op == "r").lower(),
            "ts_ms": START_MS + self._position, "file": f"binlog.{self._file:06d}", "pos": self._position, "row": 0,
        }  # fmt: skip
        value = {"before": before, "after": after, "source": source, "op": op, "ts_ms": START_MS}
        return Event(table, b'{"id":%d}' % number, json.dumps(value).encode())
