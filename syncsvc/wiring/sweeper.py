"""
A snapshot that reads a table again tells no deletes: what it did not find is swept when all it read is on its way.

Debezium marks the last row that a snapshot reads of a table.  The router that sees it remembers the snapshot's stamp;
here the ends of the table's topic are noted a while later, and once every router partition has passed them, a barrier
goes to every keyed partition: behind the rows that were read, so none of them disappears for a moment.  A while, for
Connect's producer orders nothing between partitions: rows that were read before the last one may reach theirs after it.
Those that take longer still disappear until they come, no longer.  Rows that are older than the barrier are gone (see
`assembly.floors`).  Sent again after a crash it changes nothing.  An incremental snapshot marks
no last row and is not swept, nor is a table in which the snapshot found nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from syncsvc.actors.host import PipelineHost
from syncsvc.actors.ports import Log
from syncsvc.assembly.joiner import barrier
from syncsvc.engine.port import TP
from syncsvc.routing.plan import Plan
from syncsvc.state.fences import fence_id
from syncsvc.telemetry.events import Events

Bounds = Callable[[set[TP]], Awaitable[Mapping[TP, tuple[int, int]]]]

#: What Connect had sent before the last row has arrived by then, also where it was sent twice; while the broker of a
#: partition is away, its end cannot be asked for either.
SETTLE_SECONDS = 10.0


class Sweeper:
    """Looks after the snapshots that the routers of this worker have seen the end of."""

    def __init__(
        self,
        plan: Plan,
        host: PipelineHost,
        partitions: Mapping[str, int],
        *,
        bounds: Bounds,
        fences: Callable[[], list[dict[str, Any]]],
        log: Log,
        events: Events,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        """
        Args:
            plan: the compiled pipeline.
            host: whose routers are looked at.
            partitions: `{source topic: number of its partitions}`.
            bounds: beginning and end offsets of any partitions.
            fences: reads the fences of the generation; blocking.
            log: the keyed topic.
            events: told of every sweep that begins.
            settle_seconds: between the last row of a snapshot and the look at the ends.
        """
        self._plan, self._host, self._partitions = plan, host, partitions
        self._bounds, self._fences, self._log, self._events = bounds, fences, log, events
        self._settle_seconds = settle_seconds
        #: `{(table, stamp): when the snapshot was noticed}`, seconds of a clock that nobody sets.
        self._noticed: dict[tuple[str, bytes], float] = {}
        #: `{(table, stamp): {partition: its end a while after that}}`.
        self._ends: dict[tuple[str, bytes], dict[TP, int]] = {}

    async def look(self) -> None:
        """Sends the barriers that are due; to be called now and then."""
        for table, router in self._host.routers():
            stamped = router.sweep if self._open(router) else None
            if stamped is None:
                continue
            now = time.monotonic()
            if now - self._noticed.setdefault((table, stamped), now) < self._settle_seconds:
                continue
            ends = self._ends.get((table, stamped))
            if ends is None:
                topic = self._plan.pipeline.source_topic(table)
                found = await self._bounds({TP(topic, number) for number in range(self._partitions[topic])})
                ends = self._ends[table, stamped] = {tp: end for tp, (_, end) in found.items()}
            if await self._passed(ends):
                payload = barrier(self._plan.tables.index(table), stamped)
                await self._log.send({number: [payload] for number in range(self._plan.pipeline.partitions)})
                if self._open(router):  # else it was given back meanwhile, and its next owner sends it again
                    router.swept(stamped)
                del self._ends[table, stamped], self._noticed[table, stamped]
                self._events.rows_barred(pipeline=self._plan.pipeline.name, table=table, cause="snapshot")

    def _open(self, router: Any) -> bool:
        """Whether it is still ours: its state is closed when it is given back."""
        return any(router is one for _, one in self._host.routers())

    async def _passed(self, ends: Mapping[TP, int]) -> bool:
        """Whether everything below the ends has been routed, durably, by whatever worker."""
        pipeline = self._plan.pipeline
        try:
            found = await asyncio.to_thread(self._fences)
        except Exception:  # the driver's: MongoDB is away, the actors' own commits tell it
            return False
        offsets = {fence["_id"]: fence["offset"] for fence in found}
        names = {fence_id(pipeline.name, pipeline.generation, "router", tp): end for tp, end in ends.items()}
        return all(offsets.get(name, -1) >= end for name, end in names.items())
