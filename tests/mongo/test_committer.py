"""The one transaction a step: what it writes together, what it refuses alone."""

from __future__ import annotations

from concurrent.futures import Future
from functools import reduce
from typing import Any

import bson
import pytest

from syncsvc.errors import Unreachable
from syncsvc.mongo import names, segments, transaction
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.commit import (
    Abandoned,
    Commit,
    DocumentInsertClash,
    DocumentRefused,
    Fenced,
    OutOfStep,
    ParkedWrite,
    Write,
)
from syncsvc.mongo.committer import Committer
from syncsvc.mongo.fences import Fence
from tests.devstack.processes import eventually
from tests.mongo.server import STATE, failing, fence_now, insert, owned, put, step, stored

pytestmark = pytest.mark.servers


def test_offset_state_and_documents_become_durable_together(mongo: Mongo, committer: Committer) -> None:
    """One commit moves the fence, adds the segment and writes the documents."""
    fence = owned(mongo, committer)
    mongo.database["docs"].insert_one({"_id": 3})
    gone = Write("delete", bson.encode({"_id": 3}), collection="docs")
    committer.submit(step(fence, put(1, a=1), insert(2), gone)).result(20)

    assert fence_now(mongo, fence) == (1, 1, 10)
    assert stored(mongo) == {1: {"_id": 1, "a": 1}, 2: {"_id": 2}}
    assert list(segments.segments(mongo, STATE, fence.id, 1, 9)) == [(1, b"segment")]


def test_a_merge_leaves_fields_alone_that_are_not_ours(mongo: Mongo, committer: Committer) -> None:
    """`write: merge`: what the application has put into a document survives; a document that is not there is made."""
    fence = owned(mongo, committer)
    mongo.database["docs"].insert_one({"_id": 1, "a": 1, "note": "theirs"})
    writes = [
        Write("merge", bson.encode({"_id": number}), bson.encode({"_id": number, "a": 2, "b": {"c": [1]}}), "docs")
        for number in (bson.Int64(1), 2)  # the first one is theirs as an int32: an _id never changes
    ]
    committer.submit(step(fence, *writes)).result(20)

    assert stored(mongo) == {
        1: {"_id": 1, "a": 2, "note": "theirs", "b": {"c": [1]}},
        2: {"_id": 2, "a": 2, "b": {"c": [1]}},
    }


def test_any_field_of_the_fence_can_be_set(mongo: Mongo, committer: Committer) -> None:
    """The next owner finds base and whatever else the steps have set."""
    fence = owned(mongo, committer)
    commit = Commit(fence.id, fence.epoch, 0, {"offset": 7, "base": 4, "bulk": True})
    committer.submit(commit).result(20)
    again = owned(mongo, committer)

    assert (again.seq, again.offset, again.base, again.fields) == (1, 7, 4, {"bulk": True})


def test_parked_entries_are_part_of_the_step(mongo: Mongo, committer: Committer) -> None:
    """Parking and releasing cannot be torn from the state they belong to."""
    fence = owned(mongo, committer)
    commit = Commit(fence.id, 1, 0, {}, parked=[ParkedWrite("a", {"code": "x"}), ParkedWrite("b", {"code": "y"})])
    committer.submit(commit).result(20)
    committer.submit(Commit(fence.id, 1, 1, {}, parked=[ParkedWrite("a", None)])).result(20)

    assert list(mongo.database[names.PARKED].find()) == [{"_id": "b", "code": "y"}]


def test_a_segment_larger_than_a_document_is_cut(mongo: Mongo, committer: Committer) -> None:
    """MongoDB takes 16 MiB a document; a step may change more."""
    fence = owned(mongo, committer)
    blob = bytes(range(256)) * (70 << 10)
    committer.submit(step(fence, blob=blob)).result(60)

    assert list(segments.segments(mongo, STATE, fence.id, 1, 1)) == [(1, blob)]


def test_what_waits_goes_out_as_one_transaction(mongo: Mongo) -> None:
    """Partitions that commit while a transaction is under way share the next one."""
    seen: list[tuple[int, int]] = []
    committer = Committer(mongo, observe=lambda _, commits, writes, __: seen.append((commits, writes)))
    fences = [owned(mongo, committer, f"test/g1/joiner/{partition}") for partition in range(4)]
    with failing(mongo, ["commitTransaction"], 1, blockConnection=True, blockTimeMS=300):
        futures = [committer.submit(step(fence, put(fence.id))) for fence in fences]
        for future in futures:
            future.result(20)
    committer.close()

    assert sum(commits for commits, _ in seen) == 4
    assert len(seen) <= 3


LATER = 3600.0  # seconds, far beyond a test


