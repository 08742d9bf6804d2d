"""
What happened in the last minute, read off the metrics: quantiles of durations, and a rate of documents.

The hot path feeds cumulative histograms once a step and nothing else; whoever wants the last minute looks at them
now and then and subtracts, as Prometheus would.  So the page and the dashboards show the same figures, and looking
costs the actors nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from syncsvc.telemetry.catalogue import PREFIX

#: Seconds looked back, and between two looks.
WINDOW_SECONDS, LOOK_SECONDS = 60.0, 1.0
#: A name that stands for the whole way, from the commit in the source to the acknowledgement of MongoDB.
END_TO_END = "end to end"
#: Histograms of one pipeline that are shown, and the name of each; None: a histogram for each value of `stage`.
SHOWN = {"stage_latency_seconds": None, "apply_duration_seconds": "commit", "end_to_end_latency_seconds": END_TO_END}


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took: a histogram of the last minute."""

    name: str
    #: Upper bounds of the buckets in seconds; the last bucket, without bound, is not among them.
    bounds: tuple[float, ...]
    #: Events in each bucket, one number more than bounds.
    counts: tuple[int, ...]

    @property
    def events(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """
        Seconds that so many (0 to 1) did not exceed, straight within a bucket; None when there were none.

        What lies above the last bound is given as that bound.
        """
        wanted, below = share * self.events, 0
        if not self.events:
            return None
        for index, count in enumerate(self.counts):
            if count and below + count >= wanted:
                low = self.bounds[index - 1] if index else 0.0
                high = self.bounds[min(index, len(self.bounds) - 1)]
                return low + (high - low) * (wanted - below) / count if high > low else high
            below += count
        return self.bounds[-1]

    def __add__(self, other: Timing) -> Timing:
        """Both together; of equal bounds."""
        return Timing(self.name, self.bounds, tuple(map(sum, zip(self.counts, other.counts, strict=True))))


#: What a pipeline's metrics say now: documents written, and by name `(bounds, cumulative counts)`.
Totals = tuple[int, Mapping[str, tuple[Sequence[float], Sequence[int]]]]


def histograms(registry: CollectorRegistry, pipeline: str) -> dict[str, tuple[tuple[float, ...], tuple[int, ...]]]:
    """`{name: (bounds, cumulative counts)}` of what `SHOWN` names, as far as the registry has it."""
    buckets = [f"{PREFIX}{name}_bucket" for name in SHOWN]
    found: dict[str, dict[float, int]] = {}
    for family in registry.restricted_registry(buckets).collect():
        for sample in family.samples:
            if sample.labels.get("pipeline") == pipeline and "le" in sample.labels:
                fixed = SHOWN[sample.name.removeprefix(PREFIX).removesuffix("_bucket")]
                name = sample.labels["stage"] if fixed is None else fixed
                found.setdefault(name, {})[float(sample.labels["le"])] = int(sample.value)
    return {
        name: (tuple(sorted(by_bound))[:-1], tuple(by_bound[bound] for bound in sorted(by_bound)))
        for name, by_bound in found.items()
    }


class Recent:
    """
    Remembers the totals of the last minute; may be asked from any thread.

    Args:
        read: gives the totals now.
    """

    def __init__(self, read: Callable[[], Totals]) -> None:
        self._read = read
        self._seen: deque[tuple[float, Totals]] = deque()
        self._lock = threading.Lock()

    def look(self, now: float) -> tuple[float | None, tuple[Timing, ...]]:
        """Documents a second (None at the first look), and timings in the order they were given; `now`: seconds."""
        with self._lock:
            totals = self._read()
            if not self._seen or now - self._seen[-1][0] >= LOOK_SECONDS:
                self._seen.append((now, totals))
            # The oldest look is kept until the next one is a whole window old.
            while len(self._seen) > 1 and now - self._seen[1][0] >= WINDOW_SECONDS:
                self._seen.popleft()
            then, before = self._seen[0]
        rate = (totals[0] - before[0]) / (now - then) if now > then else None
        return rate, tuple(
            _timing(name, bounds, counts, before[1].get(name, ((), ()))[1])
            for name, (bounds, counts) in totals[1].items()
        )


def _timing(name: str, bounds: Sequence[float], now: Sequence[int], before: Sequence[int]) -> Timing:
    """What came since, bucket by bucket, of counts that include the buckets below."""
    since = [count - (before[index] if before else 0) for index, count in enumerate(now)]
    return Timing(name, tuple(bounds), tuple(count - below for count, below in zip(since, [0, *since], strict=False)))
