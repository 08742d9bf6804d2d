"""Connecting: what is refused, and what a user is told to do about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo.read_concern import ReadConcern

from syncsvc import tls
from syncsvc.devstack import cache, server
from syncsvc.devstack.mongod import Mongod
from syncsvc.errors import Unreachable, UsageFault
from syncsvc.mongo import client, health, namespaces
from syncsvc.mongo.committer import Committer
from tests.mongo.server import STATE, FaultyMongod, UninitiatedMongod, fence_now, owned, put, step

pytestmark = pytest.mark.servers


@pytest.fixture
def one_of(store: cache.Cache, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mongod]:
    """A server of the kind asked for."""
    made: Mongod = request.param(store, tmp_path)
    made.start()
    yield made
    made.stop()


def standalone(store: cache.Cache, folder: Path) -> Mongod:
    """A server without replica set."""
    return Mongod(store, folder, standalone=True, cache_gb=0.25)


@pytest.mark.parametrize("one_of", [standalone], indirect=True)
def test_a_standalone_server_is_refused_with_the_way_out(one_of: Mongod) -> None:
    """There are no transactions; the message has the commands that make it a replica set."""
    with pytest.raises(Unreachable) as refused:
        client.connect(one_of.uri, "db")

    (problem,) = refused.value.problems
    assert problem.code == "mongo.no_transactions"
    assert "--replSet rs0" in problem.fix
    assert "rs.initiate()" in problem.fix


@pytest.mark.parametrize("one_of", [UninitiatedMongod], indirect=True)
def test_a_set_that_was_never_initiated_is_told_apart(one_of: Mongod) -> None:
    """It only wants rs.initiate(), not a restart."""
    with pytest.raises(Unreachable, match=r"mongo\.not_initiated"):
        client.connect(f"mongodb://{one_of.address}/", "db", patience_seconds=1.5)


def test_a_replica_set_is_taken(mongod: FaultyMongod) -> None:
    """Also by one address, without the name of the set."""
    connection = client.connect(f"mongodb://{mongod.address}/", "db")

    assert connection.where == f"{mongod.address}/db"
    connection.close()


@pytest.mark.parametrize(
    "preferred",
    [
        pytest.param("secondary", id="which this set has none of"),
        pytest.param("secondaryPreferred&maxStalenessSeconds=90", id="at most 90 s old"),
    ],
)
def test_what_the_uri_prefers_to_read_from_does_not_hold_for_us(mongod: FaultyMongod, preferred: str) -> None:
    """
    A URI is shared with applications that read from secondaries.

    The driver refuses a transaction with it, and what a fence says must be read where it was written.
    """
    connection = client.connect(f"mongodb://{mongod.address}/?readPreference={preferred}", "preferred")
    namespaces.ensure(connection, ["docs", STATE])
    committer = Committer(connection)
    fence = owned(connection, committer)
    committer.submit(step(fence, put(1))).result(20)

    assert fence_now(connection, fence) == (1, 1, 10)
    assert health.refused_transaction(connection) is None
    assert connection.database["docs"].with_options(read_concern=ReadConcern("local")).find_one() == {"_id": 1}
    committer.close()
    connection.client.drop_database("preferred")
    connection.close()


def test_a_server_that_is_not_there_is_unreachable() -> None:
    """After the patience given, not after the driver's 30 s."""
    with pytest.raises(Unreachable, match=r"mongo\.unreachable"):
        client.connect(f"mongodb://127.0.0.1:{server.free_port()}/", "db", patience_seconds=0.5)


def test_wrong_credentials_are_refused_without_being_shown(mongod: FaultyMongod) -> None:
    """The password is in no message."""
    with pytest.raises(Unreachable) as refused:
        client.connect(f"mongodb://ann:s3cret@{mongod.address}/", "db")

    assert refused.value.problems[0].code == "mongo.refused"
    assert "s3cret" not in str(refused.value)


def test_credentials_may_come_beside_the_uri(mongod: FaultyMongod) -> None:
    """As settings do it with mounted files; a user that does not exist shows that they were used."""
    with pytest.raises(Unreachable, match=r"mongo\.refused") as refused:
        client.connect(f"mongodb://{mongod.address}/", "db", access=client.Access(username="ann", password="s3cret"))

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("uri", ["mongodb://", "mongodb://a:b:c/"])
def test_a_uri_that_is_none_is_the_users_fault(uri: str) -> None:
    """Exit code 2, before anything is tried."""
    with pytest.raises(UsageFault, match=r"mongo\.bad_uri"):
        client.connect(uri, "db")


def test_a_certificate_that_is_not_mounted_is_named(mongod: FaultyMongod, tmp_path: Path) -> None:
    """The path is the place of the problem."""
    access = client.Access(tls.Files(certificate=tmp_path / "tls.crt", key=tmp_path / "tls.key"))

    with pytest.raises(UsageFault, match=r"tls\.crt  tls\.bad_file"):
        client.connect(f"mongodb://{mongod.address}/", "db", access=access)
