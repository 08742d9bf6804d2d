"""
How busy a loop is: the share of its time that its thread runs, or waits for a core while it has something to run.

Work of our own and a machine full of others' work mean the same for whoever asks: what is done more often than need be
takes its time from the records (decisions 0011 and 0013).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

#: How often the load is looked at, seconds.
LOOK_SECONDS = 0.25
#: Weight of the newest look: the load of about the last second counts.
NEWEST = 0.3
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


class Load:
    """The load of one loop; made and asked in its thread."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic, spent: Callable[[], float] = spent) -> None:
        self._now, self._spent = now, spent
        self._looked, self._spent_then = now(), spent()
        self._share = 0.0

    def share(self) -> float:
        """Of its time that the loop is busy, from 0 to 1."""
        now = self._now()
        if now - self._looked >= LOOK_SECONDS:
            spent = self._spent()
            share = min(1.0, max(0.0, (spent - self._spent_then) / (now - self._looked)))
            self._share += NEWEST * (share - self._share)
            self._looked, self._spent_then = now, spent
        return self._share