def test_what_is_handed_in_before_a_wake_shares_a_transaction(mongo: Mongo) -> None:
    """Partitions whose turn it is cost one transaction, not one for the first and another for the rest."""
    seen: list[tuple[int, int]] = []
    committer = Committer(mongo, observe=lambda _, commits, writes, __: seen.append((commits, writes)))
    fences = [owned(mongo, committer, f"test/g1/joiner/{partition}") for partition in range(4)]
    futures = [committer.submit(step(fence, put(fence.id)), within_seconds=LATER) for fence in fences]
    assert not any(future.done() for future in futures)
    committer.wake()
    for future in futures:
        future.result(20)
    committer.close()

    assert seen == [(4, 4)]


def test_what_may_wait_begins_no_transaction_when_another_ends(mongo: Mongo) -> None:
    """A step that nobody waits for goes with the next one that somebody does, however busy the committer is."""
    seen: list[tuple[int, int]] = []
    committer = Committer(mongo, observe=lambda _, commits, writes, __: seen.append((commits, writes)))
    first, patient, next_one = (owned(mongo, committer, f"test/g1/joiner/{partition}") for partition in range(3))
    with failing(mongo, ["commitTransaction"], 1, blockConnection=True, blockTimeMS=300):
        under_way = committer.submit(step(first))
        assert eventually(under_way.running)
        waiting = committer.submit(step(patient), within_seconds=LATER)
        under_way.result(20)
    assert not waiting.done()
    committer.submit(step(next_one, put(1))).result(20)
    waiting.result(20)
    committer.close()

    assert seen == [(1, 0), (2, 1)]


def test_what_may_wait_goes_when_its_time_has_come(mongo: Mongo, committer: Committer) -> None:
    """Also where nothing else is ever handed in."""
    committer.submit(step(owned(mongo, committer)), within_seconds=0.05).result(20)


@pytest.mark.parametrize("seq", [0, 7])
def test_a_commit_that_nobody_waits_for_any_more_stops_no_other(mongo: Mongo, committer: Committer, seq: int) -> None:
    """A partition that goes to another worker while MongoDB is away is given up; the others go on when it is back."""
    fence, other = owned(mongo, committer), owned(mongo, committer, "test/g1/joiner/other")
    with failing(mongo, ["update"], 1, blockConnection=True, blockTimeMS=300):
        under_way = committer.submit(step(fence, put(1), seq=seq))
        assert eventually(under_way.running)
        behind = committer.submit(step(fence, put(2), seq=seq + 1))

        assert not under_way.cancel()  # whether it holds is MongoDB's to say
        assert behind.cancel()

    committer.submit(step(other, put(3))).result(20)
    assert stored(mongo).keys() == ({1, 3} if seq == 0 else {3})


def test_a_wake_hurries_only_what_is_there(mongo: Mongo, committer: Committer) -> None:
    """With nothing handed in it is nothing: what comes after it waits as long as it may, until it is woken itself."""
    committer.wake()
    waiting = committer.submit(step(owned(mongo, committer), put(1)), within_seconds=LATER)
    with pytest.raises(TimeoutError):
        waiting.result(0.2)

    committer.wake()

    waiting.result(20)


@pytest.mark.parametrize("code", [133, 187, 290, 355, 365, 449])
def test_a_standstill_of_the_server_that_it_does_not_label_is_waited_for(
    mongo: Mongo, committer: Committer, code: int
) -> None:
    """A shard without a primary, a transaction that took too long, a full cache: the same step passes later."""
    fence = owned(mongo, committer)
    with failing(mongo, ["update"], 2, errorCode=code):
        committer.submit(step(fence, put(1))).result(20)

    assert (fence_now(mongo, fence), stored(mongo)) == ((1, 1, 10), {1: {"_id": 1}})


def grouped(mongo: Mongo, committer: Committer, commits: list[Commit]) -> list[Future[None]]:
    """Submit so that all but a first, other commit share one transaction; wait until all have ended."""
    first = owned(mongo, committer, "test/g1/joiner/first")
    with failing(mongo, ["commitTransaction"], 1, blockConnection=True, blockTimeMS=300):
        committer.submit(step(first))
        futures = [committer.submit(commit) for commit in commits]
        for future in futures:
            future.exception(30)
    return futures


def test_a_refused_document_does_not_hold_up_its_group(mongo: Mongo, committer: Committer) -> None:
    """The others are durable; the one is told which document and why, and nothing of it was written."""
    mongo.database["docs"].create_index("name", unique=True, sparse=True)
    fences = [owned(mongo, committer, f"test/g1/joiner/{partition}") for partition in range(3)]
    bad = step(fences[1], put(10), put(11, name="n"), put(12, name="n"))
    one, two, three = grouped(mongo, committer, [step(fences[0], put(1)), bad, step(fences[2], put(3))])

    assert (one.exception(), three.exception()) == (None, None)
    refused = two.exception()
    assert isinstance(refused, DocumentRefused)
    assert (refused.index, refused.code) == (2, 11000)
    assert stored(mongo).keys() == {1, 3}
    assert fence_now(mongo, fences[1]) == (1, 0, 0)


