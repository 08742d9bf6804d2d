"""
For each alert: series on which it fires, what it then says, and series on which it must not.

Series are in promtool's notation, a value a minute: `0+5x10` is 0, 5, .. 50.
"""

from __future__ import annotations

from dataclasses import dataclass, field

W1, W2 = 'pipeline="meetings",instance="one"', 'pipeline="meetings",instance="two"'
PART = f'{W1},topic="keyed",partition="3"'


@dataclass(frozen=True, slots=True)
class Case:
    """One alert."""

    alert: str
    #: `{series: values}` on which it fires.
    fires_on: dict[str, str]
    #: When it does.
    at: str
    #: What is in place of `{{ $value … }}` in its texts.
    value: str
    #: When it does not do so yet, or no more.
    not_at: str
    #: Series of another story, on which it never fires up to `at`.
    rests_on: dict[str, str]
    labels: dict[str, str] = field(default_factory=lambda: {"pipeline": "meetings"})


def _fresh(one: str, two: str) -> dict[str, str]:
    return {
        f"syncsvc_freshness_seconds{{{W1}}}": one, f"syncsvc_freshness_seconds{{{W2}}}": two,
        f"syncsvc_freshness_objective_seconds{{{W1}}}": "5x400",
        f"syncsvc_freshness_objective_seconds{{{W2}}}": "5x400",
    }  # fmt: skip


def _partition(lag: str, applied: str) -> dict[str, str]:
    return {
        f"syncsvc_consumer_lag_messages{{{PART}}}": lag,
        f"syncsvc_consumer_applied_offset{{{PART}}}": applied,
    }  # fmt: skip


def _log(applied_margin: str, start: str) -> dict[str, str]:
    return {
        f"syncsvc_retention_margin_messages{{{PART}}}": applied_margin,
        f"syncsvc_partition_end_offset{{{PART}}}": "1000x400",
        f"syncsvc_partition_start_offset{{{PART}}}": start,
    }  # fmt: skip


OF = {"pipeline": "meetings", "collection": "shop.meetings"}
DOCUMENTS = 'pipeline="meetings",collection="shop.meetings",instance="host"'


def _verified(differing: str) -> dict[str, str]:
    return {
        f'syncsvc_verify_documents{{{DOCUMENTS},result="match"}}': "100x40",
        f'syncsvc_verify_documents{{{DOCUMENTS},result="mismatch"}}': differing,
        f'syncsvc_verify_documents{{{DOCUMENTS},result="extra"}}': "0x5 1x40" if "3x" in differing else "0x40",
    }


def _compared(succeeded: str, ran: str) -> dict[str, str]:
    return {
        f"syncsvc_verify_last_success_timestamp_seconds{{{DOCUMENTS}}}": succeeded,
        f"syncsvc_verify_last_run_timestamp_seconds{{{DOCUMENTS}}}": ran,
    }


def _nightly(scheduled: str, succeeded: str) -> dict[str, str]:
    return {
        f'kube_cronjob_status_last_{what}_time{{cronjob="prod-syncsvc-verify"}}': values
        for what, values in (("schedule", scheduled), ("successful", succeeded))
    }


def _lost(group: str) -> str:
    return f'kafka_consumergroup_group_messages_lost{{group="{group}",topic="t",partition="0"}}'


def _histogram(name: str, labels: str, below: str, above: str) -> dict[str, str]:
    """Observations up to half a second, and all up to five seconds."""
    return {
        f'{name}_bucket{{{labels},le="0.5"}}': below, f'{name}_bucket{{{labels},le="5"}}': above,
        f'{name}_bucket{{{labels},le="+Inf"}}': above,
    }  # fmt: skip


def _copying(rows: str, documents: str) -> dict[str, str]:
    return {
        f'syncsvc_pipeline_state{{{W1},state="snapshotting"}}': "1x60",
        f'syncsvc_snapshot_rows_total{{{W1},table="t"}}': rows,
        f'syncsvc_documents_written_total{{{W1},collection="c",outcome="inserted"}}': documents,
    }  # fmt: skip


def _owned(worker: str, partitions: range, how_long: str, before: str = "") -> dict[str, str]:
    """Partitions of one topic at a worker."""
    each = {
        f'syncsvc_consumer_applied_offset{{{worker},topic="keyed",partition="{one}"}}': f"{before}7{how_long}"
        for one in partitions
    }
    return {
        **each,
        f'syncsvc_assigned_partitions{{{worker},stage="joiner"}}': f"{before}{len(partitions)}{how_long}",
    }


