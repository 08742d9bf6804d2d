"""
`syncsvc parked`: what is held back is shown without its content, and decisions go through the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiokafka
import bson
import pytest
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.assembly.joiner import RETRY_DOCUMENT, SKIP_DOCUMENT, SKIP_RECORD
from syncsvc.devstack.stack import Stack
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicWish
from syncsvc.keys import Partitioner, integer
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client, generations
from syncsvc.routing.records import CONTROL, HEADER, HEADER_BYTES
from tests.cli.conftest import Run

pytestmark = pytest.mark.servers

ADDRESS = b"\x00" + integer(7)
SECRET = b'{"op": "c", "after": {"id": 5, "name": "Somebody"}}'
GOOD = b'{"op": "c", "after": {"id": 5, "name": "Ada"}, "source": {"ts_ms": 1}}'


class Pen:
    """A pipeline with topics and a generation, and its parked entries."""

    def __init__(self, stack: Stack, file: Path, parked: Any) -> None:
        self.stack, self.file, self.entries = stack, file, parked
        self.pipeline: Pipeline = mapping.load(file)
        self.source = f"{self.pipeline.name}.user"

    async def make_topics(self) -> None:
        """Both topics, empty."""
        async with Topics(EngineSettings(self.stack.kafka.bootstrap)) as topics:
            await topics.create([TopicWish(self.pipeline.keyed_topic, 3, 1), TopicWish(self.source, 2, 1)])

    def park(self, kind: str, **more: Any) -> str:
        """An entry as a worker writes it; its id."""
        identity = f"{self.pipeline.group}/{kind}/{len(more)}"
        entry = {
            "_id": identity, "pipeline": self.pipeline.name, "generation": 1, "kind": kind, "reason": "some.reason",
            "what": "it does not fit", "where": f"{self.source}[1]@3", "at": datetime(2024, 1, 1, tzinfo=UTC), **more,
        }  # fmt: skip
        self.entries.insert_one(entry)
        return identity

    def park_record(self, value: bytes, targets: list[dict[str, bytes]]) -> str:
        """An entry of a record of the user table."""
        return self.park("record", table="meetup.user", key=b'{"id": 5}', value=value, targets=targets)

    def park_document(self) -> str:
        """An entry of the document with `_id` 7."""
        return self.park("document", address=ADDRESS, identity=bson.encode({"_id": 7}))

    def records(self, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
        """`(partition, key, value)` of everything in a topic."""
        return asyncio.run(_all_records(self.stack.kafka.bootstrap, topic))

    @contextlib.contextmanager
    def worker(self, topic: str, identity: str) -> Iterator[None]:
        """Does what a worker does once the decision has come: removes the entry."""

        def act() -> None:
            while not self.records(topic):
                pass  # each look waits for Kafka
            self.entries.delete_one({"_id": identity})

        thread = threading.Thread(target=act)
        thread.start()
        yield
        thread.join()


async def _all_records(bootstrap: str, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        tps = [aiokafka.TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or await
               _partitions(consumer, topic)]  # fmt: skip
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        found: list[tuple[int, bytes | None, bytes | None]] = []
        while len(found) < sum(ends.values()):
            for tp, batch in (await consumer.getmany(timeout_ms=500)).items():
                found += [(tp.partition, record.key, record.value) for record in batch]
        return found
    finally:
        await consumer.stop()


async def _partitions(consumer: Any, topic: str) -> list[int]:
    await consumer._client.force_metadata_update()
    consumer._client.add_topic(topic)
    await consumer._client.force_metadata_update()
    return sorted(consumer.partitions_for_topic(topic) or [])


@pytest.fixture
def pen(stack: Stack, named: Path) -> Iterator[Pen]:
    """A pipeline that has a generation."""
    with MongoClient[dict[str, Any]](stack.mongod.uri, tz_aware=True) as mongod:
        made = Pen(stack, named, mongod["meetup"]["syncsvc_parked"])
        asyncio.run(made.make_topics())
        mongo = client.connect(stack.mongod.uri, "meetup")
        keyed = generations.TopicFacts(made.pipeline.keyed_topic, "", 3)
        generations.claim(mongo, generations.Generation(made.pipeline.name, 1, "x", {}, keyed, ()))
        mongo.close()
        yield made


def test_what_is_parked_is_listed_without_its_content(run: Run, pen: Pen) -> None:
    """Place, reason and the document's id are enough to find it; raw values need a word more."""
    record, document = pen.park_record(SECRET, []), pen.park_document()

    listed = run("parked", "list", "--pipeline", pen.pipeline.name, "-o", "json")
    shown, open_ = run("parked", "show", record), run("parked", "show", record, "--show-values")

    assert [entry["id"] for entry in listed.json["parked"]] == [record, document]
    assert listed.json["parked"][1]["document"] == "7"
    assert "Somebody" not in listed.out + shown.out
    assert "Somebody" in open_.out


