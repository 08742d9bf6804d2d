"""
How long reading pauses after a read that brought few records: hardly while there is room, longer where there is none.

A read costs about the same for 1 and for 100 records.  While the loop has time to spare, short pauses cost nobody
anything; once it is never idle, each small read takes its time from the records of all others (decision 0011).  The
pause grows with the square of the load, so that it stays below what a read takes while that is small.
Refuses to slow down a worker that has much to read: a large read is followed by no pause.
"""

from __future__ import annotations

from collections.abc import Callable

from syncsvc.engine.load import Load
from syncsvc.engine.settings import EngineSettings


class Pace:
    """The pauses of one reader; asked in the thread of its loop."""

    def __init__(self, settings: EngineSettings, load: Callable[[], float] | None = None) -> None:
        """`load`: the share of its time that the loop is busy, from 0 to 1; None: it is measured."""
        self._most, self._below = settings.pause_seconds, settings.pause_below_records
        self._load = load or Load().share

    def pause(self, records: int) -> float:
        """Seconds to wait after a read of so many records before the next one."""
        share = self._load()
        return self._most * share * share if 0 < records < self._below else 0.0
