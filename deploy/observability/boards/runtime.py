"""The worker processes: loop, CPU, memory, garbage, local state, rebalances, the driver."""

from __future__ import annotations

from deploy.observability.boards.canvas import CHOSEN, Canvas, query
from deploy.observability.boards.fleet import BY
from deploy.observability.boards.pipeline import RATE

HERE = 'namespace=~"$namespace",instance=~"$instance"'
OWN = f"{HERE},{CHOSEN.partition(',')[2]}"


def _per_worker(expr: str) -> str:
    """A metric of every Python process, for ours only."""
    return f"{expr} and on (instance) syncsvc_build_info{{{HERE}}}"


def board() -> str:
    """The runtime's board."""
    canvas = Canvas(
        "syncsvc-runtime", "syncsvc: runtime",
        "The processes behind the pipelines. Look here when one worker is slower than the others, or all are.",
        {
            "namespace": "label_values(syncsvc_build_info, namespace)",
            "pipeline": 'label_values(syncsvc_pipeline_info{namespace=~"$namespace"}, pipeline)',
            "instance": 'label_values(syncsvc_build_info{namespace=~"$namespace"}, instance)',
        },
    )  # fmt: skip
    canvas.table(
        "What runs", "Version and Python of each worker, and the mapping each pipeline was started with: two hashes "
        "for one pipeline are a rollout under way.",
        "none", query(f"syncsvc_build_info{{{HERE}}}", "worker"), height=6, width=12,
    )  # fmt: skip
    canvas.table(
        "Mappings", "The mapping file that each worker runs, as a digest.", "none",
        query(f"count by ({BY}, config_hash, mode, collection) (syncsvc_pipeline_info{{{OWN}}})", "workers"), height=6,
        width=12,
    )  # fmt: skip
    _process(canvas)
    _driver(canvas)
    return canvas.json()


def _process(canvas: Canvas) -> None:
    canvas.row("Process")
    canvas.graph(
        "CPU", "Cores used. Near 1 for long: the worker is at its limit, add workers.", "none",
        query(_per_worker(f"rate(process_cpu_seconds_total{{{HERE}}}[{RATE}])"), "{{instance}}"), width=8,
    )  # fmt: skip
    canvas.graph(
        "Memory", "Resident memory. It grows with the partitions owned and with what waits for them, not with time.",
        "bytes", query(_per_worker(f"process_resident_memory_bytes{{{HERE}}}"), "{{instance}}"), width=8,
    )  # fmt: skip
    canvas.graph(
        "Event loop lag", "How late a clock tick comes, one in a hundred. Above a quarter second often: something "
        "holds the loop, or the CPU is taken.",
        "s", query(
            "histogram_quantile(0.99, sum by (instance, le)"
            f" (rate(syncsvc_event_loop_lag_seconds_bucket{{{HERE}}}[{RATE}])))",
            "{{instance}}",
        ), width=8,
    )  # fmt: skip
    canvas.graph(
        "Garbage collections", "Collections a second by generation. Many of generation 2 point at a leak.", "cps",
        query(_per_worker(f"rate(python_gc_collections_total{{{HERE}}}[{RATE}])"), "{{instance}} gen {{generation}}"),
        width=8,
    )  # fmt: skip
    canvas.graph(
        "Open files", "File descriptors: connections and caches. A steady rise is a leak.", "short",
        query(_per_worker(f"process_open_fds{{{HERE}}}"), "{{instance}}"), width=8,
    )  # fmt: skip
    canvas.graph(
        "Local state", "Disk of the cache of the join state. Losing it costs a reload, never data.", "bytes",
        query(f"sum by (instance, pipeline) (syncsvc_state_store_bytes{{{OWN}}})", "{{instance}} {{pipeline}}"),
        width=8,
    )  # fmt: skip


def _driver(canvas: Canvas) -> None:
    canvas.row("Partitions and MongoDB")
    canvas.graph(
        "Partitions owned", "By worker and stage. The sum must be the partition count, always.", "short",
        query(
            f"sum by (instance, pipeline, stage) (syncsvc_assigned_partitions{{{OWN}}})",
            "{{instance}} {{pipeline}} {{stage}}",
        ), stacked=True, width=8,
    )  # fmt: skip
    canvas.graph(
        "Assignments", "Rebalances a worker took part in. Some in a rollout; many without one is a storm.", "short",
        query(f"sum by (instance, pipeline) (increase(syncsvc_rebalances_total{{{OWN}}}[5m]))",
        "{{instance}} {{pipeline}}"),
        width=8,
    )  # fmt: skip
    canvas.graph(
        "Taking over", "Until an assignment reads again, and until one partition's state is whole, mean. Long with a "
        "cold cache: the state is read from MongoDB.",
        "s",
        query(
            f"sum by ({BY}) (syncsvc_rebalance_duration_seconds_sum{{{OWN}}})"
            f" / sum by ({BY}) (syncsvc_rebalance_duration_seconds_count{{{OWN}}})",
            "{{pipeline}} assignment",
        ),
        query(
            f"sum by ({BY}) (syncsvc_recovery_duration_seconds_sum{{{OWN}}})"
            f" / sum by ({BY}) (syncsvc_recovery_duration_seconds_count{{{OWN}}})",
            "{{pipeline}} partition",
        ), width=8,
    )  # fmt: skip
    canvas.graph(
        "Commands to MongoDB, p99", "As the driver measures them. `commitTransaction` slow alone is replication; all "
        "slow is the disk or the network.",
        "s", query(
            "histogram_quantile(0.99, sum by (command, le)"
            f" (rate(syncsvc_mongo_command_duration_seconds_bucket{{{HERE}}}[{RATE}])))",
            "{{command}}",
        ), width=8,
    )  # fmt: skip
    canvas.graph(
        "Connections to MongoDB", "Open, and of those in use.", "short",
        query(f"sum by (instance, state) (syncsvc_mongo_pool_connections{{{HERE}}})", "{{instance}} {{state}}"),
        width=8,
    )  # fmt: skip
    canvas.graph(
        "Commits", "Steps made durable a second, by stage: records per commit is the batch the database sees.", "cps",
        query(f"sum by (stage) (rate(syncsvc_transaction_commits_total{{{OWN}}}[{RATE}]))", "{{stage}}"),
        query(f"sum by (stage) (rate(syncsvc_emissions_total{{{OWN}}}[{RATE}]))", "records sent by the {{stage}}"),
        width=8,
    )  # fmt: skip
