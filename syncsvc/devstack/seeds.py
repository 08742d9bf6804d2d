"""
Rows for the example, the same for the same numbers: made from a seeded generator, written in large inserts.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from pymysql.cursors import Cursor

from syncsvc.devstack import dsn, schema

#: Rows in one INSERT, and in one transaction: some 100 kB, well below `max_allowed_packet`.
ROWS_AT_ONCE = 1_000
#: All times are after this one, milliseconds included, so that no run depends on the clock.
BEGIN = datetime(2026, 1, 1, 9, 0, 0, 1_000)

NAMES = ("Ada", "Björn", "Chidi", "Dagny", "Eun-ji", "Farid", "Greta", "Hugo", "Inés", "Jun", "카밀", "Łukasz")
CITIES = ("Lyon", "Malmö", "Seoul", "Porto", "Lagos", "Graz", "Osaka", "Łódź")
TITLES = ("River walk", "Chess night", "Bread baking", "Type theory", "Bicycle repair", "Quiet reading")
STATUSES = ("open", "full", "cancelled")
APPLICATION_STATUSES = ("applied", "accepted", "declined", "withdrawn")
MEMOS = (None, "", "I bring tea", "first time, a little nervous", "는 늦을 수 있어요", "vegetarian 🌱")


@dataclass(frozen=True)
class Written:
    """How many rows a seed has written, a table."""

    meeting: int
    user: int
    meeting_application: int
    author: int
    post: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.meeting + self.user + self.meeting_application + self.author + self.post


def seed(
    admin_dsn: str,
    *,
    meetings: int = 2_000,
    users: int = 2_000,
    applications: int = 10_000,
    authors: int = 50,
    posts: int = 500,
    random_seed: int = 1,
) -> Written:
    """
    Create the tables where they are missing and add rows behind those that are there.

    Applications refer to meetings and users, posts to authors, that are in their tables (every id from 1 on is taken
    to be used); one in fifty applications has no user.  Some meetings get many applications, most a few.

    Returns:
        What was written.
    """
    schema.create(admin_dsn)
    pick = random.Random(random_seed)  # noqa: S311
    with contextlib.closing(dsn.connect(admin_dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(f"USE {schema.DATABASE}")
        _insert(cursor, "user", "name, email, city", _users(pick, users))
        _insert(cursor, "meeting", "title, place, capacity, status, starts_at", _meetings(pick, meetings))
        _insert(
            cursor,
            "meeting_application",
            "meeting_id, user_id, status, memo, applied_at",
            _applications(pick, applications, _last(cursor, "meeting"), _last(cursor, "user")),
        )
        _insert(cursor, "author", "name, bio", _authors(pick, authors))
        _insert(cursor, "post", "author_id, title, body, created_at", _posts(pick, posts, _last(cursor, "author")))
    return Written(meetings, users, applications, authors, posts)


Row = tuple[object, ...]


def _insert(cursor: Cursor, table: str, columns: str, rows: Iterator[Row]) -> None:
    places = ", ".join(["%s"] * len(columns.split(",")))
    # pymysql makes one INSERT of many rows out of this form.
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
    while part := list(islice(rows, ROWS_AT_ONCE)):
        cursor.executemany(statement, part)


def _last(cursor: Cursor, table: str) -> int:
    cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")  # noqa: S608
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _users(pick: random.Random, count: int) -> Iterator[Row]:
    for number in range(count):
        name = f"{pick.choice(NAMES)} {number}"
        yield name, f"user{number}@example.org", pick.choice(CITIES)


def _meetings(pick: random.Random, count: int) -> Iterator[Row]:
    for number in range(count):
        starts = BEGIN + timedelta(minutes=30 * number)
        yield f"{pick.choice(TITLES)} {number}", pick.choice(CITIES), pick.randint(4, 60), pick.choice(STATUSES), starts


def _applications(pick: random.Random, count: int, meetings: int, users: int) -> Iterator[Row]:
    for number in range(count if meetings else 0):
        # The square of a uniform number: the first meetings are the popular ones.
        meeting = 1 + int(pick.random() ** 2 * meetings)
        user = None if not users or pick.random() < 0.02 else pick.randint(1, users)
        applied = BEGIN + timedelta(milliseconds=1_001 * number)
        yield meeting, user, pick.choice(APPLICATION_STATUSES), pick.choice(MEMOS), applied


def _authors(pick: random.Random, count: int) -> Iterator[Row]:
    for number in range(count):
        yield f"{pick.choice(NAMES)} {number}", pick.choice((None, "writes about rivers", "강에 대해 씁니다"))


def _posts(pick: random.Random, count: int, authors: int) -> Iterator[Row]:
    for number in range(count):
        author = pick.randint(1, authors) if authors else None
        body = " ".join(pick.choice(TITLES) for _ in range(pick.randint(3, 40)))
        yield author, f"{pick.choice(TITLES)} again, {number}", body, BEGIN + timedelta(seconds=61 * number)
