"""
Since when a log is known to hold what is not applied, by our own clock.

For `progress`: the source's clock may be ahead, and then its times make what waits too young.  Few polls are kept, so
an age may be too large by a hundredth of the time that we are behind; it is never too small (invariant 9).
"""

from __future__ import annotations

import math
from collections import deque

#: Polls of one partition that are kept; even.
MOST = 256


class Sightings:
    """Polls of one partition that saw what is not applied."""

    __slots__ = ("_apart", "_seen")

    def __init__(self) -> None:
        #: `(end, asked at)`, both rising.
        self._seen: deque[tuple[int, float]] = deque()
        #: Seconds that two of them are apart, at least.
        self._apart = 0.0

    def add(self, applied: int, end: int, at: float) -> None:
        """The log ended there when it was asked at `at` (Unix seconds); what is below `applied` is of no interest."""
        self._forget(applied)
        seen = self._seen
        if end <= (seen[-1][0] if seen else applied):
            return
        if seen and at - seen[-1][1] < self._apart:
            seen[-1] = end, seen[-1][1]  # as if it had been there already
            return
        if len(seen) >= MOST:
            kept = list(seen)
            seen.clear()
            seen.extend((kept[number + 1][0], kept[number][1]) for number in range(0, MOST, 2))
            self._apart = 2 * (at - kept[0][1]) / MOST
        seen.append((end, at))

    def clear(self) -> None:
        """It is another log."""
        self._seen.clear()
        self._apart = 0.0

    def since(self, applied: int) -> float:
        """When the record at `applied` was seen first, Unix seconds; infinity: it was not."""
        self._forget(applied)
        return self._seen[0][1] if self._seen else math.inf

    def _forget(self, applied: int) -> None:
        while self._seen and self._seen[0][0] <= applied:
            self._seen.popleft()
        if not self._seen:
            self._apart = 0.0
