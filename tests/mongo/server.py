"""A real mongod for the tests of this folder and of `tests/contract`, and a way to make it fail on command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import bson
import pytest

from syncsvc.devstack import cache, children
from syncsvc.devstack.mongod import Mongod
from syncsvc.mongo import client, fences, namespaces
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.commit import Commit, Write
from syncsvc.mongo.committer import Committer
from syncsvc.mongo.fences import Fence

STATE = "syncsvc_state.test.g1"


class FaultyMongod(Mongod):
    """mongod with its own test commands, so that fail points can be set."""

    def _command(self) -> Sequence[str]:
        return [*super()._command(), "--setParameter", "enableTestCommands=1"]


class UninitiatedMongod(Mongod):
    """A member of a replica set that nobody has initiated."""

    def _settle(self) -> None:
        pass


@pytest.fixture(scope="module")
def store() -> Iterator[cache.Cache]:
    """Owner of the servers' processes."""
    nursery = children.Nursery()
    yield cache.Cache(nursery, print)
    nursery.close()


@pytest.fixture(scope="module")
def mongod(store: cache.Cache, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyMongod]:
    """One server a module."""
    server = FaultyMongod(store, tmp_path_factory.mktemp("mongod"), cache_gb=0.25)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mongo(mongod: FaultyMongod, request: pytest.FixtureRequest) -> Iterator[Mongo]:
    """A connection to an empty database with the bookkeeping in it."""
    name = f"t{abs(hash(request.node.name)) % 10**9}"
    connection = client.connect(mongod.uri, name)
    namespaces.ensure(connection, ["docs", STATE])
    yield connection
    connection.client.drop_database(name)
    connection.close()


@pytest.fixture
def committer(mongo: Mongo) -> Iterator[Committer]:
    """A running committer."""
    made = Committer(mongo)
    yield made
    made.close()


def owned(mongo: Mongo, committer: Committer, name: str = "test/g1/joiner/0") -> Fence:
    """A fence that the committer owns."""
    return fences.open_fence(mongo, name, committer.lsid)


def put(wanted: Any, **fields: Any) -> Write:
    """A document to set."""
    return Write("put", bson.encode({"_id": wanted}), bson.encode({"_id": wanted, **fields}), "docs")


def insert(wanted: Any, **fields: Any) -> Write:
    """A document to insert."""
    return Write("insert", bson.encode({"_id": wanted}), bson.encode({"_id": wanted, **fields}), "docs")


def step(fence: Fence, *writes: Write, seq: int | None = None, blob: bytes = b"segment") -> Commit:
    """One step of the fence; the next one when `seq` is not given."""
    at = fence.seq if seq is None else seq
    return Commit(fence.id, fence.epoch, at, {"offset": at * 10 + 10}, [blob], STATE, writes)


def stored(mongo: Mongo) -> dict[Any, dict[str, Any]]:
    """`{_id: document}` of the target collection."""
    return {document["_id"]: document for document in mongo.database["docs"].find()}


def fence_now(mongo: Mongo, fence: Fence) -> tuple[int, int, int]:
    """`(epoch, seq, offset)` as stored."""
    found = mongo.database["syncsvc_fences"].find_one({"_id": fence.id})
    assert found is not None
    return found["epoch"], found["seq"], found["offset"]


@contextmanager
def failing(mongo: Mongo, commands: list[str], times: int, **how: Any) -> Iterator[None]:
    """The server fails the named commands, so many times, in the way given (`failCommand` of the server)."""
    fail = {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": {"failCommands": commands, **how}}
    mongo.client.admin.command(fail)
    yield
    mongo.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
