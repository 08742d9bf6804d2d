"""
`syncsvc plan` shows what `apply` makes; `apply` makes it once, and refuses what differs before it makes anything.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.cli import topic_items
from syncsvc.devstack import connectors as rest
from syncsvc.devstack.stack import Stack
from syncsvc.engine import reading
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicState, TopicWish
from syncsvc.engine.wire import Wire
from syncsvc.mongo import client, generations
from syncsvc.source import connectors
from syncsvc.wiring import prepare
from tests.cli.conftest import Outcome, Run
from tests.integration.waiting import wait_until

pytestmark = pytest.mark.servers


def _signs(outcome: Outcome) -> dict[str, str]:
    """`{kind and name: sign}`, without the pipeline's own name."""
    return {f"{item['kind']} {item['name']}": item["sign"] for item in outcome.json["items"]}


async def _topics(stack: Stack, *names: str, make: TopicWish | None = None) -> dict[str, TopicState]:
    async with Topics(EngineSettings(stack.kafka.bootstrap)) as topics:
        if make is not None:
            await topics.create([make])
        return await topics.describe(names)


def test_what_is_planned_is_made_once(run: Run, stack: Stack, named: Path) -> None:
    """Everything is `+` before and `=` after; a second apply changes nothing."""
    pipeline = mapping.load(named)
    own = [f"topic {pipeline.keyed_topic}", f"collection {pipeline.target_collection}"]

    planned = run("plan", named, "-o", "json")
    assert planned.code == 0
    assert {_signs(planned)[name] for name in own} == {"+"}

    assert run("apply", named).code == 0

    after = run("plan", named, "-o", "json")
    assert after.code == 0
    assert set(_signs(after).values()) == {"=", "."}, "the generation and the view are the worker's"
    assert run("apply", named).code == 0
    state = asyncio.run(_topics(stack, pipeline.keyed_topic))[pipeline.keyed_topic]
    assert state.partitions == 3
    assert connectors.config(stack.connect.url, connectors.name_for(pipeline.topic_prefix)) is not None


def test_a_connector_keeps_the_tables_of_other_pipelines(run: Run, stack: Stack, named: Path, tmp_path: Path) -> None:
    """Pipelines of one topic prefix share a connector; applying one of them does not cut off the others."""
    stack.sql.execute("CREATE TABLE IF NOT EXISTS meetup.post (id INT PRIMARY KEY)")
    prefix, other = mapping.load(named).topic_prefix, tmp_path / "post.yaml"
    other.write_text(
        f"pipeline: posts{prefix}\ngeneration: 1\ncollection: posts{prefix}\nsource: {{topic_prefix: {prefix}}}\n"
        "root: {table: meetup.post, key: id, fields: [{id: number}]}\n"
        "tables:\n  meetup.post: {key: id, columns: {id: int}}\n"
    )
    assert run("apply", named).code == 0

    assert run("apply", other).code == 0

    found = connectors.config(stack.connect.url, connectors.name_for(prefix))
    assert found is not None
    assert {"meetup\\.post", "meetup\\.meeting"} <= set(found["table.include.list"].split(","))


def test_a_topic_with_other_partitions_is_refused_before_anything_is_made(run: Run, stack: Stack, named: Path) -> None:
    """Exit code 3, what differs and how to mend it; no collection stands half made."""
    pipeline = mapping.load(named)
    asyncio.run(_topics(stack, make=TopicWish(pipeline.keyed_topic, 5, 1, {"cleanup.policy": "delete"})))

    planned, applied = run("plan", named, "-o", "json"), run("apply", named, "-o", "json")

    assert (planned.code, applied.code) == (3, 3)
    assert _signs(planned)[f"topic {pipeline.keyed_topic}"] == "!"
    assert "topic.partitions" in applied.codes
    with MongoClient[dict[str, Any]](stack.mongod.uri) as client:
        assert pipeline.target_collection not in client["meetup"].list_collection_names()


def test_a_plain_collection_where_readers_get_a_view_is_refused(run: Run, stack: Stack, named: Path) -> None:
    """Somebody's documents are never hidden by ours."""
    with MongoClient[dict[str, Any]](stack.mongod.uri) as client:
        client["meetup"][mapping.load(named).collection].insert_one({"somebody": "else's"})

    outcome = run("apply", named, "-o", "json")

    assert outcome.code == 3
    assert outcome.codes == ["mongo.name_taken"]


