"""
How long reading pauses after a read that brought few records: hardly while there is room, longer where there is none.

A read costs about the same for 1 and for 100 records.  While the loop has time to spare, short pauses cost nobody
anything; once it is never idle, each small read takes its time from the records of all others (decision 0011).
Refuses to slow down a worker that has much to read: a large read is followed by no pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from syncsvc.engine.settings import EngineSettings

#: How often the load is looked at, seconds.
LOOK_SECONDS = 0.25
#: Weight of the newest look: the load of about the last second counts.
NEWEST = 0.3
#: Up to this share of the time the loop may be busy without a longer pause; from `FULL` on the pause is the longest.
ROOM, FULL = 0.5, 0.9
_SCHEDSTAT = Path("/proc/thread-self/schedstat")


def spent() -> float:
    """
    Seconds that this thread has run, or waited for a core while it had something to run.

    Linux tells both; elsewhere only the first is known, and waiting passes for idleness.
    """
    try:
        run, waited, _ = _SCHEDSTAT.read_bytes().split()
    except (OSError, ValueError):
        return time.thread_time()
    return (int(run) + int(waited)) / 1e9


class Pace:
    """The pauses of one reader; asked in the thread of its loop."""

    def __init__(
        self,
        settings: EngineSettings,
        *,
        now: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = spent,
    ) -> None:
        self._least, self._most = settings.pause_seconds, settings.most_pause_seconds
        self._below = settings.pause_below_records
        self._now, self._spent = now, spent
        self._looked, self._spent_then = now(), spent()
        #: Share of its time that the loop is busy, from 0 to 1.
        self.load = 0.0

    def pause(self, records: int) -> float:
        """Seconds to wait after a read of so many records before the next one."""
        self._look()
        if not 0 < records < self._below:
            return 0.0
        return self._least + (self._most - self._least) * min(1.0, max(0.0, (self.load - ROOM) / (FULL - ROOM)))

    def _look(self) -> None:
        now = self._now()
        if now - self._looked < LOOK_SECONDS:
            return
        spent = self._spent()
        share = min(1.0, (spent - self._spent_then) / (now - self._looked))
        self.load += NEWEST * (share - self.load)
        self._looked, self._spent_then = now, spent
