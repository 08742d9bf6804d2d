"""
The same engine without Faust: a bare aiokafka consumer in a group, read by one task.

Used by tests and benchmarks beside `engine`, and the way out should Faust die.  It reads in the host's own loop, as
`engine` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence

import aiokafka
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from syncsvc.engine import clients, lanes, reach, thread, wire
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.engine import FirstFailure
from syncsvc.engine.fetches import Fetches
from syncsvc.engine.port import TP, Host, Outgoing
from syncsvc.engine.settings import EngineSettings


class PlainEngine:
    """Interface and promises of `engine.Engine`; see there."""

    def __init__(
        self, settings: EngineSettings, group: str, router_topics: Sequence[str], joiner_topic: str | None, host: Host
    ) -> None:
        self._settings = settings
        self._group = group
        self._topics = [*router_topics, *([joiner_topic] if joiner_topic else [])]
        self._failed = FirstFailure(host)
        self._wire = wire.Wire(settings, group)
        self._cycle = Cycle(self._wire.producer, host.reading)
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self._wanted = thread.Wanted()
        self._passed = thread.Passed()
        self._lanes = lanes.Lanes(host, settings, self._press, self._failed)
        self._joined = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """See `Engine.start`."""
        try:
            await self._wire.start(self._topics)
            self._consumer = clients.member(self._settings, self._group)
            async with reach.explained(self._settings, self._settings.join_timeout_seconds):
                await self._consumer.start()
                self._consumer.subscribe(self._topics, listener=_Listener(self))
                reading = self._read(Fetches(self._consumer, self._settings, self._cycle))
                self._tasks = [asyncio.create_task(self._guarded(w)) for w in (reading, self._commit_often())]
                await self._joined.wait()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """See `Engine.stop`."""
        consumer, self._consumer = self._consumer, None
        try:
            async with asyncio.timeout(self._settings.stop_timeout_seconds + self._settings.revoke_timeout_seconds):
                for task in self._tasks:
                    task.cancel()
                if consumer is not None:
                    await self._guarded(self._let_go(consumer))
                    self._failed.muted = True
                    await clients.stop(consumer)
                await self._wire.stop()
        except TimeoutError:
            pass
        finally:
            self._failed.muted = True

    async def send(self, topic: str, outgoing: Outgoing) -> None:
        """See `Engine.send`."""
        await self._wire.send(topic, outgoing)

    async def end_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """See `Engine.end_offsets`."""
        return await self._wire.end_offsets(tps)

    async def beginning_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """See `Engine.beginning_offsets`."""
        return await self._wire.beginning_offsets(tps)

    async def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """See `Engine.topic_ids`."""
        return await self._wire.topic_ids(names)

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int]:
        """See `Engine.committed`."""
        return await self._wire.committed(tps)

    async def _read(self, fetches: Fetches) -> None:
        while (consumer := self._consumer) is not None:
            fetched = await fetches.take(self._wanted, 0.2)
            for tp, records, position in self._passed.since(consumer, self._wanted, fetched):
                if lane := self._lanes.lane(tp):
                    lane.offer(records, position)
            await asyncio.sleep(0)

    async def _commit_often(self) -> None:
        while (consumer := self._consumer) is not None:
            await asyncio.sleep(self._settings.commit_interval_seconds)
            await self._commit(consumer)

    async def _commit(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        if not (offsets := self._lanes.uncommitted()):
            return
        try:
            async with asyncio.timeout(self._settings.commit_timeout_seconds):
                await consumer.commit({aiokafka.TopicPartition(*tp): offset for tp, offset in offsets.items()})
        except (KafkaError, TimeoutError):
            return  # for lag tools only: the next one may do
        self._lanes.committed(offsets)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self._failed(error)

    async def _let_go(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        self._wanted.clear()
        self._passed = thread.Passed()
        try:
            await self._lanes.close()
            await self._commit(consumer)
        finally:
            self._lanes.forget()

    def _press(self, tp: TP, pressed: bool) -> None:
        if pressed:
            self._wanted.discard(tp)
        else:
            self._want([tp])

    def _want(self, tps: Iterable[TP]) -> None:
        self._wanted.update(tps)

    async def _seek(self, offsets: dict[TP, int]) -> None:
        if self._consumer is not None:
            for tp, offset in offsets.items():
                self._consumer.seek(aiokafka.TopicPartition(*tp), offset)
            self._passed.at(offsets)
            self._want(offsets)


class _Listener(ConsumerRebalanceListener):
    def __init__(self, engine: PlainEngine) -> None:
        self._engine = engine

    async def on_partitions_revoked(self, revoked: object) -> None:
        if (consumer := self._engine._consumer) is not None:
            await self._engine._guarded(self._engine._let_go(consumer))

    async def on_partitions_assigned(self, assigned: Iterable[tuple[str, int]]) -> None:
        self._engine._joined.set()
        self._engine._lanes.open({TP(*tp) for tp in assigned}, self._engine._seek)
