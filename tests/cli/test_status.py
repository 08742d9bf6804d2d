"""
`syncsvc status`: read from the fences and the logs, so it works when every worker is down.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from bson import Int64
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics
from syncsvc.engine.wire import Wire
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client, generations
from syncsvc.settings import read
from syncsvc.wiring import prepare
from tests.cli.conftest import Run

pytestmark = pytest.mark.servers


async def _records(stack: Stack, file: Path) -> None:
    """The keyed topic with 4 records in partition 1."""
    pipeline, engine = mapping.load(file), EngineSettings(stack.kafka.bootstrap)
    async with Topics(engine) as topics:
        await topics.create([prepare.wishes(pipeline, read({})).keyed])
    wire = Wire(engine, "test")
    await wire.start([pipeline.keyed_topic])
    await wire.send(pipeline.keyed_topic, {1: [(b"key", b"value")] * 4})
    await wire.stop()


def test_a_pipeline_that_never_ran_is_not_started(run: Run, stack: Stack, named: Path) -> None:
    """No generation, no fences, no guess."""
    found = run("status", named, "-o", "json").json["pipelines"][0]

    assert (found["state"], found["parked"]) == ("not started", 0)


def _begun(stack: Stack, named: Path, pipeline: Pipeline) -> None:
    """The pipeline has its generation, and its logs have records."""
    asyncio.run(_records(stack, named))
    mongo = client.connect(stack.mongod.uri, "meetup")
    keyed = generations.TopicFacts(pipeline.keyed_topic, "", 3)
    generations.claim(mongo, generations.Generation(pipeline.name, 1, pipeline.text_hash, {}, keyed, ()))
    mongo.close()


def test_lag_is_the_end_of_the_log_less_what_is_durable(run: Run, stack: Stack, named: Path) -> None:
    """Per partition and in all, with the age of the newest change applied; nobody has to run for it."""
    pipeline = mapping.load(named)
    _begun(stack, named, pipeline)
    newest = int(time.time() * 1000) - 5_000
    with MongoClient[dict[str, Any]](stack.mongod.uri) as mongod:
        mongod["meetup"]["syncsvc_fences"].insert_many(
            {"_id": f"{pipeline.name}/g1/joiner/{number}", "epoch": 1, "seq": 1, "base": 1,
             "offset": Int64(offset), "source_ms": Int64(newest), "copied": True}
            for number, offset in ((0, 0), (1, 1), (2, 0))
        )  # fmt: skip
        mongod["meetup"]["syncsvc_parked"].insert_one({"pipeline": pipeline.name, "generation": 1})

    outcome = run("status", named, "-o", "json")

    found = outcome.json["pipelines"][0]
    joiners = {part["partition"]: part for part in found["partitions"] if part["stage"] == "joiner"}
    assert outcome.code == 0
    assert (joiners[1]["offset"], joiners[1]["end"], joiners[1]["lag"]) == (1, 4, 3)
    assert joiners[0]["lag"] == 0
    assert joiners[1]["newest_seconds"] >= 5
    assert found["parked"] == 1
    assert pipeline.name in run("status", named).out


def test_a_log_that_was_made_anew_is_told(run: Run, stack: Stack, named: Path) -> None:
    """Its fence is beyond its end: nothing is proved by that, so it is neither live nor without lag."""
    pipeline = mapping.load(named)
    _begun(stack, named, pipeline)
    with MongoClient[dict[str, Any]](stack.mongod.uri) as mongod:
        mongod["meetup"]["syncsvc_fences"].insert_many(
            {"_id": f"{pipeline.name}/g1/joiner/{number}", "epoch": 1, "seq": 1, "base": 1,
             "offset": Int64(offset), "source_ms": Int64(1), "copied": True}
            for number, offset in ((0, 0), (1, 10), (2, 0))
        )  # fmt: skip

    outcome = run("status", named, "-o", "json")

    found = outcome.json["pipelines"][0]
    joiners = {part["partition"]: part for part in found["partitions"] if part["stage"] == "joiner"}
    assert (outcome.code, found["state"], found["lost"], found["lag"]) == (3, "lost", True, None)
    assert [(joiners[number]["lag"], joiners[number]["lost"]) for number in range(3)] == [
        (0, False), (None, True), (0, False)
    ]  # fmt: skip
    told = run("status", named)
    assert (told.code, "BEYOND THE END" in told.out, "syncsvc rebuild" in told.out) == (3, True, True)
