"""
Topics: look at them, make them with the right settings, tell how they differ.

A topic is never made by accident: neither the broker's automatic creation (one partition, a week's retention) nor
Faust's declarations are used, and a question about a missing topic does not create it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from syncsvc import errors
from syncsvc.engine import clients, reach, topic_metadata
from syncsvc.engine.settings import EngineSettings

#: Settings whose difference changes what we may rely on, with what a difference means.
TELLING = {
    "cleanup.policy": "a compacted topic loses records that are still to be read, a deleted one does not",
    "retention.ms": "records are gone after it, whether they were read or not",
    "retention.bytes": "records are gone beyond it, whether they were read or not",
    "min.compaction.lag.ms": "a successor must see every record its predecessor saw",
    "max.message.bytes": "a larger record is refused",
}


#: What DescribeConfigs says of a setting that was set on the topic, not inherited from the broker.
_SET_ON_TOPIC = 1


@dataclass(frozen=True, slots=True)
class TopicWish:
    """A topic as it should be."""

    name: str
    partitions: int
    #: Copies of each partition; None: the broker's default.
    replication: int | None = None
    #: Topic settings by their Kafka names, for example `{"retention.ms": "-1"}`.
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is."""

    name: str
    partitions: int
    replication: int
    #: Every setting in force, by its Kafka name.
    config: Mapping[str, str]
    #: Kafka's own, printed; "" where the broker gives none (before 2.8).
    id: str = ""


