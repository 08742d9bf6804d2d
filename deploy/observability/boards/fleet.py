"""All pipelines at a glance: do readers notice anything, and where."""

from __future__ import annotations

from deploy.observability.alerts import BUDGET
from deploy.observability.boards.canvas import CHOSEN, NONE_IS_GOOD, own, query

BY = "namespace, pipeline"
#: Of the state set, the worst first: a pipeline is shown in the worst state that a worker of it is in.
STATES = {
    "failed": "dark-red", "stalled": "red", "backpressured": "orange", "degraded": "yellow", "paused": "purple",
    "starting": "light-blue", "recovering": "blue", "snapshotting": "semi-dark-blue", "running": "green",
}  # fmt: skip


def fresh(selector: str = CHOSEN) -> str:
    """Freshness of each pipeline: the worst worker, never a mean (invariant 9)."""
    return f"max by ({BY}) (syncsvc_freshness_seconds{{{selector}}})"


def objective(selector: str = CHOSEN) -> str:
    """The objective of each pipeline."""
    return f"max by ({BY}) (syncsvc_freshness_objective_seconds{{{selector}}})"


def lag(selector: str = CHOSEN, by: str = BY) -> str:
    """Records not yet applied; a partition that moves is seen twice for a moment and counted once."""
    each = f"max by (namespace, pipeline, topic, partition) (syncsvc_consumer_lag_messages{{{selector}}} >= 0)"
    return f"sum by ({by}) ({each})"


def owned(selector: str = CHOSEN) -> str:
    """Partitions that somebody owns; one that moves is seen twice for a moment and counted once."""
    each = f"max by (namespace, pipeline, topic, partition) (syncsvc_consumer_applied_offset{{{selector}}})"
    return f"count by ({BY}) ({each})"


def states() -> tuple[str, dict[int, tuple[str, str]]]:
    """The state of each pipeline as a number, and `{number: (word, colour)}`."""
    numbers = {word: 9 - place for place, word in enumerate(STATES)}
    expr = " or ".join(
        f'(max by ({BY}) (syncsvc_pipeline_state{{{CHOSEN},state="{word}"}}) == 1) * {number}'
        for word, number in numbers.items()
    )
    return expr, {number: (word, STATES[word]) for word, number in numbers.items()}


def board() -> str:
    """The fleet's board."""
    canvas = own(
        "syncsvc-fleet", "syncsvc: fleet",
        "Every pipeline at once. Read from the top: whether readers notice, how much of the promise is left, who is "
        "worst. Then go to the board of that pipeline.",
    )  # fmt: skip
    missed = f"(max by ({BY}) (syncsvc_freshness_seconds{{{CHOSEN}}}) > bool {objective()})"
    canvas.stat(
        "Worst freshness / objective",
        "Age of the oldest change that readers do not see, as a share of what its pipeline promises, for the worst "
        "pipeline. Above 100 %: readers see older data than promised. No data: no worker owns a partition.",
        "percentunit", f"max({fresh()} / {objective()})", steps=((None, "green"), (0.5, "orange"), (1, "red")),
    )  # fmt: skip
    canvas.stat(
        "Lag", "Records that the broker has and MongoDB does not show yet, over all topics of the pipelines chosen.",
        "short", f"sum({lag()})",
    )  # fmt: skip
    canvas.stat(
        "Parked keys",
        "Keys that wait for a person: a row could not be read, or a document not be written. Every other key flows. "
        "See `syncsvc parked list`.",
        "short", f"sum(max by ({BY}) (syncsvc_parked_keys{{{CHOSEN}}}))", steps=NONE_IS_GOOD,
    )  # fmt: skip
    canvas.stat(
        "Workers", "Workers that answer a scrape. 0: nothing is written, and every other panel shows the past.",
        "short", 'count(syncsvc_build_info{namespace=~"$namespace"}) or vector(0)',
        steps=((None, "red"), (1, "green")),
    )  # fmt: skip
    expr, names = states()
    canvas.states(
        "State of each pipeline",
        "The worst state that any worker is in, judged at each scrape. Blue is a first copy or a start, green is "
        "normal, yellow has parked keys, orange waits for MongoDB, red needs a person.",
        [query(expr, "{{pipeline}}")], names,
    )  # fmt: skip
    canvas.graph(
        "Freshness", "Age of the oldest change that is not visible, of the worst worker. 0 is proven up to date. A "
        "line that rises by a second each second is a standstill.",
        "s", query(fresh(), "{{pipeline}}"), log=True,
    )  # fmt: skip
    canvas.graph(
        "Lag by pipeline", "Records not yet applied. Grows and shrinks with bursts; a steady rise means that the "
        "fleet is too small or MongoDB too slow.",
        "short", query(lag(), "{{pipeline}}"), log=True,
    )  # fmt: skip
    canvas.graph(
        "Budget burnt in an hour",
        f"Part of the last hour in which a pipeline missed its freshness objective, in multiples of the {BUDGET:.1%} "
        "that may be missed. 1 uses the budget up exactly; 14.4 pages.",
        "none", query(f"avg_over_time({missed}[1h:30s]) / {BUDGET}", "{{pipeline}}"),
    )  # fmt: skip
    canvas.graph(
        "Source heartbeats", "Seconds since each source was heard of. Up to a minute is normal when nothing is "
        "changed; minutes mean that connector, Kafka Connect or the database is down although lag is 0.",
        "s", query(
            f"time() - max by (namespace, source) (syncsvc_source_heartbeat_timestamp_seconds{{{CHOSEN}}})",
            "{{source}}"
        ),
    )  # fmt: skip
    canvas.table(
        "Who is behind", "Newest values of each pipeline, to sort by what matters now.", "short",
        query(fresh(), "freshness, s"), query(lag(), "lag, records"),
        query(f"max by ({BY}) (syncsvc_parked_keys{{{CHOSEN}}})", "parked keys"),
        query(owned(), "owned partitions"),
        query(f"count by ({BY}) (syncsvc_pipeline_info{{{CHOSEN}}})", "workers"),
    )  # fmt: skip
    return canvas.json()
