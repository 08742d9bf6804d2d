"""
`syncsvc explain`: which rows, offsets and versions made a document, read from the state as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Binary, Int64
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.actors import parking
from syncsvc.cli import explaining, held
from syncsvc.cli.explaining import Explained
from syncsvc.devstack.stack import Stack
from syncsvc.flow import Flow
from syncsvc.keys import Partitioner, canonical
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client, generations, names
from syncsvc.mongo.generations import Generation, TopicFacts
from syncsvc.state import segments
from syncsvc.state.fences import fence_id
from syncsvc.state.memory import MemoryStore
from syncsvc.wiring import prepare
from tests.cli.conftest import Run
from tests.routing.tables import APPLICATION, MEETING, USER, Database, change, key, meetings
from tests.source import page
from tests.verify import world

ADDRESS = bytes((0,)) + canonical((1,))


def state_of(flow: Flow, address: bytes = ADDRESS) -> MemoryStore:
    """The state of the keyed partition that an address belongs to."""
    joiner = flow._joiners[Partitioner(flow.plan.pipeline.partitions)[address]]
    found: Any = joiner._state
    assert isinstance(found, MemoryStore)
    return found


def explained(flow: Flow) -> Explained:
    """What is held of the first document."""
    flow.settle()
    return explaining.explain(flow.plan, 0, state_of(flow), ADDRESS)


@pytest.fixture
def flow() -> Flow:
    """A meeting with two applications of one user and one of nobody; another meeting beside it."""
    flow = Flow(meetings())
    database = Database(flow)
    database.put(USER, id=7, name="Ann")
    database.put(MEETING, id=1, title="first")
    database.put(MEETING, id=2, title="second")
    for number, user in ((1, 7), (2, 7), (3, None)):
        database.put(APPLICATION, id=number, meeting_id=1, user_id=user, rank=None)
    return flow


def test_the_rows_of_a_document_are_told_with_their_relation_and_key(flow: Flow) -> None:
    """The root first, then its relations, and what these refer to once."""
    rows = explained(flow).rows

    assert [(row.relation, row.table, row.key) for row in rows] == [
        ("", MEETING, {"id": "1"}),
        ("applications", APPLICATION, {"id": "1"}),
        ("applications", APPLICATION, {"id": "2"}),
        ("applications", APPLICATION, {"id": "3"}),
        ("applications.user", USER, {"id": "7"}),
    ]


def test_a_row_says_where_in_its_source_it_was_last_written(flow: Flow) -> None:
    """File and place in the binlog, and when it was committed."""
    positions = {(row.table, row.key["id"]): row.position for row in explained(flow).rows}

    assert positions[MEETING, "1"].pos == 2
    assert str(positions[USER, "7"]) == "….000001:1"
    assert positions[USER, "7"].at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert not positions[USER, "7"].snapshot


def test_what_rows_refer_to_is_told_with_its_answer(flow: Flow) -> None:
    """One look for each value, however many rows refer to it."""
    (look,) = explained(flow).looks

    assert (look.relation, look.by, look.answered, look.rows) == ("applications.user", {"id": "7"}, True, 1)
    assert look.subscription is not None


def test_a_look_that_is_not_answered_yet_is_told() -> None:
    """The document may wait for it."""
    flow = Flow(meetings(partitions=1))
    database = Database(flow)
    database.put(MEETING, id=1, title="first")
    database.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    (joiner,), (records,) = flow._joiners, flow._keyed
    joiner.fold(records)  # and nothing of what it sends arrives

    (look,) = explaining.explain(flow.plan, 0, state_of(flow), ADDRESS).looks

    assert (look.answered, look.rows) == (False, 0)


def test_a_row_that_could_not_be_read_is_told_with_its_record(flow: Flow) -> None:
    """The document is parked; the row's last good form is still held."""
    flow.put(APPLICATION, key(id=2), change("u", None, {"id": 2, "meeting_id": "x"}, pos=99))

    found = explained(flow)

    assert found.parked == "row.unreadable"
    assert [(row.key["id"], row.record) for row in found.rows if row.state == "unreadable"] == [
        ("2", "shop.shop.application[0]@3")
    ]


