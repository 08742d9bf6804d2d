"""
One consumer's fetches: taking what has arrived, what follows from it, and the pause before the next request.

aiokafka asks for more as soon as something was taken, gets the first record that comes, and holds it until the next
read: where that pauses, each record waits for up to two pauses.  So the request pauses here, not the reader, and what
it brings is taken at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from typing import Any

import aiokafka

from syncsvc.engine.cycles import Cycle
from syncsvc.engine.pace import Pace
from syncsvc.engine.settings import EngineSettings

#: A shorter pause is over before what was sent in it has come back.
CYCLE_SECONDS = 0.005


class Fetches:
    """The fetches of a started consumer."""

    def __init__(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        settings: EngineSettings,
        reading: Cycle,
        load: Callable[[], float] | None = None,
    ) -> None:
        """`load`: see `Pace`."""
        self._fetcher, self._most = consumer._fetcher, settings.poll_records
        self._pace, self._cycle = Pace(settings, load), reading
        self._not_before = 0.0
        # A partition that is not wanted keeps its fetched records in aiokafka, which then holds the node's next
        # fetch for this long: 0.1 s by default, which would make one full lane everybody's delay.
        self._fetcher._prefetch_backoff = 0.01
        self._request = self._fetcher._proc_fetch_request
        self._fetcher._proc_fetch_request = self._paced

    async def take(self, wanted: Set[tuple[str, int]], timeout: float) -> dict[Any, list[Any]]:
        """`{partition: records}` of the wanted ones; waits `timeout` seconds when nothing is there."""
        found: dict[Any, list[Any]] = await self._fetcher.fetched_records(
            wanted, timeout=timeout, max_records=self._most
        )
        if records := sum(map(len, found.values())):
            self._taken(records)  # before the next await, with which aiokafka begins its next request
        return found

    def _taken(self, records: int) -> None:
        now, pause = asyncio.get_running_loop().time(), self._pace.pause(records)
        if now < self._not_before and pause:
            return  # it followed what was taken before
        self._not_before = now + pause
        if pause >= CYCLE_SECONDS:
            self._cycle.begin()
        else:
            self._cycle.end()

    async def _paced(self, assignment: Any, node: Any, request: Any) -> bool:
        """aiokafka's own, later; whether it brought something."""
        try:
            following = await self._cycle.follow(request, self._not_before) if self._cycle.under_way else None
            if following is None:
                self._cycle.end()
                pause = self._not_before - asyncio.get_running_loop().time()
                if pause > 0:
                    await asyncio.sleep(pause)
        except asyncio.CancelledError:  # closed, or the partitions are taken away: as aiokafka's own has it
            self._cycle.end()
            return False
        request = request if following is None else following
        self._cycle.asked(request)
        brought: bool = await self._request(assignment, node, request)
        return brought
