"""
The meetup tables with a few rows, and the documents that belong to them, written by hand.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from bson import Int64

from syncsvc import mapping
from syncsvc.mapping.model import Pipeline

MAPPING = """
pipeline: meetings
generation: 1
collection: meetings
source: {topic_prefix: meetup}
root: {table: meetup.meeting, key: id, fields: [title, {capacity: seats}]}
embed:
  applications:
    many: meetup.application
    on: meeting_id
    identity: id
    order_by: [rank, label desc]
    fields: [id, label, at]
    embed:
      user: {one: meetup.user, on: user_id, fields: [id, name]}
computed: {application_count: {count: applications}}
tables:
  meetup.meeting: {key: id, columns: {id: int unsigned, title: varchar(50), capacity: int null}}
  meetup.application:
    key: id
    columns:
      id: bigint unsigned
      meeting_id: int unsigned
      user_id: int unsigned null
      rank: int null
      label: varchar(20)
      at: datetime(3)
  meetup.user: {key: id, columns: {id: int unsigned, name: varchar(50)}}
"""

SCHEMA = (
    "DROP DATABASE IF EXISTS meetup",
    "CREATE DATABASE meetup CHARACTER SET utf8mb4",
    "CREATE TABLE meetup.meeting (id INT UNSIGNED PRIMARY KEY, title VARCHAR(50) NOT NULL, capacity INT NULL)",
    "CREATE TABLE meetup.application (id BIGINT UNSIGNED PRIMARY KEY, meeting_id INT UNSIGNED NOT NULL,"
    " user_id INT UNSIGNED NULL, `rank` INT NULL, label VARCHAR(20) NOT NULL, at DATETIME(3) NOT NULL)",
    "CREATE TABLE meetup.user (id INT UNSIGNED PRIMARY KEY, name VARCHAR(50) NOT NULL)",
)
ROWS = (
    "INSERT INTO meetup.user VALUES (1, 'Ada'), (2, 'Grace')",
    "INSERT INTO meetup.meeting VALUES (1, 'One', 10), (2, 'Two', NULL), (3, 'Three', 30)",
    "INSERT INTO meetup.application VALUES"
    " (11, 1, 1, 5, 'a', '2024-01-02 03:04:05.678'),"
    " (12, 1, NULL, NULL, 'b', '2024-01-02 03:04:05.678'),"
    " (13, 1, 99, 5, 'B', '2024-01-02 03:04:05.678'),"
    " (14, 1, 2, 5, 'ä', '2024-01-02 03:04:05.678'),"
    " (15, 1, 2, 5, 'a', '2024-01-02 03:04:05.678'),"
    " (21, 2, 2, 1, 'c', '2024-01-02 03:04:05.678')",
)
_AT = datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)


def _application(number: int, label: str, user: tuple[int, str] | None) -> dict[str, Any]:
    shown = None if user is None else {"id": Int64(user[0]), "name": user[1]}
    return {"id": Int64(number), "label": label, "at": _AT, "user": shown}


ADA, GRACE = (1, "Ada"), (2, "Grace")
#: NULL rank first, then labels from the highest code point down, then ids.
_DOCUMENTS: list[dict[str, Any]] = [
    {
        "_id": Int64(1),
        "title": "One",
        "seats": 10,
        "applications": [
            _application(12, "b", None),
            _application(14, "ä", GRACE),
            _application(11, "a", ADA),
            _application(15, "a", GRACE),
            _application(13, "B", None),
        ],
        "application_count": 5,
    },
    {
        "_id": Int64(2),
        "title": "Two",
        "seats": None,
        "applications": [_application(21, "c", GRACE)],
        "application_count": 1,
    },
    {"_id": Int64(3), "title": "Three", "seats": 30, "applications": [], "application_count": 0},
]


def pipeline() -> Pipeline:
    """The pipeline of these tables."""
    return mapping.load_text(MAPPING, "meetings.yaml")


def documents() -> list[dict[str, Any]]:
    """What the collection should hold, with versions as a worker writes them."""
    version = {"v": [1, Int64(7)], "at": _AT}
    return [{**document, "_sync": version} for document in copy.deepcopy(_DOCUMENTS)]
