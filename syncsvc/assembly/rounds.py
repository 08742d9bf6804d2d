"""
End marks of the first copy: how a partition knows that nothing of the copy is still on the way.

A router partition that passes the source end recorded at the start of the generation sends a mark of round 1 to every
keyed partition.  A keyed partition that has all marks of a round sends the next round's mark to every partition: after
round 1 all rows are in and its subscriptions are out; after round 2 all subscriptions are in and its answers are out;
after round 3 all answers are in, and so on, two rounds for each level of lookups.  Marks travel in the channels, behind
everything their sender sent before (invariant 1), so no clock is needed.
"""

from __future__ import annotations

import struct

from syncsvc.assembly.layout import COPIED, CURSOR, ROUND
from syncsvc.assembly.state import State
from syncsvc.routing.records import Outbox

_OFFSET = struct.Struct(">Q")


class Rounds:
    """The end marks of one keyed partition."""

    def __init__(self, state: State, outbox: Outbox, *, rounds: int, routers: int, partitions: int) -> None:
        """
        Args:
            state: the partition's state.
            outbox: where the next round's marks go.
            rounds: rounds until the copy is complete.
            routers: senders of round 1: source partitions, numbered from 0.
            partitions: senders of later rounds: keyed partitions, numbered behind the routers.
        """
        self._state, self._outbox = state, outbox
        self._rounds, self._routers, self._partitions = rounds, routers, partitions
        copied = state.get(COPIED)
        #: Place at which the first copy had everything; None while it runs.
        self.copied: int | None = None if copied is None else _OFFSET.unpack(copied)[0]
        self._complete = {level for level in range(1, rounds + 1) if self._full(level)}

    def _senders(self, level: int) -> int:
        return self._routers if level == 1 else self._partitions

    def _bitmap(self, level: int) -> int:
        return int.from_bytes(self._state.get(ROUND + bytes((level,))) or b"", "big")

    def _full(self, level: int) -> bool:
        return self._bitmap(level) == (1 << self._senders(level)) - 1

    def complete(self, level: int) -> bool:
        """Whether every mark of a round has arrived; a round beyond the last counts as the last."""
        return min(level, self._rounds) in self._complete

    @property
    def progress(self) -> tuple[int, int]:
        """Marks arrived and marks expected, over all rounds."""
        levels = range(1, self._rounds + 1)
        return sum(self._bitmap(level).bit_count() for level in levels), sum(map(self._senders, levels))

    def mark(self, level: int, sender: int, place: int) -> None:
        """Takes the mark of a round; passes on the next round's when this one is complete."""
        index = sender if level == 1 else sender - self._routers
        bitmap = self._bitmap(level) | 1 << index
        self._state.put(ROUND + bytes((level,)), bitmap.to_bytes((self._senders(level) + 7) // 8, "big"))
        if level in self._complete or not self._full(level):
            return
        self._complete.add(level)
        if level < self._rounds:
            self._outbox.send_mark(self._partitions, place, level + 1)
        else:
            self.copied = place
            self._state.put(COPIED, _OFFSET.pack(place))
            self._state.put(CURSOR, b"")
