"""One authority and one guarded server of each kind for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc.devstack import cache, children
from tests.security.authority import Authority
from tests.security.guarded import GuardedKafka, GuardedMongod


@pytest.fixture(scope="session")
def store() -> Iterator[cache.Cache]:
    """Owner of the servers' processes."""
    nursery = children.Nursery()
    yield cache.Cache(nursery, print)
    nursery.close()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the certificates and of the servers."""
    return tmp_path_factory.mktemp("security")


@pytest.fixture(scope="session")
def authority(place: Path) -> Authority:
    """The company's own."""
    return Authority(place, "company")


@pytest.fixture(scope="session")
def stranger(place: Path) -> Authority:
    """Another one, that nobody here trusts."""
    return Authority(place, "stranger")


@pytest.fixture(scope="session")
def kafka(store: cache.Cache, place: Path, authority: Authority) -> Iterator[GuardedKafka]:
    """A broker with TLS, SCRAM and an authorizer."""
    broker = GuardedKafka(store, place / "kafka", authority, authority.issue("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def mongod(store: cache.Cache, place: Path, authority: Authority) -> Iterator[GuardedMongod]:
    """A replica set with TLS and users."""
    server = GuardedMongod(store, place / "mongod", authority, authority.issue("mongod"))
    server.start()
    yield server
    server.stop()
