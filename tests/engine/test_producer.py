"""Sending: order within and between calls, every record acknowledged, every failure told."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import aiokafka
import pytest

from syncsvc.engine.producer import Producer
from syncsvc.engine.settings import EngineSettings
from tests.engine.ledger import numbered, numbers

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]


async def read(settings: EngineSettings, topic: str, partition: int, count: int) -> list[Any]:
    """The first records of a partition."""
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20
    )
    await consumer.start()
    consumer.assign([aiokafka.TopicPartition(topic, partition)])
    found: list[Any] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    await consumer.stop()
    return found


@pytest.mark.parametrize("compression", [None, "lz4"])
async def test_calls_at_the_same_time_keep_the_order_they_were_made_in(
    make_topic: Any, settings: EngineSettings, compression: Any
) -> None:
    """Fifty sends at once to two partitions, in batches smaller than a call: each partition is in order."""
    topic = await make_topic(2)
    producer = Producer(dataclasses.replace(settings, compression=compression, send_batch_bytes=1000))
    await producer.start()

    await asyncio.gather(*(producer.send(topic, {p: numbered(100, n * 100) for p in range(2)}) for n in range(50)))
    await producer.stop()

    for partition in range(2):
        found = await read(settings, topic, partition, 5000)
        assert numbers(record.value for record in found) == list(range(5000))


async def test_tombstones_and_records_larger_than_a_batch_are_sent_as_they_are(
    make_topic: Any, settings: EngineSettings
) -> None:
    """A delete is a null value; a 5 MB row goes alone, in its place."""
    topic = await make_topic(1)
    producer = Producer(settings)
    await producer.start()

    await producer.send(topic, {0: [(b"a", b"1"), (b"a", None), (b"b", b"x" * 5_000_000), (b"c", b"2")]})
    await producer.stop()

    found = await read(settings, topic, 0, 4)
    assert [(r.key, len(r.value) if r.value is not None else None) for r in found] == [
        (b"a", 1),
        (b"a", None),
        (b"b", 5_000_000),
        (b"c", 1),
    ]


async def test_a_record_over_the_limit_is_refused_before_it_is_sent(make_topic: Any, settings: EngineSettings) -> None:
    """The limit is ours, so the error names it."""
    topic = await make_topic(1)
    producer = Producer(dataclasses.replace(settings, send_request_bytes=2_000_000))
    await producer.start()

    with pytest.raises(ValueError, match="over 2000000 bytes"):
        await producer.send(topic, {0: [(b"k", b"x" * 3_000_000)]})
    await producer.stop()


async def test_what_the_broker_refuses_is_raised_to_the_sender(make_topic: Any, settings: EngineSettings) -> None:
    """A record over the topic's limit, or a partition that is not there: no fence may follow."""
    topic = await make_topic(1)
    producer = Producer(settings)
    await producer.start()

    with pytest.raises(aiokafka.errors.MessageSizeTooLargeError):
        await producer.send(topic, {0: [(b"k", b"x" * 9_000_000)]})
    with pytest.raises(Exception, match="partition"):
        await producer.send(topic, {7: [(b"k", b"v")]})
    await producer.send(topic, {0: [(b"k", b"after")]})
    await producer.stop()

    assert [record.value for record in await read(settings, topic, 0, 1)] == [b"after"]


async def test_a_broker_that_stays_away_fails_the_send_in_bounded_time(
    make_topic: Any, settings: EngineSettings, kafka: Any
) -> None:
    """The delivery timeout is the longest a step can hang on Kafka."""
    topic = await make_topic(1)
    producer = Producer(dataclasses.replace(settings, delivery_timeout_seconds=2.0))
    await producer.start()
    await producer.send(topic, {0: [(b"k", b"v")]})
    kafka.kill()
    try:
        with pytest.raises(aiokafka.errors.KafkaError):
            await asyncio.wait_for(producer.send(topic, {0: [(b"k", b"v")]}), 30)
    finally:
        await asyncio.to_thread(kafka.start)
    await producer.stop()
