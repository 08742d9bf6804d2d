"""
A real mongod and a real MariaDB, then a real MySQL: every test of this folder runs with both.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncsvc.devstack.missing import ServerMissing
from syncsvc.devstack.stack import Stack


@pytest.fixture(scope="session", params=["mariadb", "mysql"])
def servers(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A source and a target; no Kafka, because nothing flows here."""
    stack = Stack(sql=request.param, connect=False, kafka=False)
    try:
        stack.start()
    except ServerMissing as missing:
        pytest.skip(f"{request.param} cannot be had here: {missing}")
    try:
        yield stack
    finally:
        stack.stop()
