"""One pipeline in detail: how late, where the time goes, which partition, what MongoDB says."""

from __future__ import annotations

from deploy.observability.boards.canvas import CHOSEN, Canvas, Query, own, query
from deploy.observability.boards.fleet import BY, fresh, lag, objective

RATE = "$__rate_interval"
EACH = "namespace, pipeline, topic, partition"


def rate(metric: str, by: str) -> str:
    """A counter's pace, a second, over all workers."""
    return f"sum by ({by}) (rate({metric}{{{CHOSEN}}}[{RATE}]))"


def quantile(part: float, metric: str, by: str = BY) -> str:
    """A quantile of a histogram over all workers."""
    return f"histogram_quantile({part}, sum by ({by}, le) (rate({metric}_bucket{{{CHOSEN}}}[{RATE}])))"


def quantiles(metric: str, *parts: float) -> list[Query]:
    """A line for each quantile: `quantiles(metric, 0.5, 0.99)` are p50 and p99."""
    return [query(quantile(part, metric), f"{{{{pipeline}}}} p{part * 100:.0f}") for part in parts]


def board() -> str:
    """The board of one pipeline, or of some side by side."""
    canvas = own(
        "syncsvc-pipeline", "syncsvc: pipeline",
        "One pipeline. First whether readers notice, then where the delay is: before us (capture, broker), in the join "
        "(queue, join) or in MongoDB (apply); then which partition, then why.",
    )  # fmt: skip
    canvas.annotation(
        "Rebalances", f"sum by (pipeline) (increase(syncsvc_rebalances_total{{{CHOSEN}}}[1m])) > 0", "orange"
    )
    _delay(canvas)
    _flow(canvas)
    _mongo(canvas)
    _partitions(canvas)
    return canvas.json()


def _delay(canvas: Canvas) -> None:
    canvas.row("Do readers notice")
    canvas.graph(
        "Freshness against its objective",
        "Age of the oldest change that is not visible, and what the mapping file promises. Above it, readers see older "
        "data than promised.",
        "s", query(fresh(), "{{pipeline}}"), query(objective(), "{{pipeline}} objective"),
    )  # fmt: skip
    canvas.heat(
        "End to end", "From the commit in the source to the acknowledgement of MongoDB, each step by its oldest "
        "change. Rows of the first copy are not in it. A MariaDB source has whole seconds only.",
        "s", f"sum by (le) (increase(syncsvc_end_to_end_latency_seconds_bucket{{{CHOSEN}}}[{RATE}]))",
    )  # fmt: skip
    canvas.graph(
        "Where the time goes, mean",
        "From the commit into Kafka (capture), waiting in the source topic (broker), waiting in the keyed topic "
        "(queue), fold and render (join), one transaction (apply). The thickest band is where to look.",
        "s", query(
            f"{rate('syncsvc_stage_latency_seconds_sum', 'stage')} / "
            f"{rate('syncsvc_stage_latency_seconds_count', 'stage')}",
            "{{stage}}",
        ), stacked=True,
    )  # fmt: skip
    canvas.graph(
        "End to end, quantiles", "Half of the changes, 95 and 99 in a hundred are visible within this time.", "s",
        *quantiles("syncsvc_end_to_end_latency_seconds", 0.5, 0.95, 0.99),
    )  # fmt: skip


def _flow(canvas: Canvas) -> None:
    canvas.row("What flows")
    canvas.graph(
        "Changes in", "Changes decoded, by table and kind. `snapshot` is a first copy or a table read again.", "cps",
        query(rate("syncsvc_events_consumed_total", "table, op"), "{{table}} {{op}}"), stacked=True, width=8,
    )  # fmt: skip
    canvas.graph(
        "Documents out", "Documents made durable. Far fewer than changes in is folding at work; far more is fan-out: "
        "one changed row stands in many documents.",
        "cps", query(rate("syncsvc_documents_written_total", "collection, outcome"), "{{collection}} {{outcome}}"),
        stacked=True, width=8,
    )  # fmt: skip
    canvas.graph(
        "Changes without effect", "Skipped by reason. `stale` and `duplicate` rise after the connector restarts and "
        "are harmless; `filtered` and `unmapped` say how much is read for nothing.",
        "cps", query(rate("syncsvc_events_skipped_total", "reason"), "{{reason}}"), stacked=True, width=8,
    )  # fmt: skip
    canvas.graph(
        "Lag and time to drain", "Records not yet applied, and how many seconds they take at the present "
        "pace.", "short",
        query(lag(), "{{pipeline}} records"),
        query(
            f"{lag()} / (sum by ({BY}) (rate(syncsvc_consumer_applied_offset{{{CHOSEN}}}[5m])) > 0)",
            "{{pipeline}} seconds"
        ),
        log=True,
    )  # fmt: skip
    canvas.graph(
        "Records waiting here", "Fetched and not yet taken by their partition's actor, and the room there is. Full "
        "while lag grows: the join or MongoDB is the limit, not Kafka.",
        "short", query(f"sum by ({BY}) (syncsvc_apply_queue_records{{{CHOSEN}}})", "{{pipeline}} waiting"),
        query(f"sum by ({BY}) (syncsvc_apply_queue_capacity_records{{{CHOSEN}}})", "{{pipeline}} room"), log=True,
    )  # fmt: skip
    canvas.graph(
        "Partitions held back", "How many, on average, are read no further because their actor has no room: usual in a "
        "first copy, in live flow the router or the joiner cannot keep up.",
        "short",
        query(rate("syncsvc_backpressure_paused_seconds_total", f"{BY}, stage"), "{{pipeline}} {{stage}}"),
    )  # fmt: skip


