"""
What a metric is, and the page that explains all of them.

Each metric is declared once, in `entries`; the registry, the reference page and the checks of alerts and dashboards
are made from that list, so none of them can drift from another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syncsvc.telemetry import entries, verified

PREFIX = "syncsvc_"
#: Buckets of a source commit becoming visible, seconds: from one live transaction to a long outage.
LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
#: Documents in one transaction.
SIZE_BUCKETS = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500)
#: Seconds of one transaction, and of one stall of the event loop.
SHORT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BUCKETS = {"latency": LATENCY_BUCKETS, "size": SIZE_BUCKETS, "short": SHORT_BUCKETS, "": ()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric."""

    #: With the prefix, as it is scraped.
    name: str
    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    #: Unit of the value; "1" for a plain number or a 0/1 flag.
    unit: str
    #: One sentence: what it counts.
    help: str
    #: What to read from it: what is good, what is bad, what to look at next.
    interpretation: str
    #: Upper bounds of a histogram's buckets; empty for the other types.
    buckets: tuple[float, ...] = ()


def catalogue() -> list[Entry]:
    """All metrics of our own, in the order of the reference page (process and Python metrics are not in it)."""
    return [
        Entry(PREFIX + name, kind, tuple(labels.split()), unit, text, reading, tuple(BUCKETS[buckets]))
        for name, kind, labels, unit, buckets, text, reading in entries.ENTRIES
    ]


#: What the words mean; the page begins with it.
DEFINITIONS = """\
# Metrics

Made from the code (`make pages`). A worker serves these at `/metrics`.
Every label set is bounded by the mapping files or by short lists in the code, and starts at 0. `process_*` and
`python_*` come from the Prometheus client. What `syncsvc lag-exporter` serves is in [lag-exporter.md](lag-exporter.md).

## The words

- **applied**: durable in MongoDB with majority, not fetched and not committed to Kafka.
- **lag**, in records: the broker's end offset minus the applied offset, for each partition.
- **source time**: when the source committed the change (`source.ts_ms` of Debezium); not the connector's clock and not
  the Kafka record's time.
- **freshness**, in seconds, the number to alert on: 0 when every partition owned here is applied up to an end offset
  polled less than 15 s ago and the source is alive; otherwise the age of the oldest change that is not applied,
  by its source time, and no less than since it was seen here: a source whose clock is ahead makes nothing fresh.
  Take `max` over workers, never a mean. It is computed when scraped, so a frozen worker cannot freeze it. What is not
  known is `+Inf`: unknown counts as a missed objective, never as 0.
- **watermark age**: `time() - syncsvc_last_applied_source_timestamp_seconds`. It also grows while nothing happens; for
  looking only.
- **idle or broken**: a connector made by `syncsvc apply` sends heartbeats to `__debezium-heartbeat.<topic prefix>`:
  every 5 s while anything happens in the source, and each time the database's own heartbeat comes while nothing does,
  which is every 48 s (0.8 times the connector's `connect.keep.alive.interval.ms`). Three missing ones
  (`SYNCSVC_HEARTBEAT_SECONDS`, 48) make the pipeline as stale as the last one is old, although its lag is 0. Who wants
  to know sooner lowers both. A source that never sent one is not judged by it.
- Rows of the first copy are in no latency of the way from the source; a change from the future (clocks differ) counts
  as 0 and as `syncsvc_clock_skew_events_total`.
"""

#: Above the metrics that no worker serves.
VERIFIED = """\
## What verify leaves

`syncsvc verify --metrics FILE.prom`, run by cron or a timer on a host, leaves a file for the textfile collector of
the node exporter. `SyncDocumentsDiffer` goes off when documents differed, `SyncVerifyOverdue` when no run has found all
equal for two days. In Kubernetes the CronJob is the signal: it fails on a difference, and `SyncVerifyJobFails` asks
kube-state-metrics for it.
"""


def markdown() -> str:
    """The reference page, one section a metric; ends with a newline."""
    lines = [DEFINITIONS.rstrip()]
    for entry in catalogue():
        labels = ", ".join(f"`{label}`" for label in entry.labels) or "none"
        lines += ["", f"## `{entry.name}`", "", entry.help, ""]
        lines += [
            f"- type: {entry.type}, unit: {entry.unit}, labels: {labels}",
            f"- read it so: {entry.interpretation}",
        ]
    lines += ["", VERIFIED, verified.table().rstrip()]
    return "\n".join(lines) + "\n"
