"""
A real mongod and a real MariaDB, then a real MySQL, with the sample schemas; commands as a person runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncsvc.devstack import dsn
from syncsvc.devstack.missing import ServerMissing
from syncsvc.devstack.stack import Stack
from tests.cli.conftest import run as run  # the fixture
from tests.source import company, rental


@pytest.fixture(scope="session", params=["mariadb", "mysql"])
def servers(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A source with the sample schemas, and a target; no Kafka, because nothing flows here."""
    stack = Stack(sql=request.param, connect=False, kafka=False)
    try:
        stack.start()
    except ServerMissing as missing:
        pytest.skip(f"{request.param} cannot be had here: {missing}")
    try:
        stack.sql.execute(*rental.statements(request.param), *company.statements())
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def source(servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The servers, with the environment set for a database without a name of its own."""
    for name, value in servers.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", dsn.without_database(servers.env()["SYNCSVC_SOURCE_DSN"]))
    return servers
