"""
When the partitions of a worker take their next step: all at the same moment, the rarer the busier the loop is.

A transaction costs about the same for one document and for ten, so steps that come alone cost the most: partitions
that take theirs together share one.  Until their turn they fold what comes, which goes along; and a turn waits for
what a reader is about to bring of the same changes (decision 0017).  An idle worker's turn is at once, so that a change
that comes alone waits for nothing (decision 0013).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

#: Longest that a turn waits for what is about to come of the same changes, seconds.
MORE_SECONDS = 0.02
#: Between two turns of a loop that is never idle, seconds; one that is busy half of its time waits half as long.
MOST_SECONDS = 0.03


class Turns:
    """The turns of one worker; for actors of one loop."""

    def __init__(self, load: Callable[[], float], most_seconds: float = MOST_SECONDS) -> None:
        """`load`: the share of its time that the loop is busy, from 0 to 1."""
        self._load, self._most = load, most_seconds
        self._coming: asyncio.Future[None] | None = None
        #: The one that waits for more to come.
        self._waiting: asyncio.Future[None] | None = None
        self._more = False
        self._last = -math.inf  # a machine's clock may begin with it

    def next(self) -> asyncio.Future[None]:
        """Done when the next turn has come; the same for all who ask before that.  To be looked at, not cancelled."""
        if self._coming is None:
            loop = asyncio.get_running_loop()
            self._coming = loop.create_future()
            at = max(loop.time(), self._last + self._most * self._load())
            loop.call_at(at, self._due, self._coming)
        return self._coming

    def more(self, comes: bool) -> None:
        """Whether more is about to come of what came just now; a turn that is due waits for it."""
        self._more = comes
        if self._waiting is not None and not comes:
            self._begin(self._waiting)

    def _due(self, coming: asyncio.Future[None]) -> None:
        if self._more:
            self._waiting = coming
            coming.get_loop().call_later(MORE_SECONDS, self._begin, coming)
        else:
            self._begin(coming)

    def _begin(self, coming: asyncio.Future[None]) -> None:
        if coming.done():
            return  # it has waited long enough already
        self._coming = self._waiting = None
        self._last = coming.get_loop().time()
        coming.set_result(None)
