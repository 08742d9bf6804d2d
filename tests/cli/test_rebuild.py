"""
`syncsvc rebuild`: from the number in the file to the end of the old generation, on real servers.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from pymongo import MongoClient
from pymongo.database import Database

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics
from tests.cli.conftest import Run
from tests.integration.waiting import wait_until

pytestmark = pytest.mark.servers

Work = Callable[[Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def database(stack: Stack) -> Iterator[Database[dict[str, Any]]]:
    """Where documents and bookkeeping are."""
    with MongoClient[dict[str, Any]](stack.mongod.uri) as opened:
        yield opened["meetup"]


@pytest.fixture
def work(stack: Stack, tmp_path: Path) -> Iterator[Work]:
    """Starts a worker on a copy of a mapping as it is now; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(file: Path) -> subprocess.Popen[bytes]:
        number = len(started)
        copy = tmp_path / f"worker{number}.yaml"
        copy.write_bytes(file.read_bytes())
        environment = os.environ | {"SYNCSVC_HTTP_PORT": "0", "SYNCSVC_STATE_DIR": str(tmp_path / f"state{number}")}
        with (tmp_path / f"worker{number}.log").open("wb") as log:
            command = [sys.executable, "-m", "syncsvc.cli", "run", str(copy)]
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for worker in started:
        end(worker)


def end(worker: subprocess.Popen[bytes]) -> None:
    """As Kubernetes does."""
    if worker.poll() is None:
        worker.send_signal(signal.SIGTERM)
        worker.wait(90)


def shown(database: Database[dict[str, Any]], name: str) -> str | None:
    """The collection that readers of the name see."""
    return next((one["options"]["viewOn"] for one in database.list_collections(filter={"name": name})), None)


@pytest.fixture
def live(run: Run, named: Path, database: Database[dict[str, Any]], work: Work) -> subprocess.Popen[bytes]:
    """A worker of generation 1 that readers see."""
    assert run("apply", named).code == 0
    worker = work(named)
    name = mapping.load(named).name
    wait_until(lambda: shown(database, name) == f"{name}__g1" or worker.poll() is not None, lambda: "not shown")
    assert worker.poll() is None
    return worker


async def _describe(stack: Stack, *names: str) -> set[str]:
    async with Topics(EngineSettings(stack.kafka.bootstrap)) as topics:
        return set(await topics.describe(names))


def test_a_rebuild_from_the_number_to_the_end_of_the_old_generation(
    run: Run, stack: Stack, named: Path, database: Database[dict[str, Any]], work: Work,
    live: subprocess.Popen[bytes],
) -> None:  # fmt: skip
    """Shown first, done with --yes, followed to the switch; what is old is dropped last, and only what is old."""
    name, text = mapping.load(named).name, named.read_text()

    told = run("rebuild", named)
    assert told.code == 0, told.err
    assert "-generation: 1\n+generation: 2\n" in told.out
    assert re.search(rf"\+ +topic +syncsvc\.{name}\.g2\.keyed", told.out)
    assert "every record since the first" in told.out
    assert re.search(r"beside the old: \d\S* KiB of documents, \d\S* KiB of state, \d+ records", told.out)
    assert named.read_text() == text

    assert run("rebuild", named, "--yes").code == 0
    assert named.read_text() == text.replace("generation: 1", "generation: 2")
    assert shown(database, name) == f"{name}__g1"
    again = run("rebuild", named, "--yes", "-o", "json")
    assert (again.code, again.json["diff"], again.json["generation"]) == (0, [], {"newest": 1, "wanted": 2})
    early = run("rebuild", named, "--drop-old", "-o", "json")
    assert (early.code, early.codes) == (3, ["rebuild.not_switched"])

    second = work(named)
    followed = run("rebuild", named, "--watch", "--every", "0.2")
    assert followed.code == 0, followed.err
    assert f"pipeline={name}/g2" in followed.out
    assert "see generation 2" in followed.out
    assert shown(database, name) == f"{name}__g2"
    assert database[name].count_documents({}) == 3

    running = run("rebuild", named, "--drop-old", "--yes", "-o", "json")
    assert (running.code, running.codes) == (3, ["rebuild.still_running"])
    end(live)
    old = {f"{name}__g1", f"syncsvc_state.{name}.g1"}
    listed = run("rebuild", named, "--drop-old", "-o", "json")
    assert {item["name"] for item in listed.json["items"]} == {*old, f"{name}/g1", f"syncsvc.{name}.g1.keyed"}
    assert old < set(database.list_collection_names())

    dropped = run("rebuild", named, "--drop-old", "--yes")
    assert dropped.code == 0
    assert f"syncsvc.{name}.g1.keyed" in dropped.out
    assert not old & set(database.list_collection_names())
    assert asyncio.run(_describe(stack, f"syncsvc.{name}.g1.keyed", f"syncsvc.{name}.g2.keyed")) == {
        f"syncsvc.{name}.g2.keyed"
    }
    for bookkeeping in ("syncsvc_generations", "syncsvc_fences", "syncsvc_parked"):
        assert database[bookkeeping].count_documents({"_id": re.compile(f"^{name}/g1")}) == 0
    assert "nothing is left" in run("rebuild", named, "--drop-old").out
    assert second.poll() is None
    assert database[name].count_documents({}) == 3


