"""
What both engines share beside reading: sending, and the offsets of partitions.

Questions go over a consumer without a group, so they can be asked before, during and after a rebalance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import aiokafka
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from syncsvc import errors
from syncsvc.engine import clients, reach, topic_metadata, topics
from syncsvc.engine.port import TP, Outgoing
from syncsvc.engine.producer import Producer
from syncsvc.engine.settings import EngineSettings


class Wire:
    """Connections to Kafka that do not belong to a group's member."""

    def __init__(self, settings: EngineSettings, group: str) -> None:
        self._settings = settings
        self._group = group
        self.producer = Producer(settings)
        self._asking: aiokafka.AIOKafkaConsumer | None = None

    async def start(self, needed: Iterable[str]) -> None:
        """
        Connect, and see that the topics exist: subscribing to one that does not would wait for ever.

        Raises:
            Unreachable: Kafka does not answer.
            Drift: code `topic.missing`.
        """
        names = sorted(set(needed))
        async with topics.Topics(self._settings) as there:
            missing = sorted(set(names) - (await there.describe(names)).keys())
        if missing:
            raise errors.Drift.of(p for name in missing for p in topics.check_topic(topics.TopicWish(name, 0), None))
        self._asking = clients.onlooker(self._settings)
        async with reach.explained(self._settings):
            await self._asking.start()
            await clients.know(self._asking, names)
            await self.producer.start()

    async def stop(self) -> None:
        """Send what is in flight, then disconnect."""
        try:
            await self.producer.stop()
        finally:
            asking, self._asking = self._asking, None
            if asking is not None:
                await clients.stop(asking)

    async def send(self, topic: str, outgoing: Outgoing) -> None:
        """See `Producer.send`."""
        await self.producer.send(topic, outgoing)

    async def end_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Where the next record will be written, open transactions not counted; raises Unreachable."""
        async with reach.explained(self._settings):
            found = await self._asked().end_offsets([aiokafka.TopicPartition(*tp) for tp in tps])
        return {TP(*tp): offset for tp, offset in found.items()}

    async def beginning_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The first offset that is still there; raises Unreachable."""
        async with reach.explained(self._settings):
            found = await self._asked().beginning_offsets([aiokafka.TopicPartition(*tp) for tp in tps])
        return {TP(*tp): offset for tp, offset in found.items()}

    async def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """`{topic: Kafka's own id of it}` of those that exist; "" where the broker has none.  Raises Unreachable."""
        async with reach.explained(self._settings):
            found = await topic_metadata.ask(self._asked()._client, set(names))
        return {topic["topic"]: topic["topic_id"] for topic in found}

    async def committed(self, tps: Iterable[TP]) -> dict[TP, int]:
        """What lag tools see of the group; a partition without a commit is not in it.  Raises Unreachable."""
        async with clients.admin(self._settings) as admin, reach.explained(self._settings):
            found = await admin.list_consumer_group_offsets(
                self._group, partitions=[aiokafka.TopicPartition(*tp) for tp in tps]
            )
        return {TP(*tp): at.offset for tp, at in found.items() if at.offset >= 0}

    async def refuse_foreign_group(self) -> None:
        """
        See that this user has a right to the group: aiokafka would try to join it for ever.

        Raises:
            Unreachable: `kafka.forbidden`, or Kafka does not answer; that the group has no coordinator yet is left to
                the join, which waits for it.
        """
        async with clients.admin(self._settings) as admin:
            try:
                async with asyncio.timeout(self._settings.reach_timeout_seconds):
                    await admin.find_coordinator(self._group)
            except GroupAuthorizationFailedError:
                raise reach.forbidden(GroupAuthorizationFailedError(self._group)) from None
            except (KafkaError, TimeoutError):  # on a new cluster the groups' own topic is made at this moment
                pass

    def _asked(self) -> aiokafka.AIOKafkaConsumer:
        if self._asking is None:
            raise RuntimeError("the engine is not started, or stopped already")
        return self._asking
