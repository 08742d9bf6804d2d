"""
A metric with one label that may take new values, but never without end.

A reason code or a kind of record is fixed by the code that reports it, not by this package; a fault there must cost a
few series at worst, never the memory of the monitoring.  The first `MOST_VALUES` values get their own series, the rest
go to `other`.  Looking up a series by a plain dictionary also keeps label handling out of the hot path.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter

MOST_VALUES = 32
OTHER = "other"


class BoundedCounter:
    """
    Series of one counter by the values of its last labels.

    Args:
        counter: the parent, declared with labels `fixed` + the varying ones.
        fixed: values of the first labels.
        known: values of the varying labels that start at 0.
    """

    def __init__(self, counter: Counter, fixed: tuple[str, ...], known: Iterable[tuple[str, ...]]) -> None:
        self._counter = counter
        self._fixed = fixed
        self._series = {values: counter.labels(*fixed, *values) for values in known}
        self._room = len(self._series) + MOST_VALUES

    def add(self, events: int, *values: str) -> None:
        """Counts; a value beyond the bound is counted as `other`."""
        series = self._series.get(values)
        if series is None:
            key = values if len(self._series) < self._room else tuple(OTHER for _ in values)
            series = self._series.setdefault(key, self._counter.labels(*self._fixed, *key))
        series.inc(events)
