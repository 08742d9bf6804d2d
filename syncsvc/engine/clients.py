"""
aiokafka's clients: made with our settings, opened with errors that say what to do, closed whatever happened.

The only place that makes a consumer or an admin client; who uses them, says for what.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError

from syncsvc.engine import raw_records, reach
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings


def member(settings: EngineSettings, group: str) -> aiokafka.AIOKafkaConsumer:
    """A consumer in a group, not yet started; the same for both engines."""
    raw_records.install()
    return aiokafka.AIOKafkaConsumer(
        **settings.connection(),
        group_id=group,
        group_instance_id=settings.instance_id,
        # Faust's assignor serves its tables and is not needed without them.
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
        enable_auto_commit=False,
        # An offset outside the log is data loss, to be refused, never to be reset silently.
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=settings.fetch_partition_bytes,
        fetch_max_bytes=settings.fetch_bytes,
        fetch_max_wait_ms=int(settings.fetch_wait_seconds * 1000),
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=int(settings.heartbeat_interval_seconds * 1000),
        rebalance_timeout_ms=int(settings.rebalance_timeout_seconds * 1000),
        max_poll_interval_ms=int(settings.most_idle_seconds * 1000),
    )


def onlooker(settings: EngineSettings, **more: Any) -> aiokafka.AIOKafkaConsumer:
    """A consumer that belongs to no group, not yet started; `more`: arguments of aiokafka's."""
    return aiokafka.AIOKafkaConsumer(
        **settings.connection(), group_id=None, enable_auto_commit=False, isolation_level="read_committed", **more
    )


async def know(consumer: aiokafka.AIOKafkaConsumer, topics: Iterable[str]) -> None:
    """
    Learns where the partitions of topics are, all with one question, before a consumer is asked for their offsets.

    aiokafka itself learns of one topic at a time, and waits 0.1 s for each: a third of the start of a small worker.
    """
    client = consumer._client
    wanted = client._topics | set(topics)
    if wanted != client._topics:
        await client.set_topics(wanted)


async def bounds(consumer: aiokafka.AIOKafkaConsumer, tps: Iterable[tuple[str, int]]) -> dict[TP, tuple[int, int]]:
    """`{partition: (first offset that is there, offset of the next record)}`; aiokafka's errors are the caller's."""
    wanted = [aiokafka.TopicPartition(*tp) for tp in tps]
    await know(consumer, {tp.topic for tp in wanted})
    first, last = await asyncio.gather(consumer.beginning_offsets(wanted), consumer.end_offsets(wanted))
    return {TP(*tp): (first[tp], last[tp]) for tp in wanted}


async def stop(consumer: aiokafka.AIOKafkaConsumer) -> None:
    """Stop it; when its broker is away, aiokafka gives up half-way with the cancellation of one of its own tasks."""
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        await consumer._coordinator.close()
        await consumer._client.close()


@contextlib.asynccontextmanager
async def looking(settings: EngineSettings) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
    """An open consumer that belongs to no group; raises Unreachable."""
    consumer = onlooker(settings)
    try:
        async with reach.explained(settings):
            await consumer.start()
        yield consumer
    finally:
        await stop(consumer)


@contextlib.asynccontextmanager
async def admin(settings: EngineSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An open admin client; raises Unreachable."""
    client = AIOKafkaAdminClient(**settings.connection())
    try:
        async with reach.explained(settings):
            await client.start()
        yield client
    finally:
        with contextlib.suppress(KafkaError):
            await client.close()
