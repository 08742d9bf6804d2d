"""Real servers for the tests of the stack itself; fetched once into the user's cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc.devstack import cache, children


@pytest.fixture
def store() -> Iterator[cache.Cache]:
    """The user's cache, with a nursery that ends with the test."""
    nursery = children.Nursery()
    yield cache.Cache(nursery, print)
    nursery.close()


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[cache.Cache]:
    """An empty cache."""
    nursery = children.Nursery()
    yield cache.Cache(nursery, print, tmp_path / "cache")
    nursery.close()