class Topics:
    """
    The broker's topics; an async context manager.

    Raises:
        Unreachable: on entering and in every method, see `reach.explained`.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._open = contextlib.AsyncExitStack()
        self._admin: AIOKafkaAdminClient | None = None

    async def __aenter__(self) -> Topics:
        self._admin = await self._open.enter_async_context(clients.admin(self._settings))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._admin = None
        await self._open.aclose()

    async def describe(self, names: Collection[str]) -> dict[str, TopicState]:
        """`{name: state}`; a topic that does not exist is not in it."""
        async with reach.explained(self._settings):
            admin = self._opened()
            # Asking for a topic by name may create it; the list of all cannot.
            there = sorted(set(names) & set(await admin.list_topics()))
            if not there:
                return {}
            found = await topic_metadata.ask(admin._client, there)
            configs = await self._configs([topic["topic"] for topic in found]) if found else {}
        return {topic["topic"]: _state(topic, configs[topic["topic"]]) for topic in found}

    async def brokers(self) -> int:
        """How many brokers there are."""
        async with reach.explained(self._settings):
            return len((await self._opened().describe_cluster())["brokers"])

    async def create(self, wishes: Iterable[TopicWish]) -> list[str]:
        """
        Make those topics that are missing; returns their names. A topic that another process makes meanwhile is fine.

        Raises:
            Unreachable: code `kafka.topic_refused`, when the broker refuses (replication, policy, rights).
        """
        wanted = {wish.name: wish for wish in wishes}
        missing = sorted(wanted.keys() - (await self.describe(wanted)).keys())
        if not missing:
            return []
        async with reach.explained(self._settings):
            response = await self._opened().create_topics([_new(wanted[name]) for name in missing])
        made = []
        for name, code, *message in response.topic_errors:
            kind = for_code(code)
            if code == 0:
                made.append(name)
            elif kind is not TopicAlreadyExistsError:
                raise _refused(name, f"{kind.__name__}: {message[0] if message else ''}")
        await self._wait_for(wanted)
        return made

    async def delete(self, names: Collection[str]) -> None:
        """Delete topics; those that do not exist are passed over."""
        there = sorted(await self.describe(names))
        if there:
            async with reach.explained(self._settings):
                await self._opened().delete_topics(there)
                # By the list alone: what is being deleted cannot be described.
                while set(there) & set(await self._opened().list_topics()):  # noqa: ASYNC110 (there is no event for it)
                    await asyncio.sleep(0.05)

    async def alter(self, name: str, config: Mapping[str, str]) -> None:
        """
        Change settings of a topic; those it has besides stay.

        Raises:
            Unreachable: code `kafka.topic_refused`.
        """
        async with reach.explained(self._settings):
            admin = self._opened()
            (own,) = (await self._entries([name])).values()
            # The request replaces all that was set on the topic itself, so that is sent along.
            kept = {entry[0]: entry[1] for entry in own if entry[3] == _SET_ON_TOPIC}
            resource = ConfigResource(ConfigResourceType.TOPIC, name, configs={**kept, **config})
            for response in await admin.alter_configs([resource]):
                for code, message, *_ in response.resources:
                    if code:
                        raise _refused(name, f"{for_code(code).__name__}: {message or ''}")

    async def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        found = await self._entries(names)
        return {name: {entry[0]: entry[1] for entry in entries} for name, entries in found.items()}

    async def _entries(self, names: list[str]) -> dict[str, list[Any]]:
        """`{topic: [(setting, value, read only, where it was set, ..), ..]}`."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        found = {}
        for response in await self._opened().describe_configs(resources):
            for code, message, _kind, name, entries in response.resources:
                if code:
                    raise for_code(code)(message)
                found[name] = list(entries)
        return found

    async def _wait_for(self, wanted: Mapping[str, TopicWish]) -> None:
        """A new topic is known to all brokers a moment after it is made; one that is never seen is hidden from us."""
        until = time.monotonic() + self._settings.reach_timeout_seconds / 2
        while unseen := sorted(wanted.keys() - (await self.describe(wanted)).keys()):
            if time.monotonic() > until:
                raise reach.forbidden(TopicAuthorizationFailedError(unseen))
            await asyncio.sleep(0.05)

    def _opened(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            raise RuntimeError("use `async with Topics(settings) as topics`")
        return self._admin


def check_topic(wish: TopicWish, state: TopicState | None) -> list[errors.Problem]:
    """What differs between a wish and what is there, as problems of code `topic.…`; replication is not compared."""
    where = f"topic {wish.name}"
    if state is None:
        return [errors.Problem("topic.missing", where, "it does not exist", "syncsvc apply makes it")]
    found = []
    if state.partitions != wish.partitions:
        found.append(
            errors.Problem(
                "topic.partitions",
                where,
                f"it has {state.partitions} partitions, {wish.partitions} were declared; another count sends keys to "
                "other partitions, so their order is lost",
                f"declare {state.partitions} in the pipeline and raise its generation, or make the topic again",
            )
        )
    for name, value in wish.config.items():
        if (there := state.config.get(name)) != value:
            why = TELLING.get(name, "it was declared otherwise")
            fix = f"kafka-configs --alter --entity-type topics --entity-name {wish.name} --add-config {name}={value}"
            found.append(errors.Problem(f"topic.{name}", where, f"{name} is {there}, {value} is needed: {why}", fix))
    return found


def _state(topic: Mapping[str, Any], config: Mapping[str, str]) -> TopicState:
    parts = topic["partitions"]
    return TopicState(
        topic["topic"], len(parts), len(parts[0]["replicas"]) if parts else 0, config, topic["topic_id"]
    )  # fmt: skip


def _new(wish: TopicWish) -> NewTopic:
    if wish.replication is not None:
        return NewTopic(wish.name, wish.partitions, wish.replication, topic_configs=dict(wish.config))
    # -1 is the broker's default; aiokafka takes it only beside a (here empty) assignment of replicas.
    return NewTopic(wish.name, wish.partitions, -1, replica_assignments={}, topic_configs=dict(wish.config))


def _refused(name: str, why: str) -> errors.Unreachable:
    return errors.Unreachable(
        code="kafka.topic_refused",
        where=f"topic {name}",
        what=f"the broker does not make it: {why}",
        fix="give this user the right to create topics, or make the topic by hand and run again",
    )
