"""Debezium and Kafka Connect, where their JMX beans are exported: what lies before our own numbers."""

from __future__ import annotations

from deploy.observability.boards.canvas import NONE_IS_GOOD, Canvas, query
from deploy.observability.boards.pipeline import RATE

#: Debezium's label `name` is the topic prefix, not the connector's name.
STREAMING = 'namespace=~"$namespace",name=~"$source",context="streaming"'
SNAPSHOT = 'namespace=~"$namespace",name=~"$source",context="snapshot"'
D = "debezium_metrics_"


def board() -> str:
    """The board of the connectors."""
    canvas = Canvas(
        "syncsvc-debezium", "syncsvc: Debezium",
        "Needs the JMX exporter on Kafka Connect with the usual rules (`debezium_metrics_<Attribute>`). Our own lag "
        "begins where this ends.",
        {
            "namespace": f"label_values({D}Connected, namespace)",
            "source": f"label_values({D}Connected, name)",
        },
    )  # fmt: skip
    canvas.stat(
        "Connected", "Whether every connector is connected to the log of its database. 0: changes wait in the source.",
        "short", f"min({D}Connected{{{STREAMING}}})", steps=((None, "red"), (1, "green")),
    )  # fmt: skip
    canvas.stat(
        "Behind the source", "Time between a commit in the database and its event in the connector, for the worst one.",
        "ms", f"max({D}MilliSecondsBehindSource{{{STREAMING}}})", steps=((None, "green"), (5000, "orange"), (60000,
        "red")),
    )  # fmt: skip
    canvas.stat(
        "Failed tasks", "Tasks that Kafka Connect gave up; it does not start them again by itself.", "short",
        "sum(kafka_connect_worker_connector_failed_task_count)", steps=NONE_IS_GOOD,
    )  # fmt: skip
    canvas.stat(
        "Tables left in the snapshot", "0 when no snapshot runs.", "short",
        f"sum({D}RemainingTableCount{{{SNAPSHOT}}})",
    )  # fmt: skip
    canvas.graph(
        "Behind the source, by source", "Our own freshness contains this, our lag does not.", "ms",
        query(f"max by (name) ({D}MilliSecondsBehindSource{{{STREAMING}}})", "{{name}}"),
    )  # fmt: skip
    canvas.graph(
        "Since the last event", "Grows while nothing is changed, and while the connector is broken: `Connected` and "
        "the heartbeats tell the two apart.",
        "ms", query(f"max by (name) ({D}MilliSecondsSinceLastEvent{{{STREAMING}}})", "{{name}}"),
    )  # fmt: skip
    canvas.graph(
        "Events", "Events read from the log, a second.", "cps",
        query(f"sum by (name) (rate({D}TotalNumberOfEventsSeen{{{STREAMING}}}[{RATE}]))", "{{name}} seen"),
        query(f"sum by (name) (rate({D}NumberOfEventsFiltered{{{STREAMING}}}[{RATE}]))", "{{name}} filtered"),
        query(f"sum by (name) (rate({D}NumberOfErroneousEvents{{{STREAMING}}}[{RATE}]))", "{{name}} erroneous"),
    )  # fmt: skip
    canvas.graph(
        "Queue", "Room left in the connector's queue. None left: Kafka does not take events as fast as they come.",
        "percentunit", query(
            f"min by (name) ({D}QueueRemainingCapacity{{{STREAMING}}} / "
            f"{D}QueueTotalCapacity{{{STREAMING}}})", "{{name}}"
        ),
    )  # fmt: skip
    canvas.graph(
        "Snapshot: rows scanned", "Rows read so far by table.", "short",
        query(f"sum by (name, table) ({D}RowsScanned{{{SNAPSHOT}}})", "{{table}}"),
    )  # fmt: skip
    canvas.graph(
        "Snapshot: tables", "Tables of the snapshot, and those still to be read.", "short",
        query(f"sum by (name) ({D}TotalTableCount{{{SNAPSHOT}}})", "{{name}} all"),
        query(f"sum by (name) ({D}RemainingTableCount{{{SNAPSHOT}}})", "{{name}} left"),
    )  # fmt: skip
    return canvas.json()
