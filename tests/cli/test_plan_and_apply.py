"""
`syncsvc plan` shows what `apply` makes; `apply` makes it once, and refuses what differs before it makes anything.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicState, TopicWish
from syncsvc.source import connectors
from tests.cli.conftest import Outcome, Run

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
