"""
Consumer groups as the broker knows them: which there are, what they have committed, who their members are.

For looking from outside: nothing is joined, committed or created.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import for_code

from syncsvc.engine import clients, reach
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class Member:
    """Who consumes a partition now."""

    host: str
    consumer_id: str
    client_id: str


class Groups:
    """
    The groups of one cluster; an async context manager.

    Raises:
        Unreachable: on entering and in every method, see `reach.explained`.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._open = contextlib.AsyncExitStack()
        self._admin: AIOKafkaAdminClient
        self._asking: aiokafka.AIOKafkaConsumer

    async def __aenter__(self) -> Groups:
        async with contextlib.AsyncExitStack() as opened:
            self._admin = await opened.enter_async_context(clients.admin(self._settings))
            self._asking = await opened.enter_async_context(clients.looking(self._settings))
            self._open = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def names(self) -> list[str]:
        """Names of all groups of consumers, sorted."""
        async with reach.explained(self._settings):
            found = await self._admin.list_consumer_groups()
        return sorted({name for name, protocol, *_ in found if protocol in ("consumer", "")})

    async def committed(self, group: str) -> dict[TP, int]:
        """What a group has committed, for every partition it has."""
        async with reach.explained(self._settings):
            found = await self._admin.list_consumer_group_offsets(group)
        return {TP(*tp): at.offset for tp, at in found.items() if at.offset >= 0}

    async def members(self, group: str) -> dict[TP, Member]:
        """Who owns which partition of a group; empty for one without members, and while a rebalance is under way."""
        owners: dict[TP, Member] = {}
        for one in await self._described(group):
            if one["member_assignment"]:
                member = Member(_host(one), one["member_id"], one["client_id"])
                assigned = ConsumerProtocolMemberAssignment.decode(one["member_assignment"])
                owners |= {TP(*tp): member for tp in assigned.partitions()}
        return owners

    async def hosts(self, group: str) -> list[str]:
        """Where members of a group run, sorted; also those that own nothing, or nothing yet."""
        return sorted({_host(one) for one in await self._described(group)})

    async def _described(self, group: str) -> list[dict[str, Any]]:
        """The members of a group."""
        async with reach.explained(self._settings):
            # One a request: aiokafka 0.14 reads an answer of version 3 as one of 2, which lacks a field a group.
            (response,) = await self._admin.describe_consumer_groups([group])
            groups: list[dict[str, Any]] = response.to_object()["groups"]
            for described in groups:
                if described["error_code"]:  # a missing right must not look like a group without members
                    raise for_code(described["error_code"])(group)
        return [one for described in groups for one in described["members"]]

    async def partitions(self, topics: Collection[str]) -> list[TP]:
        """Every partition of those of the topics that exist."""
        async with reach.explained(self._settings):
            there = sorted(set(topics) & set(await self._admin.list_topics()))
            found = await self._admin.describe_topics(there) if there else []
        return [TP(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """`{partition: (first offset, where the next record will be written)}`."""
        if not tps:
            return {}
        async with reach.explained(self._settings):
            return await clients.bounds(self._asking, tps)


def _host(member: dict[str, Any]) -> str:
    host: str = member["client_host"]
    return host.lstrip("/")
