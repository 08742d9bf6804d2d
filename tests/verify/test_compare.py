"""
`verify.compare` against real servers: every way in which a collection can be wrong is found, and nothing else is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc import verify
from syncsvc.devstack.stack import Stack
from syncsvc.source import connection as sql
from tests.verify import world

pytestmark = pytest.mark.servers


@pytest.fixture
def collection(servers: Stack) -> Iterator[Any]:
    """A collection that is right."""
    servers.sql.execute(*world.SCHEMA, *world.ROWS)
    with MongoClient[dict[str, Any]](servers.mongod.uri) as client:
        found = client["verify"]["meetings__g1"]
        found.drop()
        found.insert_many(world.documents())
        yield found


@pytest.fixture
def connection(servers: Stack) -> Iterator[sql.Connection]:
    """As the service user, who may only read."""
    with contextlib.closing(sql.connect(servers.sql.dsn)) as opened:
        yield opened


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_documents_as_sql_joins_them_are_equal(connection: sql.Connection, collection: Any, chunk: int) -> None:
    """Nulls, lost users, ordering by code point and versions are as the pipeline says, whatever the chunk."""
    report = verify.compare(world.pipeline(), connection, collection, chunk=chunk)

    assert report.differences == ()
    assert (report.documents, report.equal) == (3, True)


def test_a_missing_document_is_found(connection: sql.Connection, collection: Any) -> None:
    """A row without a document is named by its `_id`."""
    collection.delete_one({"_id": 2})

    report = verify.compare(world.pipeline(), connection, collection)

    assert (report.missing, report.extra, report.different) == (1, 0, 0)
    assert report.first is not None
    assert (report.first.kind, report.first.id) == ("missing", 2)


@pytest.mark.parametrize(
    "identity", [pytest.param(9, id="of the key's type"), pytest.param("nine", id="of another type"),
                 pytest.param({"a": 1}, id="of another shape")]
)  # fmt: skip
def test_a_document_without_a_row_is_found(connection: sql.Connection, collection: Any, identity: Any) -> None:
    """Whatever its `_id` is."""
    collection.insert_one({"_id": identity, "title": "left over"})

    report = verify.compare(world.pipeline(), connection, collection)

    assert (report.missing, report.extra, report.different) == (0, 1, 0)
    assert report.first is not None
    assert report.first.id == identity


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        pytest.param({"title": "Uno"}, "title", "the values differ", id="a value"),
        pytest.param({"seats": 10.0}, "seats", "found float where int is expected", id="a type"),
        pytest.param({"seats": None}, "seats", "found null where int is expected", id="a lost value"),
        pytest.param({"more": 1}, "more", "it should not be in the document", id="a field too many"),
        pytest.param({"applications.1.user.name": "Rear"}, "applications[1].user.name", "the values differ", id="deep"),
        pytest.param({"applications.5": {"id": 1}}, "applications[5]", "it should not be in the document", id="longer"),
        pytest.param({"application_count": 4}, "application_count", "the values differ", id="a count"),
    ],
)
def test_a_different_document_is_found_with_its_place(
    connection: sql.Connection, collection: Any, change: dict[str, Any], path: str, what: str
) -> None:
    """The report says where the documents part, without a value of the row."""
    collection.update_one({"_id": 1}, {"$set": change})

    report = verify.compare(world.pipeline(), connection, collection)

    assert (report.missing, report.extra, report.different) == (0, 0, 1)
    assert report.first is not None
    assert (report.first.path, report.first.what) == (path, what)
    assert set(report.as_dict()["differences"][0]) == {"kind", "id", "path", "what"}


def test_a_list_in_another_order_is_different(connection: sql.Connection, collection: Any) -> None:
    """The order of a list is part of the document."""
    swapped = world.documents()[0]["applications"]
    swapped[1], swapped[2] = swapped[2], swapped[1]
    collection.update_one({"_id": 1}, {"$set": {"applications": swapped}})

    report = verify.compare(world.pipeline(), connection, collection)

    assert report.first is not None
    assert report.first.path == "applications[1].id"


def test_the_order_of_fields_does_not_count(connection: sql.Connection, collection: Any) -> None:
    """A document is a set of named values."""
    document = world.documents()[2]
    collection.replace_one({"_id": 3}, dict(reversed(document.items())))

    assert verify.compare(world.pipeline(), connection, collection).equal


def test_what_only_lags_is_equal_in_the_end(connection: sql.Connection, collection: Any) -> None:
    """With a time to wait, what differs is looked at again: a lag is not damage."""
    late = collection.find_one({"_id": 2})
    collection.delete_one({"_id": 2})
    collection.insert_one({"_id": 8})
    seen = threading.Event()

    def arrive() -> None:
        seen.wait(30)
        collection.insert_one(late)
        collection.delete_one({"_id": 8})

    with contextlib.closing(_Later(arrive)):
        report = verify.compare(
            world.pipeline(), connection, collection, wait_seconds=30, progress=lambda done, total: seen.set()
        )

    assert report.equal


def test_what_stays_wrong_is_still_wrong_after_waiting(connection: sql.Connection, collection: Any) -> None:
    """Waiting ends, and the report is the same."""
    collection.update_one({"_id": 1}, {"$set": {"title": "Uno"}})
    collection.insert_one({"_id": 8})
    collection.delete_one({"_id": 2})

    report = verify.compare(world.pipeline(), connection, collection, wait_seconds=0.5)

    assert (report.missing, report.extra, report.different) == (1, 1, 1)


def test_the_connection_is_given_back_as_it_was(connection: sql.Connection, collection: Any) -> None:
    """Whoever lent it reads numbers again, in the time zone it had set."""
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+02:00'")

        verify.compare(world.pipeline(), connection, collection)

        cursor.execute("SELECT @@session.time_zone, id FROM meetup.meeting WHERE id = 1")
        assert cursor.fetchone() == ("+02:00", 1)


class _Later:
    """Runs something beside the test and waits for it at the end."""

    def __init__(self, work: Any) -> None:
        self._thread = threading.Thread(target=work)
        self._thread.start()

    def close(self) -> None:
        self._thread.join()
