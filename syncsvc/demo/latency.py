"""
How long a change takes on an otherwise idle system: from the return of the SQL commit to the change stream's event.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syncsvc.demo.scenes import Source
from syncsvc.demo.watcher import Wanted, Watcher

#: Single-row updates, each made when the one before is visible: none waits for another.
CHANGES = 200
#: No more of them after this time: a slow machine shows a slow figure, not a long demo.
LONGEST_SECONDS = 15.0
#: Longest pause between two, of random length: otherwise each would come at the same moment of somebody's poll cycle.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from commit to visible."""

    changes: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


def measure(source: Source, watcher: Watcher, check: Callable[[], None]) -> Latency:
    """Change one meeting after the other and time each."""
    meetings = [meeting for (meeting,) in source.rows("SELECT id FROM meeting ORDER BY RAND(1) LIMIT %s", CHANGES)]
    pick, began, times = random.Random(1), time.monotonic(), []  # noqa: S311
    for number, meeting in zip(range(CHANGES), itertools.cycle(meetings), strict=False):
        awaited = watcher.expect({meeting: _with(1000 + number)})
        source.rows("UPDATE meeting SET capacity = %s WHERE id = %s", 1000 + number, meeting)
        committed = time.monotonic()
        times.append((awaited.wait(check) - committed) * 1000)
        if time.monotonic() - began > LONGEST_SECONDS:
            break
        time.sleep(pick.random() * PAUSE_SECONDS)
    return of(times)


def _with(capacity: int) -> Wanted:
    return lambda document: document is not None and document["capacity"] == capacity


def of(milliseconds: Sequence[float]) -> Latency:
    """
    The percentiles of some times (nearest rank: a value that was measured); not of none.

    >>> of([5.0, 1.0, 3.0])
    Latency(changes=3, p50_ms=3.0, p99_ms=5.0, worst_ms=5.0)
    """
    ordered = sorted(milliseconds)

    def rank(part: float) -> float:
        return ordered[math.ceil(part * len(ordered)) - 1]

    return Latency(len(ordered), rank(0.5), rank(0.99), ordered[-1])
