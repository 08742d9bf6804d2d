"""One real broker for all engine tests, settings that make rebalances quick, and both engines."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest

from syncsvc.devstack import cache, children
from syncsvc.devstack.kafka import Kafka
from syncsvc.engine.engine import Engine
from syncsvc.engine.plain import PlainEngine
from syncsvc.engine.port import Host
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicWish

#: Big enough for the largest record tried here.
LARGE = {"max.message.bytes": "8000000"}


@pytest.fixture(scope="session")
def nursery() -> Iterator[children.Nursery]:
    """Owner of the servers; ends what is left of them."""
    nursery = children.Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def kafka(nursery: children.Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker without automatic topics."""
    broker = Kafka(cache.Cache(nursery, print), tmp_path_factory.mktemp("engine") / "kafka")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def settings(kafka: Kafka) -> EngineSettings:
    """As in production but for the session, which a killed member should not hold for long."""
    return EngineSettings(kafka.bootstrap, session_timeout_seconds=6.0, commit_interval_seconds=0.2)


@pytest.fixture
def make_topic(settings: EngineSettings) -> Callable[[int], Awaitable[str]]:
    """`await make_topic(partitions)` makes a topic of its own and returns its name."""

    async def make(partitions: int) -> str:
        name = f"t.{uuid.uuid4().hex[:8]}"
        async with Topics(settings) as topics:
            await topics.create([TopicWish(name, partitions, config=LARGE)])
        return name

    return make


@pytest.fixture(params=[Engine, PlainEngine], ids=["faust", "plain"])
async def make_engine(request: Any, settings: EngineSettings) -> AsyncIterator[Callable[..., Any]]:
    """`make_engine(host, [topics], …)` makes an engine, not started; all are stopped at the end of the test."""
    made: list[Any] = []

    def make(
        host: Host,
        router_topics: Sequence[str],
        joiner_topic: str | None = None,
        group: str = "",
        with_settings: EngineSettings | None = None,
    ) -> Any:
        engine = request.param(
            with_settings or settings, group or f"g.{uuid.uuid4().hex[:8]}", router_topics, joiner_topic, host
        )
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.stop()