KEYED = {"pipeline": "meetings", "topic": "keyed", "partition": "3"}
#: One worker of two is late for the last ten of sixty minutes; and both once, for three minutes of six hours.
CASES = (
    Case(
        "SyncFreshnessBudgetBurnFast", _fresh("0x50 60x20", "0x70"), "62m", "19.67%", "51m", _fresh("4x70", "0x70"),
    ),
    Case(
        "SyncFreshnessBudgetBurnSlow", _fresh("0x200 60x25 0x100", "0x400"), "225m", "11.06%", "210m",
        _fresh("0x200 60x1 0x100", "0x400"),
    ),
    Case(
        "SyncStalled", _partition("9x30", "100x30"), "15m", "1", "4m", _partition("9x30", "100+1x30"),
    ),
    Case(
        "SyncLagGrowing", _partition("0+600x60", "0+30x60"), "45m", "10", "12m", _partition("600x60", "0+30x60"),
    ),
    Case(
        "SyncNearDataLoss", _log("100x60", "100+1x60"), "30m", "11.49%", "5m", _log("100x60", "100x60"), KEYED,
    ),
    Case(
        "SyncDataLoss", _log("5-1x60", "100x60"), "20m", "15", "4m",
        _log("5x60", "100x60") | {_lost("syncsvc.meetings.g1"): "0x60", _lost("billing"): "7x60"}, KEYED,
    ),
    Case(
        "SyncParkedKeys", {f"syncsvc_parked_keys{{{W1}}}": "0x5 3x60", f"syncsvc_parked_keys{{{W2}}}": "0x5 3x60"},
        "25m", "3", "15m", {f"syncsvc_parked_keys{{{W1}}}": "0x5 3x10 0x60"},
    ),
    Case(
        "SyncParkedKeysOld", {f"syncsvc_parked_oldest_timestamp_seconds{{{W1}}}": "60x1500"}, "1445m", "1d 0h 4m 0s",
        "1440m", {f"syncsvc_parked_oldest_timestamp_seconds{{{W1}}}": "0x1500"},
    ),
    Case(
        "SyncDocumentsDiffer", _verified(differing="0x5 3x30"), "10m", "4", "5m", _verified(differing="0x40"), OF,
    ),
    Case(
        "SyncVerifyOverdue", _compared("0x4000", "0+60x4000"), "3000m", "2d 2h 0m 0s", "2880m",
        # Each night a run that finds all equal.
        _compared("0x1440 86400x1440 172800x1440", "0x1440 86400x1440 172800x1440"), OF,
    ),
    Case(
        "SyncVerifyJobFails", _nightly("0x60 86400x600", "0x700"), "400m", "86400", "340m",
        # It takes four hours, and then has succeeded; another CronJob fails.
        _nightly("0x60 86400x600", "0x300 86400x400")
        | {'kube_cronjob_status_last_schedule_time{cronjob="backup"}': "5x700"},
        {"cronjob": "prod-syncsvc-verify"},
    ),
    Case(
        "SyncApplyErrors", {f'syncsvc_apply_errors_total{{{W1},reason="document.too_large"}}': "0x10 2x30"}, "15m",
        "2", "9m", {f'syncsvc_apply_errors_total{{{W1},reason="document.too_large"}}': "7x40"},
    ),
    Case(
        "SyncDecodeErrors",
        {'syncsvc_decode_errors_total{topic="t",reason="change.bad_json",instance="one"}': "0x10 1x30"},
        "15m", "1", "9m",
        {'syncsvc_decode_errors_total{topic="t",reason="change.bad_json",instance="one"}': "4x40"},
        {"topic": "t", "reason": "change.bad_json"},
    ),
    Case(
        "SyncMongoSlow", _histogram("syncsvc_apply_duration_seconds", W1, "0+90x60", "0+100x60"), "40m", "4.55s", "12m",
        _histogram("syncsvc_apply_duration_seconds", W1, "0+100x60", "0+100x60"),
    ),
    Case(
        "SyncRetriesHigh",
        {
            f'syncsvc_apply_retries_total{{{W1},reason="network"}}': "0+30x60",
            f'syncsvc_transaction_commits_total{{{W1},stage="joiner"}}': "0+60x60",
        },
        "30m", "500m", "5m",
        {
            f'syncsvc_apply_retries_total{{{W1},reason="network"}}': "0+3x60",
            f'syncsvc_transaction_commits_total{{{W1},stage="joiner"}}': "0+600x60",
        },
    ),
    Case(
        "SyncRebalanceStorm", {f"syncsvc_rebalances_total{{{W1}}}": "1+1x30"}, "20m", "15", "3m",
        {f"syncsvc_rebalances_total{{{W1}}}": "1x10 3x30"},
    ),
    Case(
        "SyncBackpressured", {f'syncsvc_pipeline_state{{{W1},state="backpressured"}}': "0x5 1x40"}, "25m", "100%",
        "12m",
        {f'syncsvc_pipeline_state{{{W1},state="backpressured"}}': "0x5 1x3 0x40"},
    ),
    Case(
        "SyncSourceHeartbeatMissing",
        {f'syncsvc_source_heartbeat_timestamp_seconds{{{W1},source="meetup"}}': "0+60x10 600x20"}, "15m", "5m 0s",
        "11m",
        {f'syncsvc_source_heartbeat_timestamp_seconds{{{W1},source="meetup"}}': "0+60x40"}, {"source": "meetup"},
    ),
    Case(
        "SyncWorkerAbsent", {'syncsvc_build_info{version="1",instance="one"}': "1x10 stale"}, "15m", "", "11m",
        {
            'syncsvc_build_info{version="1",instance="one"}': "1x10 stale",
            'syncsvc_build_info{version="1",instance="two"}': "1x30",
        }, {},
    ),
    Case(
        "SyncPipelineAbsent",
        {
            f'syncsvc_pipeline_info{{{W1},config_hash="a"}}': "1x10 stale",
            'syncsvc_pipeline_info{pipeline="feed",instance="two",config_hash="b"}': "1x60",
            'syncsvc_build_info{version="1",instance="two"}': "1x60",
        }, "20m", "1", "14m",
        # A pod that comes back within minutes, and a mapping that changed.
        {
            f'syncsvc_pipeline_info{{{W1},config_hash="a"}}': "1x10 stale",
            f'syncsvc_pipeline_info{{{W1},config_hash="b"}}': "_x13 1x60",
            'syncsvc_build_info{version="1",instance="two"}': "1x60",
        },
    ),
    Case(
        "SyncPartitionsUnowned", _owned(W1, range(4), "x60") | _owned(W2, range(4, 8), "x20 stale"), "40m", "4", "25m",
        # Four move from one to two, who are scraped one after the other: at 20m both are seen with them.
        _owned(W1, range(4), "x60") | _owned(W1, range(4, 8), "x20 stale") | _owned(W2, range(4, 8), "x40", "_x20 ")
        | {f'syncsvc_assigned_partitions{{{W1},stage="joiner"}}': "8x20 4x40"},
    ),
    Case(
        "SyncLagExporterAbsent", {'kafka_lag_exporter_up{cluster_name="kafka"}': "1x20 0x10 stale"}, "40m", "1", "30m",
        # It starts again within minutes, and cannot ask at once.
        {'kafka_lag_exporter_up{cluster_name="kafka"}': "1x20 stale _x5 0x3 1x30"}, {},
    ),
    Case(
        "SyncMappingsDiffer",
        {f'syncsvc_pipeline_info{{{W1},config_hash="a"}}': "1x60",
        f'syncsvc_pipeline_info{{{W2},config_hash="b"}}': "1x60"},
        "35m", "2", "20m",
        {f'syncsvc_pipeline_info{{{W1},config_hash="a"}}': "1x60",
        f'syncsvc_pipeline_info{{{W2},config_hash="a"}}': "1x60"},
    ),
    Case("SyncSnapshotStuck", _copying("0+9x5 45x60", "0x60"), "45m", "1", "15m", _copying("0+9x5 45x60", "0+5x60")),
    Case(
        "SyncClockSkew", {f"syncsvc_clock_skew_events_total{{{W1}}}": "0+6x90"}, "45m", "100m", "20m",
        {f"syncsvc_clock_skew_events_total{{{W1}}}": "3x90"},
    ),
    Case(
        "SyncEventLoopSlow", _histogram("syncsvc_event_loop_lag_seconds", 'instance="one"', "0+90x60", "0+100x60"),
        "40m",
        "4.55s", "12m", _histogram("syncsvc_event_loop_lag_seconds", 'instance="one"', "0+100x60", "0+100x60"),
        {"instance": "one"},
    ),
    Case(
        "DebeziumBehindSource",
        {'debezium_metrics_MilliSecondsBehindSource{name="meetup",context="streaming"}': "0x5 90000x30"}, "15m", "90k",
        "8m", {'debezium_metrics_MilliSecondsBehindSource{name="meetup",context="streaming"}': "900x40"},
        {"name": "meetup"},
    ),
    Case(
        "DebeziumDisconnected", {'debezium_metrics_Connected{name="meetup",context="streaming"}': "1x5 0x30"}, "10m",
        "0",
        "6m", {'debezium_metrics_Connected{name="meetup",context="streaming"}': "1x40"}, {"name": "meetup"},
    ),
    Case(
        "ConnectTaskFailed",
        {'kafka_connect_worker_connector_failed_task_count{connector="syncsvc-meetup"}': "0x5 1x30"},
        "10m", "1", "5m", {'kafka_connect_worker_connector_failed_task_count{connector="syncsvc-meetup"}': "0x40"},
        {"connector": "syncsvc-meetup"},
    ),
)  # fmt: skip
