"""A first copy, or a rebuild beside the old documents: how far, how fast, how long still."""

from __future__ import annotations

from deploy.observability.boards.canvas import CHOSEN, own, query
from deploy.observability.boards.fleet import BY, lag, states
from deploy.observability.boards.pipeline import RATE, quantiles, rate

#: Part done of all records of the copy, over the workers that share it.
DONE = (
    f"sum by ({BY}) (syncsvc_snapshot_progress_ratio{{{CHOSEN}}} * syncsvc_snapshot_estimated_rows{{{CHOSEN}}})"
    f" / sum by ({BY}) (syncsvc_snapshot_estimated_rows{{{CHOSEN}}})"
)


def board() -> str:
    """The board of first copies."""
    canvas = own(
        "syncsvc-first-copy", "syncsvc: first copy and rebuild",
        "A new generation reads everything first, then writes each document once. Readers see it when it is published.",
    )  # fmt: skip
    canvas.stat(
        "Done", "Part of the records of the first copy that was handled, for the pipeline that is least far. It stays "
        "a little below 100 % until the documents are written.",
        "percentunit", f"min({DONE})", steps=((None, "blue"), (1, "green")),
    )  # fmt: skip
    canvas.stat(
        "Records to copy", "What the source topics held when the generation began, over all workers.", "short",
        f"sum(syncsvc_snapshot_estimated_rows{{{CHOSEN}}})",
    )  # fmt: skip
    canvas.stat(
        "Running for", "Since the first worker began its part; it stands at 0 where nothing is copied by the workers "
        "that run now.",
        "s", f"max((time() - (syncsvc_snapshot_started_timestamp_seconds{{{CHOSEN}}} > 0))"
        f" and on (instance, pipeline) (syncsvc_snapshot_progress_ratio{{{CHOSEN}}} < 1)) or vector(0)",
    )  # fmt: skip
    canvas.stat(
        "Time left", "At the pace of the last five minutes; 0 when it is over. The writing of the documents at the "
        "end is faster than the reading.",
        "s",
        f"max((1 - ({DONE})) / (deriv(({DONE})[5m:15s]) > 0)) or vector(0)",
    )  # fmt: skip
    expr, names = states()
    canvas.states(
        "State", "Snapshotting until every partition of a worker has written its documents, then running.",
        [query(expr, "{{pipeline}}")], names,
    )  # fmt: skip
    canvas.graph(
        "Progress of each worker", "Part of its own partitions' records; a flat line among rising ones is a worker in "
        "trouble.",
        "percentunit", query(f"syncsvc_snapshot_progress_ratio{{{CHOSEN}}}", "{{pipeline}} {{instance}}"),
    )  # fmt: skip
    canvas.graph(
        "Rows read", "Rows of the snapshot by table, a second. Tables come one after the other, as Debezium reads "
        "them.",
        "cps", query(rate("syncsvc_snapshot_rows_total", "table"), "{{table}}"), stacked=True,
    )  # fmt: skip
    canvas.graph(
        "Documents written", "Nothing while rows pour in, then each document once.", "cps",
        query(rate("syncsvc_documents_written_total", "collection, outcome"), "{{collection}} {{outcome}}"),
        stacked=True,
    )  # fmt: skip
    canvas.graph(
        "Lag", "Records in the topics and not yet applied: falls to 0 towards the end.", "short",
        query(lag(), "{{pipeline}}"), log=True,
    )  # fmt: skip
    canvas.graph(
        "Transactions", "Large steps are wanted here; a p99 of many seconds says that MongoDB is the limit.", "s",
        *quantiles("syncsvc_apply_duration_seconds", 0.5, 0.99),
    )  # fmt: skip
    canvas.graph(
        "Tables left without older rows", "A table that was emptied, dropped or read again, by cause, and rows that "
        "went with it.",
        "short", query(f"sum by (table, cause) (increase(syncsvc_barriers_total{{{CHOSEN}}}[{RATE}]))",
        "{{table}} {{cause}}"),
        query(f"sum by (reason) (increase(syncsvc_rows_removed_total{{{CHOSEN}}}[{RATE}]))", "rows {{reason}}"),
    )  # fmt: skip
    return canvas.json()
