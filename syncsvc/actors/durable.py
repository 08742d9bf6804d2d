"""
How far the steps of one partition are durable, and what follows when one more is.

Shared by routers and joiners: the fence has moved on, so the state may be kept, segments go, and Kafka is told, in that
order (invariant 4).
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from syncsvc.actors.loading import Opened
from syncsvc.actors.ports import Ack, Ledger, Step


class Durable:
    """The durable steps of one fence."""

    def __init__(self, opened: Opened, ledger: Ledger) -> None:
        self._state, self._ledger = opened.state, ledger
        #: Number of the last step.
        self.seq = opened.owned.seq
        #: Where the next owner goes on.
        self.offset = opened.owned.offset

    def landed(self, step: Step, acks: Iterable[Ack]) -> None:
        """The step is durable: everything that waited for that is done."""
        self.seq += 1
        self.offset = step.offset
        self._state.committed(self.seq, time.monotonic())
        if step.base is not None:
            self._ledger.forget(step.fence, step.base)
        for ack in acks:
            ack()
