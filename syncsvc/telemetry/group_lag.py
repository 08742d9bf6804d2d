"""
Lag of consumer groups under the names that boards of kafka-lag-exporter ask for, as a registry of its own.

Nothing is kept beyond one look: what was not seen this time has no series, so a group that is gone does not stand still
on a board.  When looks fail, nothing but `kafka_lag_exporter_up 0` is served.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from syncsvc.telemetry.offset_times import OffsetTimes

CLUSTER = ("cluster_name",)
OF_PARTITION = ("cluster_name", "topic", "partition")
OF_GROUP = ("cluster_name", "group")
OF_TOPIC = ("cluster_name", "group", "topic")
OF_GROUP_PARTITION = (*OF_TOPIC, "partition")
OF_MEMBER = (*OF_GROUP_PARTITION, "member_host", "consumer_id", "client_id")
#: `{name: (labels, help)}` of everything that is served.
FAMILIES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "kafka_partition_latest_offset": (OF_PARTITION, "Latest offset of a partition."),
    "kafka_partition_earliest_offset": (OF_PARTITION, "Earliest offset of a partition."),
    "kafka_consumergroup_group_offset": (
        OF_MEMBER, "Last group consumed offset of a partition: of a pipeline the applied one, else the committed one."),
    "kafka_consumergroup_group_lag": (
        OF_MEMBER, "Group offset lag of a partition; NaN without an offset, and where the log ends before it."),
    "kafka_consumergroup_group_lag_seconds": (
        OF_MEMBER, "Group time lag of a partition, interpolated; NaN before two looks."),
    "kafka_consumergroup_group_max_lag": (OF_GROUP, "Max group offset lag."),
    "kafka_consumergroup_group_max_lag_seconds": (OF_GROUP, "Max group time lag."),
    "kafka_consumergroup_group_sum_lag": (OF_GROUP, "Sum of group offset lag."),
    "kafka_consumergroup_group_topic_sum_lag": (OF_TOPIC, "Sum of group offset lag across topic partitions."),
    "kafka_consumergroup_group_retention_margin": (
        OF_GROUP_PARTITION, "Records between what the broker deletes next and what the group needs next."),
    "kafka_consumergroup_group_messages_lost": (
        OF_GROUP_PARTITION, "Records that the broker deleted before the group had consumed them."),
    "kafka_consumergroup_poll_time_ms": (CLUSTER, "How long the last look took, in milliseconds."),
    "kafka_lag_exporter_up": (CLUSTER, "1 when the last look succeeded and is not old."),
    "kafka_lag_exporter_last_update_timestamp_seconds": (CLUSTER, "When the last look succeeded, Unix seconds."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupPartition:
    """One partition that a group consumes."""

    group: str
    topic: str
    partition: int
    #: Next offset to consume; None: not known.
    offset: int | None
    member_host: str = ""
    consumer_id: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment."""

    #: Unix seconds, and how long it took.
    at: float
    seconds: float
    #: `{(topic, partition): (earliest offset, latest offset)}`.
    bounds: Mapping[tuple[str, int], tuple[int, int]]
    partitions: tuple[GroupPartition, ...]


