"""
What an actor sends to the keyed topic: one batch is under way while the next is folded.

A second is begun only when the first is acknowledged, so that nothing of a sender overtakes what failed (invariant 1);
an actor waits for the last one before it commits (invariant 4).
"""

from __future__ import annotations

import asyncio

from syncsvc.actors.ports import Batches, Log
from syncsvc.actors.report import Report


class Sending:
    """The emissions of one actor on their way."""

    def __init__(self, log: Log, report: Report) -> None:
        self._log, self._report = log, report
        self._under_way: asyncio.Task[None] | None = None

    async def begin(self, batches: Batches) -> None:
        """Sends, behind what was sent before; returns when that is acknowledged.  Raises why it was not."""
        if batches:
            await self.end()
            self._under_way = asyncio.create_task(self._send(batches))

    async def end(self) -> None:
        """Returns when everything is acknowledged.  Raises why it was not."""
        if self._under_way is not None:
            task, self._under_way = self._under_way, None
            await task

    async def _send(self, batches: Batches) -> None:
        await self._log.send(batches)
        self._report.sent(sum(map(len, batches.values())))
