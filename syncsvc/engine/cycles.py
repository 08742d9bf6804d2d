"""
A cycle of reading: what was taken, and then what that makes this worker send to topics it reads itself.

A change is read as a row of its source, again as a record of the keyed topic, and once more where its row is copied
on.  At a fixed pace it waits for a pause each time, and its documents are written bit by bit.  So where reading pauses
a cycle follows the change: when what was taken is folded and all that was sent is acknowledged, those topics are read
alone, at once, until nothing was sent any more (decision 0017).  Then reading rests, and the host is told.

A matter of time only: what a cycle does not follow comes with the next one.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable

from aiokafka.protocol.fetch import FetchRequest

from syncsvc.engine.producer import Producer

#: Turns of the loop until what was taken is folded and its sending has begun: it goes from task to task, through Faust,
#: its lane, its actor and the producer.
HANDS = 16
#: How long the broker may hold a read that follows; what it is for is acknowledged, so it is there.
WAIT_MS = 5


class Cycle:
    """The cycles of one reader, one after the other."""

    def __init__(self, producer: Producer, tell: Callable[[bool], None]) -> None:
        """`tell`: called with True when a cycle begins, with False when it has ended."""
        self._producer, self._tell = producer, tell
        self.under_way = False

    def begin(self) -> None:
        """Something was taken, and reading would pause now."""
        self.under_way = True
        self._tell(True)

    def end(self) -> None:
        """Nothing more belongs to it."""
        if self.under_way:
            self.under_way = False
            self._tell(False)

    async def follow(self, request: FetchRequest, until: float) -> FetchRequest | None:
        """
        The part of aiokafka's next request that reads what was sent in this cycle; None when nothing was.

        Waits until all of it is acknowledged, or until this time of the loop.
        """
        loop = asyncio.get_running_loop()
        for _ in range(HANDS):
            if loop.time() < until:  # a turn may take 20 ms
                await asyncio.sleep(0)
        await self._producer.idle(until - loop.time())
        sent = self._producer.sent_to
        topics = [(topic, places) for topic, places in request.topics if any((topic, at[0]) in sent for at in places)]
        if not topics or loop.time() >= until:
            return None
        following = copy.copy(request)
        following._topics, following._max_wait_ms = topics, WAIT_MS
        return following

    def asked(self, request: FetchRequest) -> None:
        """Everything sent to these partitions so far is read with this request."""
        self._producer.sent_to.difference_update((topic, at[0]) for topic, places in request.topics for at in places)