class GroupLags(Collector):
    """
    The metrics of one cluster's groups.

    Args:
        cluster: value of the label `cluster_name`.
        valid_seconds: how long a look is shown.
    """

    def __init__(self, cluster: str, valid_seconds: float) -> None:
        self._cluster, self._valid_seconds = cluster, valid_seconds
        self._look: Look | None = None
        self._times: dict[tuple[str, int], OffsetTimes] = {}
        self._last = 0.0
        self._registry = CollectorRegistry()
        for kind in (ProcessCollector, PlatformCollector, GCCollector):
            kind(registry=self._registry)
        self._registry.register(self)

    def see(self, look: Look) -> None:
        """The newest look; partitions that are not in it are forgotten."""
        self._times = {tp: self._times.get(tp, OffsetTimes()) for tp in look.bounds}
        for tp, (_, end) in look.bounds.items():
            self._times[tp].add(end, look.at)
        self._look, self._last = look, look.at

    def failed(self) -> None:
        """A look failed: what was seen before is not shown as if it were true now."""
        self._look = None

    def up(self, now: float) -> bool:
        """Whether the last look succeeded and is not old."""
        return self._look is not None and now - self._look.at - self._look.seconds < self._valid_seconds

    def render(self, accept: str, now: float) -> tuple[bytes, str]:
        """`(body, content type)` in the format the HTTP header `accept` asks for."""
        if not self.up(now):
            self._look = None
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All samples of the last look."""
        made = {name: GaugeMetricFamily(name, text, labels=labels) for name, (labels, text) in FAMILIES.items()}
        look, cluster = self._look, self._cluster
        made["kafka_lag_exporter_up"].add_metric((cluster,), float(look is not None))
        made["kafka_lag_exporter_last_update_timestamp_seconds"].add_metric((cluster,), self._last)
        if look is not None:
            made["kafka_consumergroup_poll_time_ms"].add_metric((cluster,), look.seconds * 1000)
            for (topic, partition), (first, last) in look.bounds.items():
                labels = (cluster, topic, str(partition))
                made["kafka_partition_earliest_offset"].add_metric(labels, first)
                made["kafka_partition_latest_offset"].add_metric(labels, last)
            self._add_groups(made, look)
        yield from made.values()

    def _add_groups(self, made: Mapping[str, GaugeMetricFamily], look: Look) -> None:
        worst: dict[str, tuple[float, float]] = {}
        sums: dict[tuple[str, str], float] = {}
        for seen in look.partitions:
            lag, seconds = self._add_partition(made, look, seen)
            most, longest = worst.get(seen.group, (0.0, 0.0))
            worst[seen.group] = _larger(most, lag), _larger(longest, seconds)
            topic = (seen.group, seen.topic)
            sums[topic] = sums.get(topic, 0.0) + (0.0 if math.isnan(lag) else lag)
        for group, (most, longest) in worst.items():
            labels = (self._cluster, group)
            made["kafka_consumergroup_group_max_lag"].add_metric(labels, most)
            made["kafka_consumergroup_group_max_lag_seconds"].add_metric(labels, longest)
            total = sum(value for (name, _), value in sums.items() if name == group)
            made["kafka_consumergroup_group_sum_lag"].add_metric(labels, total)
        for (group, topic_name), value in sums.items():
            made["kafka_consumergroup_group_topic_sum_lag"].add_metric((self._cluster, group, topic_name), value)

    def _add_partition(
        self, made: Mapping[str, GaugeMetricFamily], look: Look, seen: GroupPartition
    ) -> tuple[float, float]:
        """Adds one partition's samples; its lag in records and in seconds."""
        tp = (seen.topic, seen.partition)
        first, last = look.bounds[tp]
        place = (self._cluster, seen.group, seen.topic, str(seen.partition))
        labels = (*place, seen.member_host, seen.consumer_id, seen.client_id)
        lag = seconds = math.nan
        if seen.offset is not None:
            # Offsets are asked for before the ends.  A log that ends before what was consumed was made anew: there is
            # nothing that this group has caught up with.
            if seen.offset <= last:
                lag, seconds = last - seen.offset, self._times[tp].lag_seconds(seen.offset, look.at)
            made["kafka_consumergroup_group_offset"].add_metric(labels, seen.offset)
            made["kafka_consumergroup_group_retention_margin"].add_metric(place, seen.offset - first)
            made["kafka_consumergroup_group_messages_lost"].add_metric(place, max(0, first - seen.offset))
        made["kafka_consumergroup_group_lag"].add_metric(labels, lag)
        made["kafka_consumergroup_group_lag_seconds"].add_metric(labels, seconds)
        return lag, seconds


def _larger(one: float, other: float) -> float:
    """The larger of two; one that is not known does not hide the other."""
    return one if math.isnan(other) else max(one, other)


def markdown() -> str:
    """The table of the reference page, a row for each metric."""
    rows = [f"| `{name}` | {', '.join(labels)} | {text} |" for name, (labels, text) in FAMILIES.items()]
    return "\n".join(["| metric | labels | meaning |", "|---|---|---|", *rows]) + "\n"
