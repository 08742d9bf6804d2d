"""
Every alert and recording rule, once; `rules` writes them for Prometheus and for its operator.

`page` wakes a person, `ticket` waits for the morning.  Aggregates come before comparisons: a pipeline is one thing,
however many workers run it, so freshness is a maximum over them and a counter a sum.
"""

from __future__ import annotations

from dataclasses import dataclass

#: One pipeline; `namespace` is empty where there is none.
P = "namespace, pipeline"
T = "namespace, pipeline, topic"
TP = "namespace, pipeline, topic, partition"
#: One collection, as `verify` tells of it on a host.
C = "namespace, pipeline, collection"
#: Part of the time in which a pipeline may miss its freshness objective: 99.5 % is promised.
BUDGET = 0.005


@dataclass(frozen=True, slots=True)
class Recording:
    """An expression that several alerts use, evaluated once."""

    name: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; its runbook is `docs/runbooks/<name>.md`, its board the one with this uid."""

    name: str
    severity: str
    #: How long it must hold, as Prometheus writes durations.
    hold: str
    expr: str
    summary: str
    description: str
    board: str = "syncsvc-pipeline"


RECORDINGS = (
    Recording(
        "syncsvc:freshness_missed:bool",
        f"max by ({P}) (syncsvc_freshness_seconds) > bool max by ({P}) (syncsvc_freshness_objective_seconds)",
    ),
    Recording("syncsvc:lag_messages:sum", f"sum by ({P}) (max by ({TP}) (syncsvc_consumer_lag_messages >= 0))"),
    Recording("syncsvc:applied_messages:rate10m", f"sum by ({P}) (rate(syncsvc_consumer_applied_offset[10m]))"),
    # Each once, however many are seen with it: workers are scraped one after the other, and one that was away for long
    # does not know yet that others have its partitions.
    Recording("syncsvc:owned_partitions:count", f"count by ({T}) (max by ({TP}) (syncsvc_consumer_applied_offset))"),
)


def _burn(factor: float, long: str, short: str) -> str:
    """Both windows burn the budget so fast: the long one that it matters, the short one that it still does."""
    bound = f"{factor * BUDGET:g}"
    missed = "avg_over_time(syncsvc:freshness_missed:bool[{}])"
    return f"{missed.format(long)} > {bound} and {missed.format(short)} > {bound}"


def _cron_job(metric: str) -> str:
    """A figure of the nightly `verify` of deploy/k8s, whatever an overlay puts before its name."""
    return f'max by (namespace, cronjob) ({metric}{{cronjob=~"(.+-)?syncsvc-verify"}})'


_SCHEDULED = _cron_job("kube_cronjob_status_last_schedule_time")

ALERTS = (
    Alert(
        "SyncFreshnessBudgetBurnFast", "page", "2m", _burn(14.4, "1h", "5m"),
        "Pipeline {{ $labels.pipeline }} shows readers old data",
        "It missed its freshness objective for {{ $value | humanizePercentage }} of the last hour: at this pace the "
        "budget of a month is gone in two days.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncFreshnessBudgetBurnSlow", "ticket", "15m", _burn(6, "6h", "30m"),
        "Pipeline {{ $labels.pipeline }} is late again and again",
        "It missed its freshness objective for {{ $value | humanizePercentage }} of the last six hours.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncStalled", "page", "5m",
        f"count by ({P}) (max by ({TP}) (syncsvc_consumer_lag_messages) > 0"
        f" and max by ({TP}) (changes(syncsvc_consumer_applied_offset[5m])) == 0)",
        "Pipeline {{ $labels.pipeline }} stands still",
        "{{ $value }} partitions have records waiting and have not moved for five minutes and more.",
    ),
    Alert(
        "SyncLagGrowing", "ticket", "15m",
        "deriv(syncsvc:lag_messages:sum[15m]) > 0"
        " and syncsvc:lag_messages:sum > 3600 * (syncsvc:applied_messages:rate10m > 0)",
        "Pipeline {{ $labels.pipeline }} falls behind",
        "Lag grows by {{ $value | humanize }} records a second, and at the present rate it would take more than an "
        "hour to drain.",
    ),
    Alert(
        "SyncNearDataLoss", "page", "10m",
        f"min by ({TP}) (syncsvc_retention_margin_messages"
        " / (syncsvc_partition_end_offset - syncsvc_partition_start_offset)) < 0.2"
        f" and max by ({TP}) (delta(syncsvc_partition_start_offset[6h])) > 0",
        "{{ $labels.topic }}[{{ $labels.partition }}] is deleted close behind pipeline {{ $labels.pipeline }}",
        "Only {{ $value | humanizePercentage }} of the log lies between what the broker deletes next and what is "
        "needed next.",
    ),
    Alert(
        "SyncDataLoss", "page", "0m",
        f"max by ({TP}) (-syncsvc_retention_margin_messages) > 0"
        # The exporter may watch other groups too (--group): what those have lost is in none of our documents.
        " or max by (namespace, group, topic, partition)"
        ' (kafka_consumergroup_group_messages_lost{group=~"syncsvc[.].+"}) > 0',
        "Records of {{ $labels.topic }}[{{ $labels.partition }}] were deleted before they were applied",
        "{{ $value }} records are lost to the documents: they have to be built anew.",
    ),
    Alert(
        "SyncParkedKeys", "ticket", "15m", f"max by ({P}) (syncsvc_parked_keys) > 0",
        "{{ $value }} keys of pipeline {{ $labels.pipeline }} are parked",
        "Their documents stand still until a person decides; every other key flows.",
    ),
    Alert(
        "SyncParkedKeysOld", "page", "0m",
        f"time() - max by ({P}) (syncsvc_parked_oldest_timestamp_seconds > 0) > 86400",
        "Pipeline {{ $labels.pipeline }} has had a parked key for more than a day",
        "The oldest has waited for {{ $value | humanizeDuration }}: those documents are wrong for readers.",
    ),
    Alert(
        "SyncDocumentsDiffer", "page", "0m",
        f'max by ({C}) (sum by (instance, {C}) (syncsvc_verify_documents{{result!="match"}})) > 0',
        "Documents of {{ $labels.collection }} are not the join of their rows",
        "{{ $value }} of them differed when syncsvc verify last compared all of pipeline {{ $labels.pipeline }}.",
    ),
    Alert(
        "SyncVerifyOverdue", "ticket", "15m",
        f"time() - (max by ({C}) (syncsvc_verify_last_success_timestamp_seconds)"
        f" or 0 * max by ({C}) (syncsvc_verify_last_run_timestamp_seconds)) > 2 * 86400",
        "Nobody knows whether {{ $labels.collection }} is right",
        "For two days and more no run of syncsvc verify has found all documents of pipeline {{ $labels.pipeline }} "
        "equal to their rows.",
    ),
    Alert(
        "SyncVerifyJobFails", "page", "5h",
        f"{_SCHEDULED} > ({_cron_job('kube_cronjob_status_last_successful_time')} or 0 * {_SCHEDULED})",
        "The nightly run of {{ $labels.cronjob }} has not succeeded",
        "Documents differ from their rows, or it could not compare them: the log of its last pod says which.",
    ),
    Alert(
        "SyncApplyErrors", "ticket", "0m", f"sum by ({P}) (increase(syncsvc_apply_errors_total[15m])) > 0",
        "Pipeline {{ $labels.pipeline }} gives documents up",
        "{{ $value | humanize }} documents could not be rendered or were refused by MongoDB in the last 15 minutes.",
    ),
    Alert(
        "SyncDecodeErrors", "ticket", "0m",
        "sum by (namespace, topic, reason) (increase(syncsvc_decode_errors_total[15m])) > 0",
        "Records of {{ $labels.topic }} cannot be read: {{ $labels.reason }}",
        "{{ $value | humanize }} records in the last 15 minutes; a table was probably changed.",
    ),
    Alert(
        "SyncMongoSlow", "ticket", "15m",
        f"histogram_quantile(0.99, sum by ({P}, le) (rate(syncsvc_apply_duration_seconds_bucket[10m]))) > 1",
        "MongoDB is slow for pipeline {{ $labels.pipeline }}",
        "One transaction in a hundred takes {{ $value | humanizeDuration }} and more.",
    ),
    Alert(
        "SyncRetriesHigh", "ticket", "10m",
        f"sum by ({P}) (rate(syncsvc_apply_retries_total[10m]))"
        f" > 0.1 * sum by ({P}) (rate(syncsvc_transaction_commits_total[10m])) + 0.02",
        "Pipeline {{ $labels.pipeline }} repeats its transactions",
        "{{ $value | humanize }} attempts a second fail, more than one in ten.",
    ),
    Alert(
        "SyncRebalanceStorm", "ticket", "0m", f"max by ({P}) (increase(syncsvc_rebalances_total[15m])) > 5",
        "Partitions of pipeline {{ $labels.pipeline }} change their owners all the time",
        "{{ $value | humanize }} assignments in 15 minutes; nothing is applied during one.",
        "syncsvc-runtime",
    ),
    Alert(
        "SyncBackpressured", "ticket", "5m",
        f"max by ({P}) (avg_over_time(syncsvc_pipeline_state{{state=\"backpressured\"}}[15m])) > 0.5",
        "Pipeline {{ $labels.pipeline }} cannot read as fast as it could",
        "For {{ $value | humanizePercentage }} of 15 minutes a partition's queue was full.",
    ),
    Alert(
        "SyncSourceHeartbeatMissing", "page", "1m",
        "time() - max by (namespace, source) (syncsvc_source_heartbeat_timestamp_seconds) > 180",
        "Nothing is heard of source {{ $labels.source }}",
        "Its last heartbeat is {{ $value | humanizeDuration }} old: connector, Kafka Connect or the database is down, "
        "although lag is 0.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncWorkerAbsent", "page", "2m", "absent(syncsvc_build_info)",
        "No worker runs", "Prometheus sees no syncsvc worker: nothing is applied.", "syncsvc-fleet",
    ),
    # Where nothing runs at all, the one above says it.
    Alert(
        "SyncPipelineAbsent", "page", "5m",
        f"count by ({P}) (last_over_time(syncsvc_pipeline_info[1h])) unless count by ({P}) (syncsvc_pipeline_info)"
        " and on () count(syncsvc_build_info)",
        "No worker runs pipeline {{ $labels.pipeline }} any more",
        "{{ $value }} ran it within the last hour, and workers of other pipelines answer: nothing of it is applied.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncPartitionsUnowned", "page", "10m",
        # By topic: the keyed topic of an old generation goes for good, and takes nothing with it.
        f"sum by ({P}) (max_over_time(syncsvc:owned_partitions:count[6h]) - syncsvc:owned_partitions:count) > 0"
        f" or sum by ({P}) (syncsvc_assigned_partitions) == 0",
        "Partitions of pipeline {{ $labels.pipeline }} have no owner",
        "{{ $value }} of them (0: all of them); what comes into them is not applied.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncLagExporterAbsent", "ticket", "15m",
        "count by (namespace) (last_over_time(kafka_lag_exporter_up[6h]))"
        " unless count by (namespace) (kafka_lag_exporter_up == 1)",
        "The lag exporter tells nothing any more",
        "It was there within six hours, and is away or cannot ask. Until it is back nobody sees the lag and the lost "
        "records of workers that are away too, and nothing scales by it.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncMappingsDiffer", "ticket", "30m", f"count by ({P}) (count by ({P}, config_hash) (syncsvc_pipeline_info)) "
        "> 1",
        "Workers of pipeline {{ $labels.pipeline }} run different mappings",
        "{{ $value }} mapping files are in use for half an hour: a rollout is stuck.",
        "syncsvc-fleet",
    ),
    Alert(
        "SyncSnapshotStuck", "ticket", "15m",
        f"max by ({P}) (syncsvc_pipeline_state{{state=\"snapshotting\"}}) == 1"
        f" and sum by ({P}) (increase(syncsvc_snapshot_rows_total[15m])) == 0"
        f" and sum by ({P}) (increase(syncsvc_documents_written_total[15m])) == 0",
        "The first copy of pipeline {{ $labels.pipeline }} does not go on",
        "No row was read and no document written for 15 minutes, and it is not over.",
        "syncsvc-first-copy",
    ),
    Alert(
        "SyncClockSkew", "ticket", "30m", f"sum by ({P}) (rate(syncsvc_clock_skew_events_total[10m])) > 0",
        "Clocks differ between the source of pipeline {{ $labels.pipeline }} and its workers",
        "{{ $value | humanize }} events a second come from the future; latencies and freshness are off by as much.",
    ),
    Alert(
        "SyncEventLoopSlow", "ticket", "15m",
        "histogram_quantile(0.99, sum by (namespace, instance, le) (rate(syncsvc_event_loop_lag_seconds_bucket[10m])))"
        " > 0.5",
        "Worker {{ $labels.instance }} does not get to its work",
        "One tick in a hundred comes {{ $value | humanizeDuration }} late and more; its CPU is taken or too small.",
        "syncsvc-runtime",
    ),
    Alert(
        "DebeziumBehindSource", "ticket", "5m",
        "max by (namespace, name) (debezium_metrics_MilliSecondsBehindSource{context=\"streaming\"}) > 60000",
        "Debezium is behind the source of {{ $labels.name }}",
        "It reads the log of {{ $value | humanize }} ms ago; our own lag does not contain this.",
        "syncsvc-debezium",
    ),
    Alert(
        "DebeziumDisconnected", "page", "2m",
        "min by (namespace, name) (debezium_metrics_Connected{context=\"streaming\"}) == 0",
        "Debezium has lost its source: {{ $labels.name }}",
        "The connector runs and has no connection to the database's log.",
        "syncsvc-debezium",
    ),
    Alert(
        "ConnectTaskFailed", "page", "1m",
        "sum by (namespace, connector) (kafka_connect_worker_connector_failed_task_count) > 0",
        "A task of connector {{ $labels.connector }} has failed",
        "{{ $value }} tasks; Kafka Connect does not start a failed task again by itself.",
        "syncsvc-debezium",
    ),
)  # fmt: skip
