"""
Looking into topics from outside: the newest records of a partition, without a group and without changing anything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass

import aiokafka

from syncsvc.engine import clients, reach, topics
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings

#: Offsets that hold no record (transaction marks, compacted ones) before the end are passed over at most this long.
QUIET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Read:
    """One record as it is in the log."""

    topic: str
    partition: int
    offset: int
    #: Of the broker or the producer, ms.
    timestamp: int
    key: bytes | None
    value: bytes | None


@contextlib.asynccontextmanager
async def reader(settings: EngineSettings) -> AsyncIterator[Reader]:
    """
    An open `Reader`.

    Raises:
        Unreachable: also in its methods.
    """
    async with clients.looking(settings) as consumer:
        yield Reader(settings, consumer)


class Reader:
    """Reads partitions that exist; see `reader`."""

    def __init__(self, settings: EngineSettings, consumer: aiokafka.AIOKafkaConsumer) -> None:
        self._settings, self._consumer = settings, consumer

    async def bounds(self, tps: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        """`{partition: (first offset that is there, offset of the next record)}`."""
        async with reach.explained(self._settings):
            return await clients.bounds(self._consumer, tps)

    async def last(self, tps: Collection[TP], most: int) -> AsyncIterator[Read]:
        """The records among the last `most` offsets of each partition; in order within a partition."""
        bounds = await self.bounds(tps)
        at = {tp: max(first, end - most) for tp, (first, end) in bounds.items() if end > first}
        wanted = [aiokafka.TopicPartition(*tp) for tp in at]
        self._consumer.assign(wanted)
        for tp in wanted:
            self._consumer.seek(tp, at[TP(*tp)])
        left, quiet_since = set(at), time.monotonic()
        while left and time.monotonic() - quiet_since < QUIET_SECONDS:
            async with reach.explained(self._settings):
                found = await self._consumer.getmany(timeout_ms=200)
                # The position also passes what holds no record.
                done = {tp for tp in left if await self._position(tp) >= bounds[tp][1]}
            for tp, records in found.items():
                quiet_since = time.monotonic()
                for record in records:
                    if record.offset < bounds[TP(*tp)][1]:
                        yield Read(tp.topic, tp.partition, record.offset, record.timestamp, record.key, record.value)
            left -= done
            for tp in done:
                self._consumer.pause(aiokafka.TopicPartition(*tp))

    async def _position(self, tp: TP) -> int:
        position: int = await self._consumer.position(aiokafka.TopicPartition(*tp))
        return position


async def newest_ms(settings: EngineSettings, topic: str) -> int | None:
    """
    Timestamp (ms) of the newest record of a topic; None: there is no such topic or no record in it.

    Raises:
        Unreachable: Kafka is not there.
    """
    async with topics.Topics(settings) as admin:
        there = await admin.describe([topic])
    if topic not in there:
        return None
    tps = [TP(topic, number) for number in range(there[topic].partitions)]
    async with reader(settings) as reading:
        found = [record.timestamp async for record in reading.last(tps, 10)]
    return max(found, default=None)
