"""
When an offset was written, estimated from when the end of its partition was seen where.

The method is that of kafka-lag-exporter, so that the seconds mean what users of its boards know: between two sightings
the partition is taken to have grown evenly; an offset older than all sightings is extrapolated from the first to the
last.  Pure: time is an argument.
"""

from __future__ import annotations

import math
from collections import deque

#: Sightings that are kept: half an hour of looks 30 s apart, as kafka-lag-exporter does.
MOST_POINTS = 60


class OffsetTimes:
    """Sightings of one partition's end: `(offset, Unix seconds)`, both rising."""

    def __init__(self, limit: int = MOST_POINTS) -> None:
        self._points: deque[tuple[int, float]] = deque(maxlen=limit)

    def add(self, end: int, at: float) -> None:
        """The end was seen there; one that goes back (the topic was made anew) begins the table anew."""
        points = self._points
        if points and at <= points[-1][1]:
            return
        if points and end < points[-1][0]:
            points.clear()
        # While nothing is written the right-hand point moves along; the table must not fill up with it.
        if len(points) > 1 and points[-1][0] == points[-2][0] == end:
            points.pop()
        points.append((end, at))

    def lag_seconds(self, offset: int, now: float) -> float:
        """How long ago the record at this offset was written: 0 at the end, NaN with fewer than two sightings."""
        points = list(self._points)
        if points and offset >= points[-1][0]:
            return 0.0
        if len(points) < 2:
            return math.nan
        (left, began), (right, ended) = points[0], points[-1]
        for (low, then), (high, later) in zip(reversed(points[:-1]), reversed(points[1:]), strict=True):
            if low <= offset <= high and low < high:
                (left, began), (right, ended) = (low, then), (high, later)
                break
        if left == right:
            return math.nan
        written = ended - (right - offset) * (ended - began) / (right - left)
        return max(0.0, now - written)
