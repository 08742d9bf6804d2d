"""What the lag exporter shows of a look, under the names that boards of kafka-lag-exporter ask for."""

from __future__ import annotations

import math

from prometheus_client.parser import text_string_to_metric_families

from syncsvc.telemetry.group_lag import FAMILIES, GroupLags, GroupPartition, Look

NOW = 1_000_000.0
A, B = ("t", 0), ("t", 1)


def look(
    at: float, ends: dict[tuple[str, int], int], offsets: dict[tuple[str, int], int | None], first: int = 0
) -> Look:
    """A look at one group that consumes the topic `t`."""
    partitions = tuple(
        GroupPartition("g", *tp, offset, "10.0.0.7", "worker-1-x", "worker-1") for tp, offset in offsets.items()
    )
    return Look(at, 0.25, {tp: (first, end) for tp, end in ends.items()}, partitions)


def shown(lags: GroupLags, now: float = NOW) -> dict[tuple[str, str], float]:
    """`{(metric, partition or ""): value}` of a scrape."""
    body, _ = lags.render("", now)
    return {
        (sample.name, sample.labels.get("partition", "")): sample.value
        for family in text_string_to_metric_families(body.decode())
        if family.name.startswith("kafka_")
        for sample in family.samples
    }


def test_lag_is_shown_for_each_partition_and_for_the_group() -> None:
    """Names and sums as boards know them."""
    lags = GroupLags("prod", 90)
    lags.see(look(NOW - 10, {A: 50, B: 100}, {A: 50, B: 0}))
    lags.see(look(NOW, {A: 100, B: 200}, {A: 75, B: 100}))

    found = shown(lags)

    assert (found["kafka_consumergroup_group_lag", "0"], found["kafka_consumergroup_group_lag", "1"]) == (25, 100)
    assert found["kafka_consumergroup_group_lag_seconds", "0"] == 5
    assert found["kafka_consumergroup_group_max_lag", ""] == 100
    assert found["kafka_consumergroup_group_max_lag_seconds", ""] == 10
    assert found["kafka_consumergroup_group_sum_lag", ""] == 125
    assert found["kafka_consumergroup_group_topic_sum_lag", ""] == 125
    assert found["kafka_partition_latest_offset", "1"] == 200
    assert found["kafka_consumergroup_poll_time_ms", ""] == 250


def test_a_partition_without_an_offset_is_not_known_and_hides_no_other() -> None:
    """NaN for it; the group's maximum is that of the others."""
    lags = GroupLags("prod", 90)
    lags.see(look(NOW, {A: 100, B: 200}, {A: None, B: 150}))

    found = shown(lags)

    assert math.isnan(found["kafka_consumergroup_group_lag", "0"])
    assert found["kafka_consumergroup_group_max_lag", ""] == 50
    assert ("kafka_consumergroup_group_offset", "0") not in found


def test_a_log_that_was_made_anew_is_not_caught_up_with() -> None:
    """It ends before what was consumed; a lag of 0 would look well while the pipeline refuses to go on."""
    lags = GroupLags("prod", 90)
    lags.see(look(NOW - 10, {A: 500, B: 100}, {A: 490, B: 100}))
    lags.see(look(NOW, {A: 3, B: 100}, {A: 500, B: 100}))

    found = shown(lags)

    assert math.isnan(found["kafka_consumergroup_group_lag", "0"])
    assert math.isnan(found["kafka_consumergroup_group_lag_seconds", "0"])
    assert found["kafka_consumergroup_group_lag", "1"] == 0


def test_records_deleted_before_they_were_consumed_are_counted() -> None:
    """The margin goes below 0, and how many are lost is a number of its own to alert on."""
    lags = GroupLags("prod", 90)
    lags.see(look(NOW, {A: 100, B: 100}, {A: 20, B: 70}, first=40))

    found = shown(lags)

    assert found["kafka_consumergroup_group_messages_lost", "0"] == 20
    assert found["kafka_consumergroup_group_retention_margin", "0"] == -20
    assert found["kafka_consumergroup_group_messages_lost", "1"] == 0


def test_no_old_number_is_shown_as_if_it_were_true_now() -> None:
    """After a failed look, and when looks have stopped, there is `up 0` and no lag."""
    lags = GroupLags("prod", 90)
    lags.see(look(NOW, {A: 100}, {A: 20}))
    assert shown(lags)["kafka_lag_exporter_up", ""] == 1

    stopped = shown(lags, NOW + 91)
    lags.see(look(NOW + 100, {A: 100}, {A: 20}))
    lags.failed()
    failed = shown(lags, NOW + 101)

    for found in (stopped, failed):
        assert found["kafka_lag_exporter_up", ""] == 0
        assert ("kafka_consumergroup_group_lag", "0") not in found
    assert failed["kafka_lag_exporter_last_update_timestamp_seconds", ""] == NOW + 100


def test_every_family_is_served_with_its_labels() -> None:
    """Member host, consumer and client stand where boards look for them."""
    lags = GroupLags("prod", 90)
    lags.see(look(NOW, {A: 100}, {A: 20}))
    body, _ = lags.render("", NOW)

    seen = {f.name: set(f.samples[0].labels) for f in text_string_to_metric_families(body.decode()) if f.samples}

    assert {name: set(labels) for name, (labels, _) in FAMILIES.items()}.items() <= seen.items()