@pytest.mark.parametrize(("command", "action"), [("retry", RETRY_DOCUMENT), ("skip", SKIP_DOCUMENT)])
def test_a_decision_about_a_document_goes_to_its_partition(run: Run, pen: Pen, command: str, action: int) -> None:
    """One control record, at the document's address; the command waits until a worker has acted on it."""
    identity = pen.park_document()

    with pen.worker(pen.pipeline.keyed_topic, identity):
        outcome = run("parked", command, identity)

    assert (outcome.code, outcome.err) == (0, "")
    ((partition, key, value),) = pen.records(pen.pipeline.keyed_topic)
    assert value is not None
    assert (partition, key) == (Partitioner(3)[ADDRESS], ADDRESS)
    assert (HEADER.unpack_from(value)[1], value[HEADER_BYTES:]) == (CONTROL, bytes([action]))


def test_skipping_a_record_tells_every_address_it_poisons(run: Run, pen: Pen) -> None:
    """Each gets back the payload that poisoned it."""
    others = [b"\x01" + integer(number) for number in (5, 6)]
    identity = pen.park_record(SECRET, [{"address": other, "payload": b"p" + other} for other in others])

    with pen.worker(pen.pipeline.keyed_topic, identity):
        assert run("parked", "skip", identity).code == 0

    found = {key: value for _, key, value in pen.records(pen.pipeline.keyed_topic)}
    assert {key: value[HEADER_BYTES:] for key, value in found.items() if key and value} == {
        other: bytes([SKIP_RECORD]) + b"p" + other for other in others
    }


def test_a_record_that_holds_nothing_back_is_skipped_at_once(run: Run, pen: Pen) -> None:
    """Nobody else would remove its entry."""
    identity = pen.park_record(SECRET, [])

    assert run("parked", "skip", identity).code == 0
    assert pen.entries.find_one({"_id": identity}) is None


def test_a_record_that_is_still_unreadable_is_not_sent_again(run: Run, pen: Pen) -> None:
    """It says why, in words of the table; exit code 1, and the entry stays."""
    identity = pen.park_record(b'{"op": "c", "after": {"id": 5}}', [])

    outcome = run("parked", "retry", identity, "--file", pen.file, "-o", "json")

    assert outcome.code == 1
    assert outcome.codes == ["parked.still_unreadable"]
    assert '\\"name\\"' in outcome.out
    assert pen.records(pen.source) == []
    assert pen.entries.find_one({"_id": identity}) is not None


def test_an_event_that_tells_of_tables_is_not_sent_again(run: Run, pen: Pen) -> None:
    """It would be parked again, whatever the mapping is: it says what was wrong, and a skip takes it away."""
    identity = pen.park("record", table=f"ddl:{pen.pipeline.name}", key=b"{}", value=b"{}", targets=[])

    outcome = run("parked", "retry", identity, "--file", pen.file, "-o", "json")

    assert (outcome.code, outcome.codes) == (1, ["parked.not_a_row"])
    assert "it does not fit" in outcome.out
    assert pen.entries.find_one({"_id": identity}) is not None
    assert run("parked", "skip", identity).code == 0
    assert pen.entries.find_one({"_id": identity}) is None


def test_a_record_that_can_be_read_now_is_appended_to_its_own_partition(run: Run, pen: Pen) -> None:
    """A redelivery, as Kafka would make it."""
    identity = pen.park_record(GOOD, [])

    assert run("parked", "retry", identity, "-f", pen.file).code == 0

    assert pen.records(pen.source) == [(1, b'{"id": 5}', GOOD)]


def test_a_decision_that_no_worker_takes_is_said_to_be_pending(run: Run, pen: Pen) -> None:
    """It is in the log all the same; exit code 1."""
    outcome = run("parked", "skip", pen.park_document(), "--wait", "0.2", "-o", "json")

    assert (outcome.code, outcome.codes) == (1, ["parked.pending"])
    assert len(pen.records(pen.pipeline.keyed_topic)) == 1


@pytest.mark.parametrize("command", ["show", "retry", "skip"])
def test_an_unknown_id_is_a_usage_fault(run: Run, pen: Pen, command: str) -> None:
    """Nothing is sent."""
    assert run("parked", command, "nothing", "-o", "json").codes == ["parked.unknown"]


def test_a_record_cannot_be_retried_without_its_mapping(run: Run, pen: Pen) -> None:
    """The entry names the pipeline; how its table is read stands in the file."""
    assert run("parked", "retry", pen.park_record(GOOD, []), "-o", "json").codes == ["parked.needs_mapping"]
