"""
`write: merge`: a collection that the application writes, too; and tables of two servers in one document.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc import mapping, verify
from syncsvc.devstack.stack import Stack
from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Pipeline
from syncsvc.source import connection as sql
from tests.verify import world

pytestmark = pytest.mark.servers

SHARED = mapping.load_text(world.MAPPING + "publish: direct\nwrite: merge\n", "meetings.yaml")


@pytest.fixture
def connection(servers: Stack) -> Iterator[sql.Connection]:
    """As the service user, on fresh tables."""
    servers.sql.execute(*world.SCHEMA, *world.ROWS)
    with contextlib.closing(sql.connect(servers.sql.dsn)) as opened:
        yield opened


@pytest.fixture
def collection(servers: Stack, connection: sql.Connection) -> Iterator[Any]:
    """A collection that is right, with fields and a document of the application."""
    with MongoClient[dict[str, Any]](servers.mongod.uri) as client:
        found = client["verify"]["shared"]
        found.drop()
        found.insert_many([{**document, "likes": 3} for document in world.documents()])
        found.insert_one({"_id": 99, "likes": 1})
        yield found


def test_what_belongs_to_the_application_is_no_difference(connection: sql.Connection, collection: Any) -> None:
    """Neither its fields nor documents that never were ours."""
    assert verify.compare(SHARED, connection, collection).equal


def test_our_own_fields_are_compared(connection: sql.Connection, collection: Any) -> None:
    """Also one that is gone."""
    collection.update_one({"_id": 1}, {"$set": {"title": "Uno"}})
    collection.update_one({"_id": 2}, {"$unset": {"seats": 1}})

    report = verify.compare(SHARED, connection, collection)

    assert [(found.id, found.path) for found in report.differences] == [(1, "title"), (2, "seats")]


def test_a_document_of_the_application_does_not_stand_for_ours(connection: sql.Connection, collection: Any) -> None:
    """Without our version it was not written by us: the row's document is missing."""
    collection.update_one({"_id": 1}, {"$unset": {"_sync": 1}})

    report = verify.compare(SHARED, connection, collection)

    assert (report.missing, report.extra, report.different) == (1, 0, 0)


def test_a_document_of_ours_without_a_row_is_found(connection: sql.Connection, collection: Any) -> None:
    """It carries our version, so it should have gone with its row."""
    collection.update_one({"_id": 99}, {"$set": {"_sync": {"v": [1, 1]}}})

    report = verify.compare(SHARED, connection, collection)

    assert [(found.kind, found.id) for found in report.differences] == [("extra", 99)]


@pytest.fixture
def of_two_servers() -> Pipeline:
    """The meetings, with users of another server."""
    text = world.MAPPING.replace("meetup.user: {key: id, ", "meetup.user: {key: id, topic_prefix: elsewhere, ")
    return mapping.load_text(text, "meetings.yaml")


def test_tables_of_two_servers_are_read_over_two_connections(
    servers: Stack, connection: sql.Connection, of_two_servers: Pipeline, collection: Any
) -> None:
    """Each table over the connection of its topic prefix."""
    collection.drop()
    collection.insert_many(world.documents())
    with contextlib.closing(sql.connect(servers.sql.dsn)) as other:
        connections = {"meetup": connection, "elsewhere": other}

        report = verify.compare(of_two_servers, connections, collection)

    assert report.differences == ()
    assert (report.documents, report.equal) == (3, True)


def test_a_server_without_a_connection_is_refused(
    connection: sql.Connection, of_two_servers: Pipeline, collection: Any
) -> None:
    """Reading its tables from another server would prove nothing."""
    with pytest.raises(UsageFault, match="elsewhere"):
        verify.compare(of_two_servers, {"meetup": connection}, collection)
