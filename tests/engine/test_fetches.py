"""What a pause between reads does, and does not do, to the records that come meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import aiokafka
import pytest
from aiokafka import TopicPartition

from syncsvc.engine import clients
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.fetches import Fetches
from syncsvc.engine.producer import Producer
from syncsvc.engine.settings import EngineSettings

pytestmark = [pytest.mark.servers, pytest.mark.timeout(60)]


def paused(consumer: aiokafka.AIOKafkaConsumer, settings: EngineSettings, seconds: float) -> Fetches:
    """Fetches of a loop that is never idle: a small read is followed by the longest pause."""
    given = dataclasses.replace(settings, pause_seconds=seconds)
    return Fetches(consumer, given, Cycle(Producer(given), lambda more: None), load=lambda: 1.0)


async def read(fetches: Fetches, tp: TopicPartition) -> list[bytes]:
    """Values of the next read that brings something."""
    while not (found := await fetches.take({tp}, 1.0)):
        pass
    return [record.value for record in found[tp]]


async def test_what_comes_in_a_pause_is_read_together_right_after_it(
    make_topic: Any, settings: EngineSettings
) -> None:
    """
    One request for all of it: a record waits for one pause at most.

    aiokafka's own request goes out as soon as something is taken, and comes back with the first record alone.
    """
    tp = TopicPartition(await make_topic(1), 0)
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    async with clients.looking(settings) as consumer:
        consumer.assign([tp])
        consumer.seek(tp, 0)
        fetches = paused(consumer, settings, 2.0)
        await producer.send_and_wait(tp.topic, b"0", partition=0)
        assert await read(fetches, tp) == [b"0"]

        for number in range(1, 6):
            await producer.send_and_wait(tp.topic, b"%d" % number, partition=0)

        assert await read(fetches, tp) == [b"1", b"2", b"3", b"4", b"5"]
    await producer.stop()


async def test_a_consumer_that_stops_in_a_pause_stops_at_once(make_topic: Any, settings: EngineSettings) -> None:
    """A worker leaves its group without waiting for a read that it will not make."""
    tp = TopicPartition(await make_topic(1), 0)
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    await producer.send_and_wait(tp.topic, b"0", partition=0)
    await producer.stop()
    consumer = clients.onlooker(settings)
    await consumer.start()
    consumer.assign([tp])
    consumer.seek(tp, 0)
    await read(paused(consumer, settings, 3600.0), tp)
    async with asyncio.timeout(10):
        while not consumer._fetcher._pending_tasks:  # noqa: ASYNC110 (until aiokafka makes its next request, which pauses)
            await asyncio.sleep(0)

        await consumer.stop()
