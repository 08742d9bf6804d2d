"""
Lag, freshness, state and queues as metrics, computed at the moment of the scrape.

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
from syncsvc.telemetry.standing import Standing
from syncsvc.telemetry.status import STATES

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
    "pipeline_state", "freshness_seconds", "partition_freshness_seconds", "source_heartbeat_timestamp_seconds",
    "assigned_partitions", "apply_queue_records", "apply_queue_capacity_records",
)  # fmt: skip
#: Full names of the metrics made here.
COMPUTED = frozenset(PREFIX + name for name in (*PER_PARTITION, *PER_PIPELINE))


class LagCollector(Collector):
    """
    Asks every pipeline's progress when the registry is collected.

    Args:
        progress: by pipeline name.
        standings: by pipeline name.
        clock: Unix seconds now.
    """

    def __init__(
        self, progress: Mapping[str, Progress], standings: Mapping[str, Standing], clock: Callable[[], float]
    ) -> None:
        self.progress, self._standings = progress, standings
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
            _add_standing(families, name, self._standings[name], view, now)
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
    for source, sent in view.heartbeats.items():
        families["source_heartbeat_timestamp_seconds"].add_metric((name, source), sent)
    owned = Tally(seen.stage for seen in view.partitions)
    for stage in STAGES:
        families["assigned_partitions"].add_metric((name, stage), owned[stage])
    worst: dict[tuple[str, int], float] = {}
    for seen in view.partitions:
        at = (seen.stage, seen.partition)
        worst[at] = max(worst.get(at, 0.0), seen.freshness_seconds)
    for (stage, partition), seconds in worst.items():
        families["partition_freshness_seconds"].add_metric((name, stage, str(partition)), seconds)


def _add_standing(
    families: Mapping[str, GaugeMetricFamily], name: str, standing: Standing, view: View, now: float
) -> None:
    state, waiting = standing.state(view, now), standing.waiting()
    for known in STATES:
        families["pipeline_state"].add_metric((name, known), float(known == state))
    families["apply_queue_records"].add_metric((name,), sum(waiting))
    families["apply_queue_capacity_records"].add_metric((name,), len(waiting) * standing.most_waiting)


def _empty() -> dict[str, GaugeMetricFamily]:
    """`{short name: family}` of the computed metrics, in the order of the catalogue."""
    return {
        entry.name.removeprefix(PREFIX): GaugeMetricFamily(entry.name, entry.help, labels=entry.labels)
        for entry in catalogue()
        if entry.name in COMPUTED
    }
