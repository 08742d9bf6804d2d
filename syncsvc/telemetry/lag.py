"""
Lag and freshness as metrics, computed at the moment of the scrape.

Unknown is never 0: a lag without a polled end offset is NaN (so a sum over partitions shows that it is not known), a
freshness nobody can prove is +Inf (so a maximum shows it).  A worker that owns no partition of a pipeline says NaN.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from syncsvc.telemetry.catalogue import PREFIX, catalogue
from syncsvc.telemetry.progress import PartitionView, Progress, View

STAGES = ("router", "joiner")

#: What one partition contributes to each per-partition metric; None: no sample.
PER_PARTITION: Mapping[str, Callable[[PartitionView], float | None]] = {
    "consumer_lag_seconds": lambda seen: seen.freshness_seconds,
    "consumer_lag_messages": lambda seen: math.nan if seen.lag is None else seen.lag,
    "consumer_applied_offset": lambda seen: seen.applied_offset,
    "partition_end_offset": lambda seen: seen.end_offset,
    "partition_start_offset": lambda seen: seen.start_offset,
    "retention_margin_messages": lambda seen: seen.retention_margin,
    "last_applied_source_timestamp_seconds": lambda seen: seen.source_timestamp,
}
PER_PIPELINE = (
    "freshness_seconds", "partition_freshness_seconds", "source_heartbeat_timestamp_seconds", "assigned_partitions",
)  # fmt: skip
#: Full names of the metrics made here.
COMPUTED = frozenset(PREFIX + name for name in (*PER_PARTITION, *PER_PIPELINE))


class LagCollector(Collector):
    """
    Asks every pipeline's progress when the registry is collected.

    Args:
        progress: by pipeline name.
        clock: Unix seconds now.
    """

    def __init__(self, progress: Mapping[str, Progress], clock: Callable[[], float]) -> None:
        self.progress = progress
        self._clock = clock

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The families without samples, so that registering them twice is found."""
        yield from _empty().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All samples of one moment: every pipeline is read at the same time."""
        now = self._clock()
        families = _empty()
        for name, progress in self.progress.items():
            view = progress.view(now)
            _add_pipeline(families, name, view)
            for seen in view.partitions:
                labels = (name, seen.topic, str(seen.partition))
                for metric, read in PER_PARTITION.items():
                    value = read(seen)
                    if value is not None:
                        families[metric].add_metric(labels, value)
        yield from families.values()


def _add_pipeline(families: Mapping[str, GaugeMetricFamily], name: str, view: View) -> None:
    known = math.nan if view.freshness_seconds is None else view.freshness_seconds
    families["freshness_seconds"].add_metric((name,), known)
    if view.heartbeat is not None:
        families["source_heartbeat_timestamp_seconds"].add_metric((name,), view.heartbeat)
    owned = Tally(seen.stage for seen in view.partitions)
    for stage in STAGES:
        families["assigned_partitions"].add_metric((name, stage), owned[stage])
    worst: dict[tuple[str, int], float] = {}
    for seen in view.partitions:
        at = (seen.stage, seen.partition)
        worst[at] = max(worst.get(at, 0.0), seen.freshness_seconds)
    for (stage, partition), seconds in worst.items():
        families["partition_freshness_seconds"].add_metric((name, stage, str(partition)), seconds)


def _empty() -> dict[str, GaugeMetricFamily]:
    """`{short name: family}` of the computed metrics, in the order of the catalogue."""
    return {
        entry.name.removeprefix(PREFIX): GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
        for entry in catalogue()
        if entry.name in COMPUTED
    }