def _mongo(canvas: Canvas) -> None:
    canvas.row("What MongoDB says")
    canvas.graph(
        "Transactions", "One step from hand-over to acknowledgement by the majority, retries included. A p99 above 1 s "
        "with small batches: look at the disk and the replication.",
        "s", *quantiles("syncsvc_apply_duration_seconds", 0.5, 0.99), width=8,
    )  # fmt: skip
    canvas.graph(
        "Documents in a step", "At its upper end while lag grows, the database is the limit; small and many is live "
        "flow.",
        "short", *quantiles("syncsvc_apply_batch_size_documents", 0.5, 0.99), width=8,
    )  # fmt: skip
    canvas.graph(
        "Retries", "Transactions tried again, by reason. `write_conflict` now and then is normal, `network` or "
        "`not_primary` in bursts is an election.",
        "cps", query(rate("syncsvc_apply_retries_total", "reason"), "{{reason}}"), width=8,
    )  # fmt: skip
    canvas.graph(
        "Parked and released", "Keys that were held back, and keys that go on. Only parked rising is an "
        "incident.", "short",
        query(
            f"sum by (transition) (increase(syncsvc_parked_transitions_total{{{CHOSEN}}}[{RATE}]))", "{{transition}}"
        ),
        query(f"max by ({BY}) (syncsvc_parked_keys{{{CHOSEN}}})", "{{pipeline}} parked now"),
    )  # fmt: skip
    canvas.graph(
        "What could not be read or written", "Records that do not decode, by reason, and documents that were given up.",
        "short",
        query(f"sum by (reason) (increase(syncsvc_events_parked_total{{{CHOSEN}}}[{RATE}]))", "{{reason}}"),
        query(f"sum by (reason) (increase(syncsvc_apply_errors_total{{{CHOSEN}}}[{RATE}]))", "{{reason}}"),
    )  # fmt: skip


def _partitions(canvas: Canvas) -> None:
    canvas.row("Which partition")
    canvas.graph(
        "Freshness by partition, the ten worst", "One bad line among good ones is a hot key, or a partition whose "
        "owner is in trouble; all alike is the database or the fleet's size.",
        "s", query(
            "topk(10, max by (namespace, pipeline, stage, partition)"
            f" (syncsvc_partition_freshness_seconds{{{CHOSEN}}}))",
            "{{pipeline}} {{stage}} {{partition}}",
        ),
    )  # fmt: skip
    canvas.graph(
        "Lag by partition, the ten worst", "Skew: if one partition has most of it, more workers do not help.", "short",
        query(f"topk(10, max by ({EACH}) (syncsvc_consumer_lag_messages{{{CHOSEN}}}))", "{{topic}}[{{partition}}]"),
        log=True,
    )  # fmt: skip
    canvas.table(
        "Partitions", "Where each partition stands. Margin is what lies between the broker's next deletion and what we "
        "need next: below 0, records are lost.",
        "short",
        query(f"max by ({EACH}) (syncsvc_consumer_lag_messages{{{CHOSEN}}})", "lag"),
        query(f"max by ({EACH}) (syncsvc_consumer_lag_seconds{{{CHOSEN}}})", "freshness, s"),
        query(f"max by ({EACH}) (syncsvc_consumer_applied_offset{{{CHOSEN}}})", "applied"),
        query(f"max by ({EACH}) (syncsvc_partition_end_offset{{{CHOSEN}}})", "end"),
        query(f"max by ({EACH}) (syncsvc_retention_margin_messages{{{CHOSEN}}})", "margin"), height=12,
    )  # fmt: skip
