"""
Kafka: are the topics there, as they have to be, and kept for long enough?
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence

from syncsvc.doctor.finding import Finding, fail, failed, ok, warn
from syncsvc.engine.topics import Topics, TopicState, TopicWish, check_topic
from syncsvc.mapping.model import Pipeline
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings

HOUR_MS = 3_600_000
#: A zombie must not have seen a record that its successor cannot see (design D5).
LEAST_COMPACTION_LAG_MS = HOUR_MS
SHORT_RETENTION_MS = 24 * HOUR_MS
#: Kafka's own default for records and for what a producer sends.
USUAL_RECORD_BYTES = 1_000_000
WIDE = ("mediumtext", "longtext", "mediumblob", "longblob", "json")
ENDLESS = "-1"


def look(pipelines: Sequence[Pipeline], settings: Settings) -> list[Finding]:
    """Brokers and every topic of the pipelines; each topic once."""
    brokers, there = asyncio.run(_asked(pipelines, settings))
    found = [*cluster(settings, brokers)]
    seen: set[str] = set()
    for pipeline in pipelines:
        wanted = prepare.wishes(pipeline, settings)
        wide = _wide(pipeline)
        for name in sorted(wanted.sources.keys() - seen):
            schema_changes = name in channels(pipeline).values()
            found += source_topic(name, there.get(name), wide=name in wide, keyless=schema_changes)
        found += keyed_topic(wanted.keyed, there.get(wanted.keyed.name))
        seen |= wanted.sources.keys()
    return found


async def _asked(pipelines: Sequence[Pipeline], settings: Settings) -> tuple[int, Mapping[str, TopicState]]:
    wanted = [prepare.wishes(pipeline, settings) for pipeline in pipelines]
    async with Topics(engine_settings(settings)) as topics:
        return await topics.brokers(), await topics.describe(
            [name for wish in wanted for name in (wish.keyed.name, *wish.sources)]
        )


def _wide(pipeline: Pipeline) -> set[str]:
    """Topics of tables that have a column which may hold more than 64 kB."""
    return {
        pipeline.source_topic(name)
        for name, table in pipeline.tables.items()
        if any(column.split(" ", 1)[0].split("(", 1)[0] in WIDE for column in table.columns.values())
    }


def cluster(settings: Settings, brokers: int) -> Iterator[Finding]:
    """Enough brokers for the copies that are asked for."""
    where, copies = settings.kafka_bootstrap, settings.replication_factor
    yield ok("kafka.reachable", where, f"{brokers} broker{'s' if brokers != 1 else ''}")
    if copies > brokers:
        what = f"SYNCSVC_REPLICATION_FACTOR={copies}, and there are {brokers} brokers: no topic can be made"
        yield fail("kafka.brokers", where, what, f"start more brokers, or ask for {brokers} copies at most")


def source_topic(name: str, state: TopicState | None, *, wide: bool, keyless: bool) -> list[Finding]:
    """
    The topic of a table, or of schema changes.

    Args:
        wide: the table has a column that may hold more than 64 kB.
        keyless: its records have no key, so it cannot be compacted at all.
    """
    if state is None:
        return [warn("kafka.topic", name, "it does not exist yet", "syncsvc apply  makes it, with the right settings")]
    found = [
        *_copies(state), _compaction(state, keyless=keyless), *_kept(state), *_record_size(state, wide=wide)
    ]  # fmt: skip
    return _told(state, [finding for finding in found if finding is not None])


def keyed_topic(wish: TopicWish, state: TopicState | None) -> list[Finding]:
    """The internal topic of a pipeline: exactly as it was declared."""
    if state is None:
        return [warn("kafka.topic", wish.name, "it does not exist yet", "syncsvc apply  makes it")]
    found = [*failed("kafka", check_topic(wish, state)), *_copies(state)]
    retention = state.config.get("retention.ms", ENDLESS)
    if retention != ENDLESS and int(retention) < SHORT_RETENTION_MS:
        what = f"kept for {int(retention) / HOUR_MS:g} h: after a longer outage the generation has to be built anew"
        fix = "raise SYNCSVC_KEYED_RETENTION_HOURS, and retention.ms of the topic"
        found.append(warn("kafka.keyed_retention", wish.name, what, fix))
    return _told(state, found)


def _told(state: TopicState, found: list[Finding]) -> list[Finding]:
    """The findings, or one line that the topic is fine."""
    policy, retention = state.config.get("cleanup.policy", "delete"), state.config.get("retention.ms", ENDLESS)
    kept = "for ever" if retention == ENDLESS else f"for {int(retention) / HOUR_MS:g} h"
    count = f"{state.partitions} partition{'s' if state.partitions != 1 else ''}"
    what = f"{count}, {state.replication}x, {policy}, kept {kept if 'delete' in policy else 'by key'}"
    return found or [ok("kafka.topic", state.name, what)]


def _copies(state: TopicState) -> Iterable[Finding]:
    """Copies, and how many of them must have a record before it counts."""
    name, copies = state.name, state.replication
    least = int(state.config.get("min.insync.replicas", "1"))
    if least > copies:
        what = f"min.insync.replicas={least} with {copies} cop{'y' if copies == 1 else 'ies'}: nothing can be written"
        yield fail("kafka.insync", name, what, _alter(name, "min.insync.replicas", str(max(1, copies - 1))))
    elif copies == 1:
        what = "one copy: when its broker's disk is lost, so are the records"
        yield warn("kafka.copies", name, what, "three brokers and SYNCSVC_REPLICATION_FACTOR=3; fine on a laptop")
    elif least == copies:
        what = f"min.insync.replicas={least} with {copies} copies: one broker that is down stops everything"
        yield warn("kafka.insync", name, what, _alter(name, "min.insync.replicas", str(copies - 1)))
    elif least == 1:
        what = f"min.insync.replicas=1 with {copies} copies: an acknowledged record may be on one broker only"
        yield warn("kafka.insync", name, what, _alter(name, "min.insync.replicas", "2"))
    if state.config.get("unclean.leader.election.enable") == "true":
        what = "unclean.leader.election.enable=true: an election may throw acknowledged records away"
        yield fail("kafka.elections", name, what, _alter(name, "unclean.leader.election.enable", "false"))


def _compaction(state: TopicState, *, keyless: bool) -> Finding | None:
    if "compact" not in state.config.get("cleanup.policy", "delete"):
        return None
    check, name = "kafka.compaction", state.name
    if keyless:
        what = "cleanup.policy=compact: its records have no key, so the broker refuses them and the connector fails"
        return fail(check, name, what, _alter(name, "cleanup.policy", "delete"))
    lag = int(state.config.get("min.compaction.lag.ms", "0"))
    if lag < LEAST_COMPACTION_LAG_MS:
        what = f"compacted after {lag / 1000:g} s: a worker that takes over may not see what the one before it saw"
        return fail(check, name, what, _alter(name, "min.compaction.lag.ms", str(24 * HOUR_MS)))
    what = "cleanup.policy=compact: a TRUNCATE has no key, so the broker refuses its record and the connector fails"
    return warn(check, name, what, _alter(name, "cleanup.policy", "delete") + "  where TRUNCATE is used")


def _kept(state: TopicState) -> Iterable[Finding]:
    if "delete" not in state.config.get("cleanup.policy", "delete"):
        return
    for setting, unit in (("retention.ms", HOUR_MS), ("retention.bytes", 1 << 20)):
        value = state.config.get(setting, ENDLESS)
        if value != ENDLESS:
            shown = f"{int(value) / unit:g} {'h' if unit == HOUR_MS else 'MiB'}"
            what = f"{setting} is {shown}: a new generation copies only the rows that are still in the topic"
            fix = f"{_alter(state.name, setting, ENDLESS)}, or take a new snapshot before you raise a generation"
            yield warn("kafka.retention", state.name, what, fix)


def _record_size(state: TopicState, *, wide: bool) -> Iterable[Finding]:
    most = int(state.config.get("max.message.bytes", str(1 << 20)))
    if most < USUAL_RECORD_BYTES:
        what = f"max.message.bytes={most} is less than Kafka's default: a row above it stops the connector"
        yield fail("kafka.record_size", state.name, what, _alter(state.name, "max.message.bytes", str(16 << 20)))
    elif wide and most < 4 * USUAL_RECORD_BYTES:
        what = f"max.message.bytes={most}, and the table has columns that may hold more: such a row stops the connector"
        fix = f"{_alter(state.name, 'max.message.bytes', str(16 << 20))}, and  producer.override.max.request.size"
        yield warn("kafka.record_size", state.name, what, fix)


def _alter(topic: str, setting: str, value: str) -> str:
    return f"kafka-configs --alter --entity-type topics --entity-name {topic} --add-config {setting}={value}"
