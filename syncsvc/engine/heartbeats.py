"""
When the connectors of some sources were last heard of: the newest record of their heartbeat topics.

With `heartbeat.interval.ms` a Debezium connector writes to `__debezium-heartbeat.<topic prefix>`: at that interval
while anything comes from the database's log, else with the heartbeats of the database itself.  So an idle source can be
told from a broken one without asking the source or Kafka Connect.

Read beside the consumer group, and only for looking: the time is that of the Kafka record (whatever converter it was
written with), a topic that is not there or not allowed is a source without heartbeats, and no failure is told.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import aiokafka
from aiokafka.errors import KafkaError

from syncsvc import errors
from syncsvc.engine import clients, reach, topics
from syncsvc.engine.settings import EngineSettings

#: Debezium's default of `topic.heartbeat.prefix`.
TOPIC = "__debezium-heartbeat.{prefix}"
#: Records read back from the end at first: behind the last heartbeat there may be markers of transactions.
LOOK_BACK_RECORDS = 10
#: How long the broker holds a fetch that brings nothing: heartbeats come seconds apart.
FETCH_WAIT_MS = 2_000
#: Between two looks for topics that were not there.
LOOK_AGAIN_SECONDS = 30.0


class Heartbeats:
    """
    Reads the heartbeat topics of some sources.

    Args:
        prefixes: topic prefixes of the sources.
    """

    def __init__(self, settings: EngineSettings, prefixes: Iterable[str]) -> None:
        self._settings = settings
        self._sources = {TOPIC.format(prefix=prefix): prefix for prefix in prefixes}
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self._read: set[str] = set()
        self._looked_at = float("-inf")

    async def newest(self) -> dict[str, int]:
        """`{topic prefix: Unix ms of its newest heartbeat}` of what came since the last call; never waits for one."""
        try:
            if self._read != set(self._sources) and time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
                self._looked_at = time.monotonic()
                await self._find()
            return await self._take()
        except (KafkaError, errors.Unreachable, OSError):
            await self.stop()
            return {}

    async def stop(self) -> None:
        """Disconnects; the next look begins anew."""
        consumer, self._consumer, self._read = self._consumer, None, set()
        if consumer is not None:
            with contextlib.suppress(KafkaError, OSError):
                await clients.stop(consumer)

    async def _find(self) -> None:
        """Reads the topics that are there from just before their ends."""
        async with topics.Topics(self._settings) as admin:
            there = await admin.describe(self._sources)
        if not there or set(there) == self._read:
            return
        await self.stop()
        self._consumer = clients.onlooker(self._settings, auto_offset_reset="latest", fetch_max_wait_ms=FETCH_WAIT_MS)
        async with reach.explained(self._settings):
            await self._consumer.start()
            counts = {name: state.partitions for name, state in there.items()}
            tps = [aiokafka.TopicPartition(name, number) for name in counts for number in range(counts[name])]
            self._consumer.assign(tps)
            for tp, (first, last) in (await clients.bounds(self._consumer, tps)).items():
                self._consumer.seek(aiokafka.TopicPartition(*tp), max(first, last - LOOK_BACK_RECORDS))
        self._read = set(there)

    async def _take(self) -> dict[str, int]:
        found: dict[str, int] = {}
        while self._consumer is not None:
            batches = await self._consumer.getmany(timeout_ms=0)
            for tp, records in batches.items():
                newest = max(record.timestamp for record in records)
                source = self._sources[tp.topic]
                found[source] = max(newest, found.get(source, 0))
            if not batches:
                break
        return found