def test_an_address_without_rows_has_nothing() -> None:
    """A key that was never there."""
    assert explained(Flow(meetings())) == Explained((), (), None, False)


PARTITION_OFFSET = 12


@pytest.fixture(scope="module")
def mongod() -> Iterator[Stack]:
    """A target alone."""
    with Stack(connect=False, kafka=False) as stack:
        yield stack


@pytest.fixture
def stored(mongod: Stack, file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MongoClient[dict[str, Any]]]:
    """The generation of the meetup file, the state of all its partitions, and the documents."""
    for name, value in mongod.env().items():
        monkeypatch.setenv(name, value)
    pipeline, flow = mapping.load(file), Flow(mapping.load(file))
    _fill(flow)
    with MongoClient[dict[str, Any]](mongod.mongod.uri) as opened:
        database = opened["meetup"]
        generations.claim(client.Mongo(opened, database, "here"), _generation(pipeline))
        for number, joiner in enumerate(flow._joiners):
            fence = fence_id(pipeline.name, 1, "joiner", (pipeline.keyed_topic, number))
            held: Any = joiner._state
            blob = segments.encode(dict(held.scan(b"")))
            database[names.state_collection(pipeline.name, 1)].insert_one(
                {"_id": {"f": fence, "n": Int64(4), "k": 0}, "b": blob}
            )
            database[names.FENCES].insert_one(
                {"_id": fence, "epoch": Int64(3), "seq": Int64(4), "base": Int64(1), "copied": True,
                 "offset": Int64(PARTITION_OFFSET), "lsid": Binary(b"")}
            )  # fmt: skip
        database[pipeline.target_collection].insert_many(world.documents())
        yield opened
        opened.drop_database("meetup")


def _fill(flow: Flow) -> None:
    at = 1704164645678  # ms of the rows of `world`
    flow.put("meetup.user", key(id=1), change("r", None, {"id": 1, "name": "Ada"}, pos=1, file="binlog.000007"))
    flow.put(
        "meetup.meeting", key(id=1),
        change("c", None, {"id": 1, "title": "One", "capacity": 10}, pos=2, file="binlog.000007", ts_ms=at),
    )  # fmt: skip
    row = {"id": 11, "meeting_id": 1, "user_id": 1, "rank": 5, "label": "a", "at": at}
    flow.put("meetup.application", key(id=11), change("c", None, row, pos=3, file="binlog.000007", ts_ms=at))
    flow.settle()


def _generation(pipeline: Pipeline) -> Generation:
    keyed = TopicFacts(pipeline.keyed_topic, "", pipeline.partitions)
    return Generation(pipeline.name, 1, pipeline.text_hash, prepare.formats(), keyed, ())


@pytest.mark.servers
def test_the_command_tells_version_partition_rows_and_looks(run: Run, stored: Any, file: Path) -> None:
    """From MongoDB alone: no worker, no Kafka and no source is asked."""
    outcome = run("explain", file, "--key", 1, "-o", "json")
    found = outcome.json

    assert (outcome.code, found["stored"], found["version"]["generation"]) == (0, True, 1)
    assert found["version"]["offset"] == 7
    partition = found["partition"]
    assert (partition["offset"], partition["epoch"], partition["seq"]) == (PARTITION_OFFSET, 3, 4)
    assert [(row["relation"], row["key"]) for row in found["rows"]] == [
        ("", {"id": "1"}), ("applications", {"id": "11"}), ("applications.user", {"id": "1"}),
    ]  # fmt: skip
    assert found["rows"][0]["position"]["file"] == "binlog.000007"
    assert found["rows"][2]["position"]["snapshot"] is True
    assert [look["answered"] for look in found["looks"]] == [True]


