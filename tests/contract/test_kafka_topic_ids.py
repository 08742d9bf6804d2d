"""
What we believe of Kafka's ids of topics, against a real broker.

`generation.topic_recreated` rests on them: a topic's name says nothing, and an offset only when it is beyond the end.
"""

from __future__ import annotations

import uuid

import pytest
from aiokafka.protocol.metadata import MetadataRequest

from syncsvc.devstack.kafka import Kafka
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicWish
from syncsvc.engine.wire import Wire
from tests.engine import conftest

nursery, kafka, settings = conftest.nursery, conftest.kafka, conftest.settings


def test_aiokafka_itself_asks_for_no_ids() -> None:
    """They come with version 10 of the Metadata API.  Why `engine.topic_metadata` is there: it may go then."""
    assert max(version.API_VERSION for version in MetadataRequest._CLASSES) < 10


@pytest.mark.servers
async def test_a_topic_that_is_made_anew_has_another_id(settings: EngineSettings) -> None:
    """Under the same name and with as many partitions; the other topic keeps its own."""
    anew, other = (TopicWish(f"t.{uuid.uuid4().hex[:8]}", 2, 1) for _ in range(2))
    async with Topics(settings) as topics:
        await topics.create([anew, other])
        before = await topics.describe([anew.name, other.name])
        await topics.delete([anew.name])
        await topics.create([anew])
        now = await topics.describe([anew.name, other.name])

    assert len({before[anew.name].id, now[anew.name].id, now[other.name].id, ""}) == 4
    assert before[other.name] == now[other.name]
    assert (now[anew.name].partitions, now[anew.name].replication) == (2, 1)


@pytest.mark.servers
async def test_the_id_is_the_one_that_kafkas_tools_print_and_outlives_the_broker(
    kafka: Kafka, settings: EngineSettings
) -> None:
    """A restart, a setting and records are no new topic; the connection that asks for offsets asks for ids too."""
    name = f"t.{uuid.uuid4().hex[:8]}"
    wire = Wire(settings, "ids")
    async with Topics(settings) as topics:
        await topics.create([TopicWish(name, 1, 1)])
        first = (await topics.describe([name]))[name].id
        await topics.alter(name, {"retention.ms": "1234567"})
    await wire.start([name])
    await wire.send(name, {0: [(b"k", b"v")]})
    assert await wire.topic_ids([name, "absent"]) == {name: first}
    await wire.stop()
    async with Topics(settings) as topics:
        assert "absent" not in await topics.describe(["absent"])

    kafka.stop()
    kafka.start()

    async with Topics(settings) as topics:
        assert (await topics.describe([name]))[name].id == first
    assert len(first) == 22
    assert (kafka.folder / "logs" / f"{name}-0" / "partition.metadata").read_text().split()[-1] == first
