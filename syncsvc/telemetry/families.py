"""The catalogue as objects of the Prometheus client: every metric is made once, found by its name and type."""

from __future__ import annotations

from collections.abc import Container

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from syncsvc.telemetry.catalogue import PREFIX, Entry, catalogue


class Families:
    """
    Every declared metric that is fed by calls.

    Args:
        registry: where they are registered.
        computed: full names of those that a collector computes when scraped, and that are not made here.
    """

    def __init__(self, registry: CollectorRegistry, computed: Container[str]) -> None:
        self._gauges: dict[str, Gauge] = {}
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        for entry in catalogue():
            if entry.name not in computed:
                self._make(entry, registry)

    def _make(self, entry: Entry, registry: CollectorRegistry) -> None:
        if entry.type == "gauge":
            self._gauges[entry.name] = Gauge(entry.name, entry.help, entry.labels, registry=registry)
        elif entry.type == "counter":
            self._counters[entry.name] = Counter(entry.name, entry.help, entry.labels, registry=registry)
        else:
            self._histograms[entry.name] = Histogram(
                entry.name, entry.help, entry.labels, registry=registry, buckets=entry.buckets
            )

    def gauge(self, name: str) -> Gauge:
        """The gauge of that name, given without the prefix."""
        return self._gauges[PREFIX + name]

    def counter(self, name: str) -> Counter:
        """The counter of that name, given without the prefix."""
        return self._counters[PREFIX + name]

    def histogram(self, name: str) -> Histogram:
        """The histogram of that name, given without the prefix."""
        return self._histograms[PREFIX + name]