@pytest.mark.servers
def test_the_command_says_it_in_words(run: Run, stored: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/commands.md shows it, to the letter: what the version means, and a line for each row."""
    monkeypatch.chdir(file.parent)
    ((words, shown),) = [block for block in page.commands() if block[0][0] == "explain"]

    assert page.told(run(*words).out) == page.told(shown)
    assert "from everything before offset 7 of syncsvc.meetings.g1.keyed[" in shown


@pytest.mark.servers
def test_a_parked_document_says_why_and_since_when(run: Run, stored: Any, file: Path) -> None:
    """With the id that `syncsvc parked` takes, and the row whose record could not be read."""
    flow = Flow(mapping.load(file))
    _fill(flow)
    flow.put("meetup.application", key(id=11), change("u", None, {"id": 11, "rank": "x"}, pos=9))
    flow.settle()
    pipeline, number = flow.plan.pipeline, Partitioner(8)[ADDRESS]
    database, identity = stored["meetup"], parking.document_id(pipeline.group, ADDRESS)
    database[names.state_collection(pipeline.name, 1)].update_one(
        {"_id.f": fence_id(pipeline.name, 1, "joiner", (pipeline.keyed_topic, number))},
        {"$set": {"b": segments.encode(dict(state_of(flow).scan(b"")))}},
    )
    entry = {"reason": "row.unreadable", "what": "a row could not be decoded", "at": datetime(2024, 5, 1, tzinfo=UTC)}
    database[names.PARKED].insert_one({"_id": identity, **entry})

    found = run("explain", file, "--key", 1, "-o", "json").json
    assert (found["parked"]["reason"], found["parked"]["id"]) == ("row.unreadable", identity)
    assert [row["record"] for row in found["rows"] if row["state"] == "unreadable"] == [
        "meetup.meetup.application[0]@1"
    ]
    told = run("explain", file, "--key", 1).out
    assert "PARKED, row.unreadable since 2024-05-01 00:00:00 UTC: a row could not be decoded" in told
    assert f"syncsvc parked retry|skip {identity}" in told


@pytest.mark.servers
def test_a_key_without_a_document_ends_with_1(run: Run, stored: Any, file: Path) -> None:
    """With what is held of it, which is nothing."""
    outcome = run("explain", file, "--key", 99, "-o", "json")

    assert (outcome.code, outcome.json["stored"], outcome.json["rows"]) == (1, False, [])


@pytest.mark.servers
def test_a_generation_of_another_mapping_is_not_explained(run: Run, stored: Any, file: Path) -> None:
    """Its slots would be read wrongly: drift, exit code 3; and one that was never begun is told."""
    file.write_text(file.read_text().replace("fields: [id, name]", "fields: [name]"))
    assert run("explain", file, "--key", 1, "-o", "json").codes == ["generation.mapping_changed"]

    file.write_text(file.read_text().replace("generation: 1", "generation: 2"))
    outcome = run("explain", file, "--key", 1, "-o", "json")
    assert (outcome.code, outcome.codes) == (1, ["explain.no_generation"])


@pytest.mark.servers
def test_segments_that_are_swept_while_they_are_read_are_read_again(
    run: Run, stored: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker goes on meanwhile: half a state is never told."""
    read, fences, tries = held.segments.segments, stored["meetup"][names.FENCES], []

    def sweeping(*arguments: Any) -> Iterator[tuple[int, bytes]]:
        tries.append(arguments)
        if len(tries) == 1:
            fences.update_many({}, {"$set": {"base": Int64(4)}})
            return iter(())
        return read(*arguments)

    monkeypatch.setattr(held.segments, "segments", sweeping)

    assert len(run("explain", file, "--key", 1, "-o", "json").json["rows"]) == 3
    assert len(tries) == 2


@pytest.mark.servers
def test_explaining_takes_nothing_from_the_owner(run: Run, stored: Any, file: Path) -> None:
    """The fence keeps its epoch: the worker that owns the partition goes on."""
    before = list(stored["meetup"][names.FENCES].find().sort("_id", 1))
    run("explain", file, "--key", 1)

    assert list(stored["meetup"][names.FENCES].find().sort("_id", 1)) == before