def test_a_lost_fence_does_not_hold_up_its_group(mongo: Mongo, committer: Committer) -> None:
    """The partition that has another owner is fenced; the others go on."""
    lost, kept = owned(mongo, committer, "test/g1/joiner/1"), owned(mongo, committer, "test/g1/joiner/2")
    owned(mongo, committer, lost.id)
    one, two = grouped(mongo, committer, [step(lost, put(1)), step(kept, put(2))])

    assert isinstance(one.exception(), Fenced)
    assert two.exception() is None
    assert stored(mongo).keys() == {2}


BROKEN = bson.encode({"$a": 1})
DEEP = reduce(lambda inner, _: {"a": inner}, range(190), dict[str, Any]())


@pytest.mark.parametrize(
    ("write", "code"),
    [
        pytest.param(put(1, text="x" * (16 << 20)), 10334, id="larger than 16 MiB"),
        pytest.param(
            Write("put", bson.encode({"_id": 1}), bson.encode({"_id": 2}), "docs"), 66, id="another _id inside"
        ),
        pytest.param(put([1]), 53, id="an array as _id"),
        pytest.param(Write("put", bson.encode({"_id": 1}), BROKEN, "docs"), 9, id="a document like an update operator"),
        pytest.param(put(1, status="no such"), 121, id="against the collection's validator"),
        pytest.param(insert(1, status="no such"), 121, id="an insert against the validator"),
        pytest.param(put(1, name="taken"), 11000, id="against a unique index"),
        pytest.param(insert(1, name="taken"), 11000, id="an insert against a unique index"),
        pytest.param(put(1, nested=DEEP), 15, id="more than 180 levels"),
        pytest.param(put(1, place=[500, 500]), 13027, id="a place that a 2d index does not know"),
        pytest.param(put(1, hashed=[1]), 16766, id="an array in a hashed index"),
        pytest.param(put(1, title="x", language={"name": "English"}), 17261, id="a language that is no text"),
        pytest.param(put(1, title="x", language="xx"), 17262, id="a language that a text index does not know"),
    ],
)
def test_a_document_that_can_never_be_stored_is_named(
    mongo: Mongo, committer: Committer, write: Write, code: int
) -> None:
    """Its index and the code; resubmitted without it, the step goes through."""
    mongo.database.command({"collMod": "docs", "validator": {"status": {"$ne": "no such"}}})
    mongo.database["docs"].create_index("name", unique=True, sparse=True)
    for readers in ([("place", "2d")], [("hashed", "hashed")], [("title", "text")]):
        mongo.database["docs"].create_index(readers)
    mongo.database["docs"].insert_one({"_id": 9, "name": "taken"})
    fence = owned(mongo, committer)

    with pytest.raises(DocumentRefused) as refused:
        committer.submit(step(fence, put(0), write, put(5))).result(30)
    assert (refused.value.index, refused.value.code) == (1, code)
    committer.submit(step(fence, put(0), put(5))).result(20)
    assert stored(mongo).keys() == {0, 5, 9}


def unreadable(fence: Fence, count: int, value: bytes) -> Commit:
    """A router's step that parks so many records."""
    parked = [ParkedWrite(f"{fence.id}/{number}", {"kind": "record", "value": value}) for number in range(count)]
    return Commit(fence.id, fence.epoch, fence.seq, {"offset": 10}, [b"s"], STATE, (), parked)


def test_many_records_that_cannot_be_read_stop_nobody(mongo: Mongo, committer: Committer) -> None:
    """A connector's change makes a whole table unreadable: each record is kept raw, and other partitions go on."""
    routers = [owned(mongo, committer, f"test/g1/router/{number}") for number in range(8)]
    other = owned(mongo, committer)
    commits = [unreadable(fence, 400, b"x" * 6000) for fence in routers]
    futures = grouped(mongo, committer, [*commits, step(other, put(1))])

    assert [future.exception() for future in futures] == [None] * 9
    assert mongo.database["syncsvc_parked"].count_documents({}) == 3200


def test_many_records_of_one_step_that_cannot_be_read_are_kept(mongo: Mongo, committer: Committer) -> None:
    """More than one command holds, in one transaction."""
    fence = owned(mongo, committer)
    committer.submit(unreadable(fence, 3000, b"x" * 6000)).result(60)

    assert mongo.database["syncsvc_parked"].count_documents({}) == 3000


