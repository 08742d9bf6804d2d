"""
Whether a worker is far behind its logs: then larger steps are worth the time they take.

Only a judgement of speed: nothing that is written or sent depends on it for being right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from syncsvc.engine.port import TP

BEHIND_RECORDS = 5_000  # a second or two of a busy pipeline
#: After that many were before it for the last time: what other workers still route reaches partitions of this one.
BEHIND_SECONDS = 1.0


class Backlog:
    """The backlog of one worker in one pipeline."""

    def __init__(self) -> None:
        #: `{partition: end of its log}` when it was last asked for.
        self._ends: dict[TP, int] = {}
        self._until = 0.0

    def see(self, bounds: Mapping[TP, tuple[int, int]]) -> None:
        """Takes note of where the logs end."""
        self._ends |= {tp: end for tp, (_, end) in bounds.items()}

    def large(self, offsets: Iterable[tuple[TP, int]], now: float) -> bool:
        """
        Whether more than `BEHIND_RECORDS` are, or within the last `BEHIND_SECONDS` were, before the worker.

        Args:
            offsets: where the partitions that it owns are read to.
            now: seconds on a clock that never goes back.
        """
        ends = self._ends
        if sum([max(0, ends.get(tp, 0) - offset) for tp, offset in offsets]) > BEHIND_RECORDS:
            self._until = now + BEHIND_SECONDS
        return now < self._until
