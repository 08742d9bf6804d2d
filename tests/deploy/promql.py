"""What PromQL expressions ask for, and what there is: names and labels as a Prometheus sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser

from syncsvc.telemetry.catalogue import catalogue

#: What a scrape adds to the names and labels of a histogram.
HISTOGRAM = ("_bucket", "_sum", "_count")
#: Labels that Prometheus gives to everything it scrapes, here and in Kubernetes.
TARGET = {"job", "instance", "namespace", "pod"}
#: Of the Prometheus client: the processes' own.
PROCESS = {
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
    "python_gc_collections_total": {"generation"},
}
#: Of Debezium and Kafka Connect, as the JMX exporter's usual rules name their beans.
JMX = {
    **{
        f"debezium_metrics_{attribute}": {"name", "context", "plugin", "table"}
        for attribute in (
            "Connected", "MilliSecondsBehindSource", "MilliSecondsSinceLastEvent", "TotalNumberOfEventsSeen",
            "NumberOfEventsFiltered", "NumberOfErroneousEvents", "QueueTotalCapacity", "QueueRemainingCapacity",
            "RemainingTableCount", "TotalTableCount", "RowsScanned",
        )
    },
    "kafka_connect_worker_connector_failed_task_count": {"connector"},
}  # fmt: skip


def selectors(node: Any) -> Iterator[Any]:
    """All vector selectors of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        if (inner := getattr(node, name, None)) is not None:
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or []:
        yield from selectors(inner)


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """`(metric, labels it is chosen by)` of every selector of an expression."""
    for selector in selectors(promql_parser.parse(expression)):
        yield selector.name, {matcher.name for matcher in selector.matchers.matchers}


def own() -> dict[str, set[str]]:
    """`{name as scraped: labels}` of everything a worker shows of its own."""
    scraped: dict[str, set[str]] = {}
    for entry in catalogue():
        if entry.type == "histogram":
            scraped |= {entry.name + suffix: {*entry.labels, "le"} for suffix in HISTOGRAM}
        else:
            scraped[entry.name] = set(entry.labels)
    return scraped
