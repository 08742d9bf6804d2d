"""
How the state of a partition is made whole before its first step: its fence is raised, what the cache lacks is read.

A state may have many millions of entries, and the worker's heartbeats go through the same loop, so a load gives way
after every slice.  A worker that did not would be put out of the group, and begin the same load again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from syncsvc.actors.ports import Ledger, Owned
from syncsvc.state.partition import PartitionState

#: Of the loop, before others have their turn.
SLICE_SECONDS = 0.02
#: Partitions that are read at the same time: each holds some segments, and all are applied by one loop.
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """How a partition's state was made whole."""

    owned: Owned
    state: PartitionState
    #: Segments that had to be read; 0 when the local cache was up to date.
    segments: int


class Loader:
    """Makes the states of one pipeline's partitions whole."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def load(self, fence: str, open_state: Callable[[], PartitionState]) -> Opened:
        """Becomes the owner of a fence and makes its state whole from the local cache and the segments behind it."""
        owned = await self._ledger.open(fence)
        async with self._turns:
            state = open_state()
            try:
                first = state.behind(owned.seq, owned.base)
                await self._read(fence, state, first, owned.seq)
            except BaseException:
                state.close()  # a rebalance cancels this: the folder must be free for the next owner
                raise
            state.caught_up(owned.seq)
        return Opened(owned, state, max(0, owned.seq + 1 - first))

    async def _read(self, fence: str, state: PartitionState, number: int, last: int) -> None:
        """Applies the segments `number..last`."""
        while number <= last:
            blobs, number = await self._ledger.segments(fence, number, last)
            until = time.monotonic() + SLICE_SECONDS
            for blob in blobs:
                for _ in state.applying(blob):
                    if time.monotonic() >= until:
                        await asyncio.sleep(0)
                        until = time.monotonic() + SLICE_SECONDS
