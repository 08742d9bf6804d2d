"""
What `doctor` says of topics, judged from their settings.
"""

from __future__ import annotations

import pytest

from syncsvc.doctor import kafka
from syncsvc.engine.topics import TopicState, TopicWish
from syncsvc.settings import Settings

FIT = {"cleanup.policy": "delete", "retention.ms": "-1", "min.insync.replicas": "2", "max.message.bytes": "1048588"}


def topic(replication: int = 3, **config: str) -> TopicState:
    """A topic of a table that is fit, but for what is named (dots as underscores)."""
    return TopicState("t", 8, replication, FIT | {name.replace("_", "."): value for name, value in config.items()})


def states(state: TopicState, *, wide: bool = False, keyless: bool = False) -> dict[str, str]:
    """`{check: state}` of a source topic."""
    found = kafka.source_topic("t", state, wide=wide, keyless=keyless)
    assert all(finding.fix for finding in found if finding.state != "ok")
    return {finding.check: str(finding.state) for finding in found}


def test_a_fit_topic_is_one_line() -> None:
    """With what it is."""
    (found,) = kafka.source_topic("t", topic(), wide=False, keyless=False)

    assert (found.state, found.what) == ("ok", "8 partitions, 3x, delete, kept for ever")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (topic(cleanup_policy="compact"), {"kafka.compaction": "fail"}),
        (topic(cleanup_policy="compact", min_compaction_lag_ms="60000"), {"kafka.compaction": "fail"}),
        (topic(cleanup_policy="compact", min_compaction_lag_ms="3600000"), {"kafka.compaction": "warn"}),
        (topic(retention_ms="604800000"), {"kafka.retention": "warn"}),
        (
            topic(cleanup_policy="compact", min_compaction_lag_ms="3600000", retention_ms="1"),
            {"kafka.compaction": "warn"},
        ),
        (topic(replication=1, min_insync_replicas="1"), {"kafka.copies": "warn"}),
        (topic(replication=1, min_insync_replicas="2"), {"kafka.insync": "fail"}),
        (topic(min_insync_replicas="3"), {"kafka.insync": "warn"}),
        (topic(min_insync_replicas="1"), {"kafka.insync": "warn"}),
        (topic(unclean_leader_election_enable="true"), {"kafka.elections": "fail"}),
        (topic(max_message_bytes="100000"), {"kafka.record_size": "fail"}),
    ],
)
def test_what_a_topic_should_not_have_is_told(state: TopicState, expected: dict[str, str]) -> None:
    """Compaction below an hour loses order, short retention loses rows, few copies lose records."""
    assert states(state) == expected


def test_a_topic_of_wide_rows_needs_room_for_them() -> None:
    """A megabyte is enough for most tables, not for a longtext."""
    assert states(topic(), wide=True) == {"kafka.record_size": "warn"}
    assert states(topic(max_message_bytes="16777216"), wide=True) == {"kafka.topic": "ok"}


def test_a_topic_of_schema_changes_may_not_be_compacted() -> None:
    """Its records have no key."""
    assert states(topic(cleanup_policy="compact", min_compaction_lag_ms="86400000"), keyless=True) == {
        "kafka.compaction": "fail"
    }


def test_the_keyed_topic_is_as_it_was_declared() -> None:
    """Partitions and settings, each by name; and its retention outlives an outage."""
    wish = TopicWish("t", 4, 3, {"cleanup.policy": "delete", "retention.ms": "3600000"})
    found = kafka.keyed_topic(wish, topic(cleanup_policy="compact", retention_ms="3600000"))

    assert [(finding.check, str(finding.state)) for finding in found] == [
        ("kafka.topic.partitions", "fail"), ("kafka.topic.cleanup.policy", "fail"), ("kafka.keyed_retention", "warn"),
    ]  # fmt: skip


def test_topics_that_do_not_exist_are_made_by_apply() -> None:
    """A warning: nothing is lost yet."""
    assert [finding.state for finding in kafka.source_topic("t", None, wide=False, keyless=False)] == ["warn"]
    assert [finding.state for finding in kafka.keyed_topic(TopicWish("t", 1), None)] == ["warn"]


def test_more_copies_than_brokers_cannot_be_made() -> None:
    """Told before `apply` runs into it."""
    found = list(kafka.cluster(Settings(replication_factor=3), 2))

    assert [str(finding.state) for finding in found] == ["ok", "fail"]
