"""A worker that runs notices that one of its topics is no longer the one it began with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

import pytest

from syncsvc.engine.engine import Engine
from syncsvc.engine.port import TP
from syncsvc.errors import Drift, Unreachable
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.generations import Generation, TopicFacts
from syncsvc.wiring.recreation import Recreation

THEN = {"keyed": "id of keyed", "user": "id of user"}
HELD = Generation(
    "meetings", 1, "hash", {}, TopicFacts("keyed", THEN["keyed"], 8), (TopicFacts("user", THEN["user"], 1, (3,)),)
)


class Broker:
    """What it answers; None: nothing."""

    where = "here"

    def __init__(self, ids: Mapping[str, str] | None) -> None:
        self.ids = ids
        self.asked: list[str] = []

    async def topic_ids(self, names: Iterable[str]) -> Mapping[str, str]:
        """Of those that exist."""
        self.asked += names
        if self.ids is None:
            raise Unreachable(code="kafka.unreachable", where="there", what="nobody answers", fix="start it")
        return self.ids


async def looked(held: Generation, broker: Broker) -> None:
    """Once."""
    recreation = Recreation(held, cast(Mongo, broker))
    recreation.engine = cast(Engine, broker)
    await recreation.look()


@pytest.mark.parametrize("name", ["user", "keyed"])
async def test_a_topic_that_is_made_anew_ends_the_worker_with_the_words_of_a_start(name: str) -> None:
    """
    Exit code 3: somebody deleted a topic, and it had grown past the place where the worker read on.

    It read on from the middle, and the rows before that were in no document.
    """
    with pytest.raises(Drift, match=r"generation\.topic_recreated") as refused:
        await looked(HELD, Broker({**THEN, name: "another"}))

    assert f"id of topic {name} was id of {name} when the generation began and is another" in str(refused.value)


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(THEN, id="as they were"),
        pytest.param({"keyed": THEN["keyed"]}, id="one is gone"),
        pytest.param({"keyed": "", "user": ""}, id="a broker that gives none"),
        pytest.param(None, id="a broker that is away"),
    ],
)
async def test_what_proves_nothing_ends_nothing(ids: Mapping[str, str] | None) -> None:
    """A topic that is gone may be told by what reads it; a broker comes back."""
    broker = Broker(ids)
    await looked(HELD, broker)

    assert broker.asked == ["keyed", "user"]


async def test_a_generation_without_ids_asks_for_none() -> None:
    """It began under a broker before 2.8, or an edition that did not ask; it goes on as it did."""
    broker, (source,) = Broker({"keyed": "x", "user": "y"}), HELD.sources
    await looked(replace(HELD, keyed=replace(HELD.keyed, id=""), sources=(replace(source, id=""),)), broker)

    assert broker.asked == []


async def test_who_gets_partitions_looks_before_the_first_record_of_them_is_read() -> None:
    """A topic that comes and goes moves partitions; the offsets to read on from are those of the one before."""
    broker, here = Broker(THEN), TP("user", 0)
    recreation = Recreation(HELD, cast(Mongo, broker))
    recreation.engine = cast(Engine, broker)

    async def bounds(tps: set[TP]) -> Mapping[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 9))

    assert await recreation.before(bounds)({here}) == {here: (0, 9)}
    broker.ids = {**THEN, "user": "another"}
    with pytest.raises(Drift, match=r"generation\.topic_recreated"):
        await recreation.before(bounds)({here})