def test_many_documents_with_large_ids_are_deleted_in_one_step(mongo: Mongo, committer: Committer) -> None:
    """What a delete takes in a command is its `_id`."""
    fence = owned(mongo, committer)
    gone = [Write("delete", bson.encode({"_id": f"{number:05}" + "é" * 1200}), b"", "docs") for number in range(8192)]
    committer.submit(step(fence, *gone)).result(60)

    assert fence_now(mongo, fence)[1] == 1


def test_a_command_that_the_driver_finds_too_large_spoils_its_own_step_only(
    mongo: Mongo, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should our reckoning of sizes ever be wrong: the group is tried one by one, and the others hold."""
    monkeypatch.setattr(ParkedWrite, "size_bytes", 0)
    bad, good = owned(mongo, committer, "test/g1/router/bad"), owned(mongo, committer)
    one, two = grouped(mongo, committer, [unreadable(bad, 3000, b"x" * 6000), step(good, put(1))])

    assert isinstance(one.exception(), Unreachable)
    assert two.exception() is None


def test_a_document_just_below_the_limit_is_written(mongo: Mongo, committer: Committer) -> None:
    """The command around it does not make it too large."""
    fence = owned(mongo, committer)
    committer.submit(step(fence, put(1, text="x" * ((16 << 20) - 30)), put(2))).result(60)

    assert stored(mongo).keys() == {1, 2}


def test_an_insert_of_what_exists_asks_for_puts(mongo: Mongo, committer: Committer) -> None:
    """The first copy inserts; a document that is there already is no fault of the document."""
    mongo.database["docs"].insert_one({"_id": 2})
    fence = owned(mongo, committer)

    with pytest.raises(DocumentInsertClash) as clash:
        committer.submit(step(fence, insert(1), insert(2))).result(20)
    assert clash.value.index == 1
    committer.submit(step(fence, put(1), put(2))).result(20)


def test_commits_of_one_fence_are_carried_out_in_order(mongo: Mongo, committer: Committer) -> None:
    """Several may be under way; each begins where the one before ended."""
    fence = owned(mongo, committer)
    futures = [committer.submit(step(fence, put(1, at=seq), seq=seq)) for seq in range(20)]
    for future in futures:
        future.result(20)

    assert stored(mongo)[1]["at"] == 19
    assert fence_now(mongo, fence) == (1, 20, 200)


def test_a_step_sent_twice_is_refused(mongo: Mongo, committer: Committer) -> None:
    """The fence has gone on; a caller that does not know it has lost its place."""
    fence = owned(mongo, committer)
    committer.submit(step(fence)).result(20)

    with pytest.raises(OutOfStep):
        committer.submit(step(fence)).result(20)


def test_a_closed_committer_gives_its_commits_up(mongo: Mongo) -> None:
    """Nothing hangs at the end: what is queued ends, and later commits are refused."""
    committer = Committer(mongo)
    fence = owned(mongo, committer)
    with failing(mongo, ["update"], 1, blockConnection=True, blockTimeMS=300):
        waiting = [committer.submit(step(fence, put(seq), seq=seq)) for seq in range(3)]
        committer.close()

    assert all(isinstance(future.exception(20), Abandoned) for future in waiting)
    assert isinstance(committer.submit(step(fence)).exception(), Abandoned)
    assert stored(mongo) == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_thread_that_is_gone(mongo: Mongo) -> None:
    """Should the committer itself fail, the next step fails with it, and the process leaves instead of hanging."""

    def observe(*_: object) -> None:
        raise RuntimeError("of the observer")

    committer = Committer(mongo, observe=observe)
    fence = owned(mongo, committer)
    committer.submit(step(fence, put(1))).result(20)

    with pytest.raises(Abandoned):
        committer.submit(step(fence, put(2), seq=1)).result(20)
    committer.close()
    assert stored(mongo).keys() == {1}


def test_a_majority_that_does_not_come_is_not_waited_for_without_end(
    mongo: Mongo, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit without an answer is tried again, which tells whether it holds; the partitions do not stand still."""
    monkeypatch.setattr(transaction, "COMMIT_SECONDS", 0.5)
    fence = owned(mongo, committer)
    with failing(mongo, ["commitTransaction"], 1, blockConnection=True, blockTimeMS=40_000):
        committer.submit(step(fence, put(1))).result(20)

    assert stored(mongo).keys() == {1}
    assert fence_now(mongo, fence) == (1, 1, 10)


def test_segments_of_a_forgotten_fence_are_no_documents_fault(mongo: Mongo, committer: Committer) -> None:
    """State that outlived its fence stops the step with an error, it does not park a document."""
    fence = owned(mongo, committer)
    mongo.database[STATE].insert_one({"_id": {"f": fence.id, "n": bson.Int64(1), "k": 0}, "b": b""})

    with pytest.raises(Exception, match=r"mongo\.failed"):
        committer.submit(step(fence, put(1))).result(20)
