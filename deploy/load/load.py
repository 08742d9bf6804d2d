"""
Changes for the example's tables at a steady rate: people apply to meetings, change their minds and move; authors post.

The profile `load` of docker-compose.yml runs it inside our image.  It writes as a user who may do nothing else, keeps
each change in a transaction of its own, as an application would, and leaves when it is told to; a server that is away
is waited for.  It touches BEAT once a second, which is what its health check looks at.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymysql

BEAT = Path("/tmp/beat")  # noqa: S108, the only folder that a read-only container can write to
TOLD_EVERY_SECONDS = 10.0
#: Rows that the tables may grow to; beyond, old ones go.
MOST_APPLICATIONS, MOST_POSTS, MOST_MEETINGS, MOST_PEOPLE = 5_000, 2_000, 200, 500
STATUSES = ("applied", "accepted", "declined", "withdrawn")
CITIES = ("Seoul", "Berlin", "Lyon", "Austin", "Osaka", "Porto", "Quito", "Turin")


def now() -> datetime:
    """The time of a change, as `datetime(3)` keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Changes:
    """
    One connection and the statements that go through it.

    Args:
        connection: commits by itself after each statement.
        dice: chooses what happens.
    """

    def __init__(self, connection: pymysql.connections.Connection[Any], dice: random.Random) -> None:
        self._connection, self._dice = connection, dice

    def one(self) -> None:
        """One random change: most are applications, as in a real shop most writes are orders."""
        (kind,) = self._dice.choices(
            (self._apply, self._decide, self._move, self._withdraw, self._meet, self._rename, self._post, self._edit),
            weights=(30, 25, 5, 10, 8, 7, 10, 5),
        )
        kind()

    def _any(self, table: str) -> int | None:
        """Key of some row; None when there is none."""
        found = self._ask(f"SELECT MIN(id), MAX(id) FROM {table}")  # noqa: S608, names are ours
        if found is None or found[0] is None:
            return None
        row = self._ask(f"SELECT id FROM {table} WHERE id >= %s LIMIT 1", self._dice.randint(*found))  # noqa: S608
        return None if row is None else int(row[0])

    def _ask(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()

    def _full(self, table: str, most: int) -> bool:
        row = self._ask(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        return row is not None and int(row[0]) >= most

    def _apply(self) -> None:
        if self._full("meeting_application", MOST_APPLICATIONS):
            self._withdraw()
            return
        self._ask(
            "INSERT INTO meeting_application (meeting_id, user_id, status, memo, applied_at) VALUES (%s,%s,%s,%s,%s)",
            self._any("meeting"), self._any("user"), "applied", self._dice.choice((None, "", "see you there")), now(),
        )  # fmt: skip

    def _decide(self) -> None:
        application = self._any("meeting_application")
        self._ask("UPDATE meeting_application SET status=%s WHERE id=%s", self._dice.choice(STATUSES), application)

    def _move(self) -> None:
        application = self._any("meeting_application")
        self._ask("UPDATE meeting_application SET meeting_id=%s WHERE id=%s", self._any("meeting"), application)

    def _withdraw(self) -> None:
        self._ask("DELETE FROM meeting_application WHERE id=%s", self._any("meeting_application"))

    def _meet(self) -> None:
        title, place = f"Meeting {self._dice.randrange(10**6)}", self._dice.choice(CITIES)
        if self._full("meeting", MOST_MEETINGS):
            self._ask("UPDATE meeting SET title=%s, place=%s WHERE id=%s", title, place, self._any("meeting"))
            return
        self._ask(
            "INSERT INTO meeting (title, place, capacity, status, starts_at) VALUES (%s,%s,%s,%s,%s)",
            title, place, self._dice.randint(5, 200), "open", now(),
        )  # fmt: skip

    def _rename(self) -> None:
        name, city = f"Person {self._dice.randrange(10**6)}", self._dice.choice(CITIES)
        if self._full("user", MOST_PEOPLE):
            self._ask("UPDATE user SET name=%s, city=%s WHERE id=%s", name, city, self._any("user"))
            return
        self._ask("INSERT INTO user (name, email, city) VALUES (%s,%s,%s)", name, "person@example.org", city)

    def _post(self) -> None:
        if self._full("post", MOST_POSTS):
            self._ask("DELETE FROM post WHERE id=%s", self._any("post"))
            return
        self._ask(
            "INSERT INTO post (author_id, title, body, created_at) VALUES (%s,%s,%s,%s)",
            self._any("author"), f"Post {self._dice.randrange(10**6)}", "text " * 20, now(),
        )  # fmt: skip

    def _edit(self) -> None:
        self._ask("UPDATE author SET bio=%s WHERE id=%s", f"bio {self._dice.randrange(10**6)}", self._any("author"))


def work(over: threading.Event, per_second: float) -> None:
    """Changes at a steady rate until it is over, or the server goes away."""
    connection = pymysql.connect(
        host=os.environ["LOAD_HOST"], user=os.environ["LOAD_USER"], password=os.environ["LOAD_PASSWORD"],
        database=os.environ["LOAD_DATABASE"], autocommit=True, connect_timeout=5, read_timeout=30,
    )  # fmt: skip
    with connection:
        changes = Changes(connection, random.Random())  # noqa: S311, no secret
        began = told = time.monotonic()
        done = done_before = 0
        while not over.is_set():
            changes.one()
            done += 1
            seconds = time.monotonic()
            if done % max(1, int(per_second)) == 0:
                BEAT.touch()
            if seconds - told >= TOLD_EVERY_SECONDS:
                print(f"{(done - done_before) / (seconds - told):.0f} changes a second, {done} in all", flush=True)
                told, done_before = seconds, done
            # Behind a stall it does not run after what it missed: a load that catches up is not steady.
            began = max(began, seconds - done / per_second - 1)
            over.wait(max(0.0, began + done / per_second - seconds))


def main() -> None:
    """Until TERM or INT."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    per_second = float(os.environ["LOAD_CHANGES_PER_SECOND"])
    while not over.is_set():
        try:
            work(over, per_second)
        except pymysql.err.OperationalError as error:
            print(f"the database is away: {error}", flush=True)
            over.wait(2)


if __name__ == "__main__":
    main()