def test_a_plan_for_people_names_signs_and_fixes(run: Run, stack: Stack, named: Path) -> None:
    """What differs is followed by what to do."""
    pipeline = mapping.load(named)
    asyncio.run(_topics(stack, make=TopicWish(pipeline.keyed_topic, 5, 1)))

    outcome = run("plan", named)

    assert outcome.code == 3
    assert f"!  topic       {pipeline.keyed_topic}" in outcome.out
    assert "fix: declare 5" in outcome.out


def _item(outcome: Outcome, kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in outcome.json["items"] if (item["kind"], item["name"]) == (kind, name)]
    return found


async def _alter(stack: Stack, name: str, **config: str) -> None:
    async with Topics(EngineSettings(stack.kafka.bootstrap)) as topics:
        await topics.alter(name, {setting.replace("_", "."): value for setting, value in config.items()})


def _begin(stack: Stack, file: Path) -> None:
    """The generation, as a worker would write it."""
    pipeline = mapping.load(file)
    keyed = generations.TopicFacts(pipeline.keyed_topic, "", pipeline.partitions)
    mongo = client.connect(stack.mongod.uri, "meetup")
    found = generations.Generation(pipeline.name, pipeline.generation, pipeline.text_hash, prepare.formats(), keyed, ())
    generations.claim(mongo, found)
    mongo.close()


def test_settings_that_drifted_are_mended_in_place(run: Run, stack: Stack, named: Path) -> None:
    """Plan tells now and wanted and ends with 3; apply mends them, and what an operator set besides stays."""
    keyed = mapping.load(named).keyed_topic
    assert run("apply", named).code == 0
    asyncio.run(_alter(stack, keyed, retention_ms="3600000", segment_ms="7200000"))

    planned = run("plan", named, "-o", "json")
    assert planned.code == 3
    found = _item(planned, "topic", keyed)
    assert (found["sign"], found["destructive"]) == ("~", False)
    assert found["changes"] == {"retention.ms": {"now": "3600000", "wanted": "604800000"}}
    assert "retention.ms: 3600000 -> 604800000" in run("plan", named).out

    assert run("apply", named).code == 0
    config = asyncio.run(_topics(stack, keyed))[keyed].config
    assert (config["retention.ms"], config["segment.ms"]) == ("604800000", "7200000")
    assert run("plan", named).code == 0


