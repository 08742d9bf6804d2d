"""
The state of a pipeline as it is shown: what its worker reported, unless the numbers say otherwise.

Judged when somebody looks, because a loop that stands still reports nothing: then the last thing it said would be
shown for ever.  *Stalled* is Burrow's word: records wait in a partition and its applied offset does not move.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from syncsvc.telemetry.progress import View

#: A partition with records waiting that has not moved for so long is stalled; an election takes less.
STALLED_SECONDS = 60.0


@dataclass(slots=True)
class Standing:
    """What is known of one pipeline beside its progress; written by the worker's loop, read by whoever looks."""

    #: The last state that was reported, one of `status.STATES`.
    reported: str = "starting"
    #: Keys parked now.
    parked: int = 0
    #: Records that wait for each partition's actor.
    waiting: Callable[[], Sequence[int]] = lambda: ()
    #: How many may wait before the partition is no longer read.
    most_waiting: int = 0
    #: `{(topic, partition): (applied offset, Unix seconds at which it was first seen there)}`.
    _seen: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    #: Scrapes, the page and what is told to other workers are of different threads.
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def stalled(self, view: View, now: float) -> bool:
        """Whether a partition of the view has records waiting and has not moved for `STALLED_SECONDS`."""
        with self._looking:
            return self._longest(view, now) >= STALLED_SECONDS

    def _longest(self, view: View, now: float) -> float:
        before, self._seen = self._seen, {}
        longest = 0.0
        for seen in view.partitions:
            if not seen.lag:
                continue
            key = (seen.topic, seen.partition)
            offset, since = before.get(key, (-1, now))
            if offset != seen.applied_offset:
                since = now
            self._seen[key] = seen.applied_offset, since
            longest = max(longest, now - since)
        return longest

    def state(self, view: View, now: float) -> str:
        """One of `status.STATES`."""
        stalled = self.stalled(view, now)
        if self.reported not in ("running", "snapshotting"):
            return self.reported
        if stalled:
            return "stalled"
        if self.reported == "snapshotting":
            return "snapshotting"
        if self.most_waiting and max(self.waiting(), default=0) >= self.most_waiting:
            return "backpressured"
        return "degraded" if self.parked else "running"
