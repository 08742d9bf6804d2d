"""
How the comparison reads large tables, piece by piece: each row once, none left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from syncsvc.source import connection as sql
from syncsvc.verify import rows, session
from syncsvc.verify.oracle import Oracle

pytestmark = pytest.mark.servers

BY_KIND = """
pipeline: members
generation: 1
collection: members
source: {topic_prefix: club}
root: {table: club.member, key: [kind, id], fields: [name]}
tables:
  club.member: {key: [kind, id], columns: {kind: "enum('user','group')", id: int, name: varchar(9)}}
"""
BY_CODE = """
pipeline: shelves
generation: 1
collection: shelves
source: {topic_prefix: club}
root: {table: club.shelf, key: id, fields: [code]}
embed:
  books: {many: club.book, on: code, to: code, identity: id, fields: [id]}
tables:
  club.shelf: {key: id, columns: {id: int, code: varchar(9) collate utf8mb4_general_ci}}
  club.book: {key: id, columns: {id: int, code: varchar(9) collate utf8mb4_general_ci}}
"""


@pytest.fixture(scope="module")
def connection(servers: Stack) -> Iterator[sql.Connection]:
    """As the administrator, with an empty database."""
    with contextlib.closing(sql.connect(servers.sql.admin_dsn)) as opened:
        with opened.cursor() as cursor:
            cursor.execute("DROP DATABASE IF EXISTS club")
            cursor.execute("CREATE DATABASE club CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        yield opened


def test_rows_behind_an_enum_are_all_read(connection: sql.Connection) -> None:
    """A server sorts an ENUM by its number but compares it as text: 'group' comes behind 'user', and is no larger."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE club.member (kind ENUM('user','group'), id INT, name VARCHAR(9) NOT NULL,"
                       " PRIMARY KEY (kind, id))")  # fmt: skip
        cursor.execute("INSERT INTO club.member VALUES ('user', 1, 'a'), ('user', 2, 'b'), ('group', 1, 'c'),"
                       " ('group', 2, 'd'), ('group', 3, 'e')")  # fmt: skip
    pipeline = mapping.load_text(BY_KIND, "members.yaml")

    with session.sources(pipeline, connection) as cursors:
        oracle, found = Oracle(pipeline, cursors), []
        while some := oracle.rows_after(found[-1] if found else None, 2):
            found += some

    assert [row["name"] for row in found] == ["a", "b", "c", "d", "e"]


def test_a_row_is_read_once_whatever_the_spelling_it_is_asked_for_by(
    connection: sql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two spellings that a collation takes for one, asked for in two statements, both find the row."""
    monkeypatch.setattr(rows, "_KEYS_AT_A_TIME", 1)
    with connection.cursor() as cursor:
        for table in ("shelf", "book"):
            cursor.execute(f"CREATE TABLE club.{table} (id INT PRIMARY KEY, code VARCHAR(9) NOT NULL)")
        cursor.execute("INSERT INTO club.shelf VALUES (1, 'k1'), (2, 'K1')")
        cursor.execute("INSERT INTO club.book VALUES (7, 'k1'), (8, 'K1')")
    pipeline = mapping.load_text(BY_CODE, "shelves.yaml")

    with session.sources(pipeline, connection) as cursors:
        oracle = Oracle(pipeline, cursors)
        documents = [document for _, document in oracle.documents(oracle.rows_after(None, 10))]

    assert [document["books"] for document in documents] == [[{"id": 7}, {"id": 8}]] * 2
