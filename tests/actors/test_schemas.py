"""A router whose records are in Avro waits for their schemas, and parks nothing while the registry is away."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest

from syncsvc.actors import schemas
from syncsvc.errors import Unreachable
from syncsvc.flow import Record

AVRO = Record(0, b"", struct.pack(">BI", 0, 7) + b"body")
JSON = Record(1, b"{}", b"{}")


class Store:
    """A registry that is away for a while."""

    def __init__(self, away: int = 0) -> None:
        self.away, self.held, self.asked = away, set[int](), 0

    def __call__(self, number: int) -> str:
        """Any schema."""
        return "{}"

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those not fetched."""
        return set(numbers) - self.held

    def prepare(self, numbers: Iterable[int]) -> None:
        """Answers when it is there."""
        self.asked += 1
        if self.away:
            self.away -= 1
            raise Unreachable(code="registry.unreachable", where="http://registry", what="no answer", fix="start it")
        self.held |= set(numbers)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """What was said of each wait; waits take no time."""
    monkeypatch.setattr(schemas, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(schemas, "LONGEST_WAIT_SECONDS", 0.003)
    return []


async def test_a_schema_is_fetched_once(told: list[tuple[int, float]]) -> None:
    """And records in JSON ask for nothing."""
    store = Store()

    def say(attempt: int, wait: float) -> None:
        told.append((attempt, wait))

    for _ in range(2):
        assert await schemas.fetched(store, [AVRO, JSON], closing=lambda: False, told=say)
    assert (store.held, store.asked, told) == ({7}, 1, [])


async def test_a_registry_that_is_away_is_waited_for(told: list[tuple[int, float]]) -> None:
    """Longer and longer, up to a bound, and each wait is said."""
    store = Store(away=4)

    assert await schemas.fetched(store, [AVRO], closing=lambda: False, told=lambda *said: told.append(said))
    assert told == [(1, 0.001), (2, 0.002), (3, 0.003), (4, 0.003)]


async def test_a_worker_that_leaves_does_not_wait_for_the_registry(told: list[tuple[int, float]]) -> None:
    """Its partitions go to another one, which goes on at the same record."""
    store = Store(away=1_000_000)

    assert not await schemas.fetched(
        store, [AVRO], closing=lambda: len(told) == 2, told=lambda *said: told.append(said)
    )