def test_a_shorter_retention_is_done_only_with_yes(
    run: Run, stack: Stack, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It deletes records; plan marks it, apply refuses it with exit code 3 until it is asked for."""
    keyed = mapping.load(named).keyed_topic
    assert run("apply", named).code == 0
    monkeypatch.setenv("SYNCSVC_KEYED_RETENTION_HOURS", "1")

    planned, applied = run("plan", named, "-o", "json"), run("apply", named, "-o", "json")
    assert (planned.code, applied.code, applied.codes) == (3, 3, ["apply.loses"])
    assert _item(planned, "topic", keyed)["destructive"] is True
    assert asyncio.run(_topics(stack, keyed))[keyed].config["retention.ms"] == "604800000"

    assert run("apply", named, "--yes").code == 0
    assert asyncio.run(_topics(stack, keyed))[keyed].config["retention.ms"] == "3600000"


async def _left(stack: Stack, topic: str) -> None:
    """A record of an earlier life is in partition 0."""
    wire = Wire(EngineSettings(stack.kafka.bootstrap), "test")
    await wire.start([topic])
    await wire.send(topic, {0: [(b"key", b"value")]})
    await wire.stop()


def _end(stack: Stack, topic: str) -> int:
    """Where the next record of partition 0 goes."""

    async def ask() -> int:
        async with reading.reader(EngineSettings(stack.kafka.bootstrap)) as logs:
            return (await logs.bounds([TP(topic, 0)]))[TP(topic, 0)][1]

    return asyncio.run(ask())


def test_what_an_earlier_life_left_is_removed_only_with_yes(run: Run, stack: Stack, named: Path) -> None:
    """Records of a generation that is not there any more: no worker would begin on them."""
    pipeline = mapping.load(named)
    assert run("apply", named).code == 0

    asyncio.run(_left(stack, pipeline.keyed_topic))
    refused = run("apply", named, "-o", "json")
    assert (refused.code, refused.codes, _end(stack, pipeline.keyed_topic)) == (3, ["apply.loses"], 1)

    assert run("apply", named, "--yes").code == 0
    assert _end(stack, pipeline.keyed_topic) == 0
    assert run("plan", named).code == 0


def test_a_topic_that_running_workers_use_is_not_removed(
    run: Run, stack: Stack, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another SYNCSVC_MONGO_DATABASE than theirs makes it look left behind; it goes when nobody is in the group."""
    pipeline = mapping.load(named)
    assert run("apply", named).code == 0

    asyncio.run(_left(stack, pipeline.keyed_topic))
    monkeypatch.setenv("SYNCSVC_MONGO_DATABASE", "elsewhere")
    joining = Consumer({"bootstrap.servers": stack.kafka.bootstrap, "group.id": pipeline.group})
    with contextlib.closing(joining) as worker:
        worker.subscribe([pipeline.keyed_topic])
        wait_until(lambda: (worker.poll(0.2), worker.assignment())[1], lambda: "no partition was assigned")
        refused = run("apply", named, "--yes", "-o", "json")
        assert (refused.code, refused.codes, _end(stack, pipeline.keyed_topic)) == (3, ["apply.still_running"], 1)

    assert run("apply", named, "--yes").code == 0
    assert _end(stack, pipeline.keyed_topic) == 0


@pytest.mark.parametrize("publish", ["view", "direct"])
def test_documents_are_never_removed(run: Run, stack: Stack, named: Path, publish: str) -> None:
    """Another pipeline may write them, or a person: refused, also with --yes."""
    named.write_text(named.read_text().replace("generation: 1", f"generation: 1\npublish: {publish}"))
    with MongoClient[dict[str, Any]](stack.mongod.uri) as opened:
        documents = opened["meetup"][mapping.load(named).target_collection]
        documents.insert_one({"somebody": "else's"})

        outcome = run("apply", named, "--yes", "-o", "json")

        assert (outcome.code, outcome.codes) == (3, ["mongo.not_ours"])
        assert documents.count_documents({}) == 1


def test_indexes_of_readers_come_along_to_the_next_generation(run: Run, stack: Stack, named: Path) -> None:
    """Before readers are switched to it, with all their options, once."""
    assert run("apply", named).code == 0
    first = mapping.load(named)
    named.write_text(named.read_text().replace("generation: 1", "generation: 2"))
    second = mapping.load(named)
    with MongoClient[dict[str, Any]](stack.mongod.uri) as opened:
        database = opened["meetup"]
        database[first.target_collection].create_index("title", partialFilterExpression={"seats": {"$gt": 1}})
        database.command({"create": first.collection, "viewOn": first.target_collection, "pipeline": []})

        planned = run("plan", named, "-o", "json")
        assert _item(planned, "index", f"{second.target_collection}.title_1")["sign"] == "+"
        assert run("apply", named).code == 0

        made = database[second.target_collection].index_information()
        assert made["title_1"]["partialFilterExpression"] == {"seats": {"$gt": 1}}
    assert "index" not in {item["kind"] for item in run("plan", named, "-o", "json").json["items"]}


def test_a_connector_changed_by_hand_is_drift(run: Run, stack: Stack, named: Path) -> None:
    """Plan ends with 3 and tells the setting, apply sets it again; another server is a loss to be asked for."""
    assert run("apply", named).code == 0
    name = connectors.name_for(mapping.load(named).topic_prefix)
    config = dict(connectors.config(stack.connect.url, name) or {})
    rest.register(stack.connect.url, name, {**config, "poll.interval.ms": "900"})

    planned = run("plan", named, "-o", "json")
    assert planned.code == 3
    assert _item(planned, "connector", name)["changes"] == {"poll.interval.ms": {"now": "900", "wanted": "20"}}
    assert "loopback" not in planned.out
    assert run("apply", named).code == 0
    assert run("plan", named).code == 0

    rest.register(stack.connect.url, name, {**config, "database.hostname": "localhost"})
    assert _item(run("plan", named, "-o", "json"), "connector", name)["destructive"] is True
    assert run("apply", named, "-o", "json").codes == ["apply.loses"]


def test_a_keyed_topic_that_is_gone_is_not_made_anew(run: Run, stack: Stack, named: Path) -> None:
    """The generation was built from it: an empty one in its place would be another log."""
    _begin(stack, named)

    outcome = run("apply", named, "-o", "json")

    assert outcome.code == 3
    assert "topic.gone" in outcome.codes


@pytest.mark.parametrize(
    ("now", "wanted", "shrinks"), [("-1", "5", True), ("5", "-1", False), ("5", "4", True), ("4", "5", False)]
)
def test_a_limit_loses_records_only_when_it_shrinks(now: str, wanted: str, shrinks: bool) -> None:
    """-1 is endless."""
    assert topic_items._shrinks(now, wanted) is shrinks
