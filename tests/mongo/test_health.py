"""
What a user of MongoDB may do and see, as `doctor` reads it, on a server where everybody has to log in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc.devstack import cache, children
from syncsvc.devstack.mongod import Mongod
from syncsvc.mongo import client, health, names
from syncsvc.mongo.client import Mongo

pytestmark = pytest.mark.servers

DATABASE = "meetup"
NEEDED = ("find", "insert", "update", "remove", "createCollection")
WANTED = {"": ("listCollections",), names.FENCES: NEEDED, "meetings__g1": NEEDED, "meetings": ("collMod",)}


class Guarded(Mongod):
    """mongod that lets nobody in without a login, once it was started a second time."""

    guarded = False

    def _command(self) -> Sequence[str]:
        key = self.folder / "key"
        if not key.exists():
            key.write_text("c3luY3N2Yw==" * 4)
            key.chmod(0o600)
        login = ["--auth", "--keyFile", str(key)] if self.guarded else []
        return [*super()._command(), *login]


@dataclass(frozen=True)
class Server:
    """The server and its users, all with the password `pw`."""

    mongod: Guarded

    @contextlib.contextmanager
    def as_user(self, name: str) -> Iterator[Mongo]:
        """A connection of one of the users."""
        uri = f"mongodb://{name}:pw@{self.mongod.address}/?replicaSet=rs0&authSource={DATABASE}"
        with contextlib.closing(client.connect(uri, DATABASE)) as opened:
            yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with three users."""
    nursery = children.Nursery()
    mongod = Guarded(cache.Cache(nursery, print), tmp_path_factory.mktemp("guarded"), cache_gb=0.25)
    mongod.start()
    with MongoClient[dict[str, Any]](mongod.uri) as opened:
        database = opened[DATABASE]
        fences = {"resource": {"db": DATABASE, "collection": names.FENCES}, "actions": list(NEEDED)}
        database.command({"createRole": "fences", "privileges": [fences], "roles": []})
        for name, roles in {"service": ["readWrite", "dbAdmin"], "reader": ["read"], "narrow": ["fences"]}.items():
            database.command({"createUser": name, "pwd": "pw", "roles": roles})
    mongod.stop()
    mongod.guarded = True
    mongod.start()
    yield Server(mongod)
    mongod.stop()
    nursery.close()


def test_a_user_with_the_usual_roles_lacks_nothing(server: Server) -> None:
    """readWrite and dbAdmin on the database; a write of nothing is acknowledged and a transaction passes."""
    with server.as_user("service") as mongo:
        assert health.missing_rights(mongo, WANTED) == {}
        assert (health.majority_seconds(mongo, 10) or 99) < 10
        assert health.refused_transaction(mongo) is None


def test_rights_that_are_missing_are_named_by_collection(server: Server) -> None:
    """A reader may not write; a user of one collection may do nothing elsewhere."""
    with server.as_user("reader") as mongo:
        missing = health.missing_rights(mongo, WANTED) or {}
        assert missing[names.FENCES] == ["createCollection", "insert", "remove", "update"]
        assert "" not in missing
        assert health.refused_transaction(mongo) == "OperationFailure (code 13)"
    with server.as_user("narrow") as mongo:
        missing = health.missing_rights(mongo, WANTED) or {}
        assert names.FENCES not in missing
        assert missing["meetings__g1"] == sorted(NEEDED)


def test_what_a_user_may_not_see_is_none(server: Server) -> None:
    """No guess about journal, disk and oplog; version and members are told to everybody."""
    with server.as_user("narrow") as mongo:
        found = health.facts(mongo)

    assert (found.journaled, found.disk, found.oplog_hours) == (None, None, None)
    assert (found.members, found.sharded) == (1, False)
    assert abs(found.clock_ahead) < 5
