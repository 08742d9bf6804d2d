"""
The meetup tables, seeded: rows, what a Debezium connector publishes of them, and the documents they must lead to.

The same tables as the benchmark kit's, so that the mapping of `meetup` fits, in any size and shape: scenarios need one
meeting with ten thousand applications, or one user with a hundred thousand.  Nothing here is taken from the code under
test.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

MEETING, APPLICATION, USER = TABLES = ("meetup.meeting", "meetup.meeting_application", "meetup.user")
START_MS = 1_767_225_600_000  # a clock that only counts, so that equal seeds give equal bytes
PLACES = ("Seoul", "Berlin", "Lyon", "Austin", "Osaka", "Porto", "Quito", "Turin")
WORDS = (
    "open", "data", "night", "kafka", "book", "river", "chess", "garden", "python", "film", "bread", "run", "jazz",
    "code", "maker", "walk",
)  # fmt: skip
FILE_BYTES = 1 << 24  # of a binlog file: positions rise, but not alone

Row = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Event(NamedTuple):
    """One record for the topic of a table; an empty value is the tombstone behind a delete."""

    table: str
    key: bytes
    value: bytes


def links(seed: int, meetings: int, users: int, count: int) -> list[tuple[int, int]]:
    """So many `(meeting, user)`, skewed: the top hundredth has a tenth (zipf-like, exponent 0.5), ranks scattered."""
    dice = random.Random(seed)

    def pick(most: int, step: int) -> int:
        return 1 + int(most * dice.random() ** 2) * step % most

    return [(pick(meetings, 7919), pick(users, 7907)) for _ in range(count)]


class Meetup:
    """
    The three tables and the one binlog that changes them.

    Args:
        meetings, users: how many rows.
        applications: `(meeting, user)` of each.
        now_ms: source commit time of events; without it a clock that counts them.  The service takes what was committed
            long ago for a backlog, so whoever plays live changes gives the real time.
    """

    def __init__(
        self,
        meetings: int,
        users: int,
        applications: Iterable[tuple[int, int]],
        *,
        seed: int = 7,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._dice, self._now_ms = random.Random(seed), now_ms
        self._file, self._position, self._clock = 1, 157, START_MS
        self._next = 1
        #: Number of the last title; it stands behind the '#' and tells readers which change they see.
        self.sequence = 0
        self.rows: dict[str, dict[int, Row]] = {table: {} for table in TABLES}
        pick = self._dice.choice
        for number in range(1, meetings + 1):
            self.rows[MEETING][number] = {
                "id": number, "title": self._title(), "place": pick(PLACES), "capacity": self._dice.randrange(5, 500),
                "status": "open", "starts_at": START_MS + self._dice.randrange(10**10),
            }  # fmt: skip
        for meeting, user in applications:
            self._application(meeting, user)
        for number in range(1, users + 1):
            self.rows[USER][number] = {
                "id": number, "name": self._words(2), "email": f"u{number}@example.org", "city": pick(PLACES)
            }
        self._live = list(self.rows[APPLICATION])

    def _words(self, count: int) -> str:
        return " ".join(self._dice.choices(WORDS, k=count))

    def _title(self) -> str:
        self.sequence += 1
        return f"{self._words(4)} #{self.sequence}"

    def _application(self, meeting: int, user: int) -> Row:
        number = self._next
        self._next += 1
        row = self.rows[APPLICATION][number] = {
            "id": number, "meeting_id": meeting, "user_id": user, "status": "applied", "memo": self._words(6),
            "applied_at": START_MS + self._dice.randrange(10**10),
        }  # fmt: skip
        return row

    def snapshot(self) -> Iterator[Event]:
        """Every row as it is now, table by table; all have the position at which the snapshot was taken."""
        for table, rows in self.rows.items():
            for row in rows.values():
                yield self._event(table, "r", None, row)

    def title(self, meeting: int) -> Event:
        """A new title, with the next number."""
        return self.update(MEETING, meeting, title=self._title())

    def touch(self, application: int) -> Event:
        """A new status and memo."""
        status = self._dice.choice(("accepted", "waiting", "declined"))
        return self.update(APPLICATION, application, status=status, memo=self._words(6))

    def update(self, table: str, number: int, **values: Any) -> Event:
        """New values of a row."""
        before = self.rows[table][number]
        after = self.rows[table][number] = {**before, **values}
        return self._event(table, "u", before, after)

    def change(self) -> list[Event]:
        """
        One random change, mixed as the kit does: 70 % applications, 20 % meetings, 10 % users.

        Of the applications 55 % are inserts, 30 % updates, 10 % deletes, 5 % moves.
        """
        dice, kind = self._dice, self._dice.random()
        meetings, users = len(self.rows[MEETING]), len(self.rows[USER])
        if kind < 0.1:
            return [self.update(USER, self._skewed(users), name=self._words(2))]
        meeting = self._skewed(meetings)
        if kind < 0.3:
            return [self.title(meeting)]
        kind = dice.random()
        if kind < 0.55 or not self._live:
            row = self._application(meeting, self._skewed(users))
            self._live.append(row["id"])
            return [self._event(APPLICATION, "c", None, row)]
        at = dice.randrange(len(self._live))
        number = self._live[at]
        if kind < 0.85:
            return [self.touch(number)]
        if kind < 0.95:
            self._live[at] = self._live[-1]
            self._live.pop()
            event = self._event(APPLICATION, "d", self.rows[APPLICATION].pop(number), None)
            return [event, event._replace(value=b"")]
        return [self.update(APPLICATION, number, meeting_id=meeting)]

    def changes(self, count: int) -> Iterator[Event]:
        """The events of so many changes."""
        for _ in range(count):
            yield from self.change()

    def _skewed(self, most: int) -> int:
        return 1 + int(most * self._dice.random() ** 2) * 7919 % most

    def documents(self) -> dict[int, Row]:
        """`{_id: document}` that the rows lead to, without `_sync`."""
        applications: dict[int, list[Row]] = {}
        users = self.rows[USER]
        for row in sorted(self.rows[APPLICATION].values(), key=lambda row: int(row["id"])):
            shown = {name: row[name] for name in ("id", "status", "memo", "applied_at")}
            applications.setdefault(row["meeting_id"], []).append({**shown, "user": users.get(row["user_id"])})
        found = {}
        for number, meeting in self.rows[MEETING].items():
            held = applications.get(number, [])
            fields = {name: value for name, value in meeting.items() if name != "id"}
            found[number] = {"_id": number, **fields, "applications": held, "application_count": len(held)}
        return found

    def _event(self, table: str, op: str, before: Row | None, after: Row | None) -> Event:
        self._clock = self._now_ms() if self._now_ms else self._clock + 1
        if op != "r":
            self._position += self._dice.randrange(250, 700)
            if self._position > FILE_BYTES:
                self._file, self._position = self._file + 1, 157
        source = {
            "version": "3.5.0.Final", "connector": "mysql", "name": "bench", "ts_ms": self._clock,
            "snapshot": "true" if op == "r" else "false", "db": "meetup", "sequence": None,
            "ts_us": self._clock * 10**3, "ts_ns": self._clock * 10**6, "table": table.partition(".")[2],
            "server_id": 0 if op == "r" else 1, "gtid": None, "file": f"binlog.{self._file:06d}",
            "pos": self._position, "row": 0, "thread": None, "query": None,
        }  # fmt: skip
        value = {
            "before": before, "after": after, "source": source, "transaction": None, "op": op,
            "ts_ms": self._clock + 5, "ts_us": (self._clock + 5) * 10**3, "ts_ns": (self._clock + 5) * 10**6,
        }  # fmt: skip
        row = after or before
        assert row is not None
        return Event(table, b'{"id":%d}' % row["id"], _encode(value))