def _cut(stack: Stack, topic: str, partitions: int) -> int:
    """As retention does to a topic whose first records are old: of every partition one goes; how many went."""
    asking = Consumer({"bootstrap.servers": stack.kafka.bootstrap, "group.id": "cut", "log_level": 0})
    places = [TopicPartition(topic, number) for number in range(partitions)]
    ends = [asking.get_watermark_offsets(place, timeout=30, cached=False)[1] for place in places]
    asking.close()
    filled = [TopicPartition(topic, number, 1) for number, end in enumerate(ends) if end > 0]
    admin = AdminClient({"bootstrap.servers": stack.kafka.bootstrap, "log_level": 0})
    for done in admin.delete_records(filled).values():
        done.result(30)
    return len(filled)


def test_topics_that_lost_rows_are_told_and_refused(
    run: Run, stack: Stack, named: Path, live: subprocess.Popen[bytes]
) -> None:
    """Documents would be missing without a word; who has read the rows again says so."""
    pipeline, text = mapping.load(named), named.read_text()
    topic = pipeline.source_topic("meetup.user")
    cut = _cut(stack, topic, pipeline.source_partitions)
    assert cut > 0

    told = run("rebuild", named, "-o", "json")
    assert (told.code, told.codes) == (3, ["rebuild.rows_missing"])
    (source,) = [one for one in told.json["sources"] if one["topic"] == topic]
    assert (source["rows"], source["deleted"]) == ("cut", cut)
    refused = run("rebuild", named, "--yes", "-o", "json")
    assert (refused.code, refused.codes) == (3, ["rebuild.rows_missing"])
    assert named.read_text() == text

    assert run("rebuild", named, "--yes", "--rows-complete").code == 0
    assert mapping.load(named).generation == 2


def test_what_apply_refuses_leaves_the_file_as_it_is(
    run: Run, named: Path, database: Database[dict[str, Any]], live: subprocess.Popen[bytes]
) -> None:
    """The number is written only when nothing stands in the way."""
    pipeline, text = mapping.load(named), named.read_text()
    database[f"{pipeline.collection}__g2"].insert_one({"somebody": "else's"})

    told, refused = run("rebuild", named), run("rebuild", named, "--yes", "-o", "json")

    assert (told.code, refused.code, refused.codes) == (3, 3, ["mongo.not_ours"])
    assert named.read_text() == text


def test_a_pipeline_that_never_began_has_nothing_to_rebuild(run: Run, stack: Stack, named: Path) -> None:
    """It is told what to do instead."""
    outcome = run("rebuild", named, "-o", "json")

    assert (outcome.code, outcome.codes) == (3, ["rebuild.not_begun"])
    assert "syncsvc apply" in outcome.json["problems"][0]["fix"]
    published = run("publish", named, "-o", "json")
    assert (published.code, published.codes) == (3, ["publish.not_begun"])


def test_documents_written_in_place_have_nothing_beside_them(run: Run, stack: Stack, named: Path) -> None:
    """`publish: direct` is refused with the ways out, before anything is asked of the servers."""
    named.write_text(named.read_text().replace("generation: 1", "generation: 1\npublish: direct"))

    outcome = run("rebuild", named, "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["rebuild.direct"])
