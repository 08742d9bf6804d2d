"""
What the fence promises, against a real server: one owner at a time, whatever the one before was doing.

Design D4 and invariants 3 and 4.  The server keeps a dead client's transaction for 60 s; no test here may take that
long, which `timeout` sees to.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from bson.binary import Binary

from syncsvc.mongo import client, fences
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.commit import Fenced, OutOfStep
from syncsvc.mongo.committer import Committer
from syncsvc.wiring.ledger import MongoLedger
from tests.mongo import server
from tests.mongo.server import STATE, FaultyMongod, failing, fence_now, owned, put, step, stored

store, mongod, mongo, committer = server.store, server.mongod, server.mongo, server.committer

pytestmark = [pytest.mark.servers, pytest.mark.timeout(45)]

FENCE = "test/g1/joiner/0"

#: Owns the fence, writes in a transaction, says so, and waits to be killed.
OWNER = """
import sys, time
from syncsvc.mongo import client, fences
mongo = client.connect(sys.argv[1], sys.argv[2])
session = mongo.client.start_session()
fence = fences.open_fence(mongo, sys.argv[3], session.session_id["id"])
session.start_transaction()
match = {"_id": fence.id, "epoch": fence.epoch}
mongo.database["syncsvc_fences"].update_one(match, {"$inc": {"seq": 1}}, session=session)
mongo.database["docs"].insert_one({"_id": "of the killed"}, session=session)
print("open", flush=True)
time.sleep(600)
"""


def test_the_owner_before_writes_nothing_any_more(mongo: Mongo, committer: Committer) -> None:
    """A zombie's transaction matches nothing: no document, no offset, no segment of it gets in."""
    zombie = Committer(mongo)
    old = owned(mongo, zombie)
    new = owned(mongo, committer)

    with pytest.raises(Fenced):
        zombie.submit(step(old, put("of the zombie"))).result(20)
    committer.submit(step(new, put("of the owner"))).result(20)
    assert stored(mongo).keys() == {"of the owner"}
    zombie.close()


def test_a_transaction_that_began_before_the_raise_is_fenced_too(mongo: Mongo, committer: Committer) -> None:
    """The zombie holds the fence inside an open transaction, stops, and comes back after the new owner has begun."""
    with mongo.client.start_session() as session:
        old = fences.open_fence(mongo, FENCE, session.session_id["id"])
        session.start_transaction()
        mongo.database["syncsvc_fences"].update_one({"_id": old.id, "epoch": 1}, {"$inc": {"seq": 1}}, session=session)
        mongo.database["docs"].insert_one({"_id": "of the zombie"}, session=session)
        new = owned(mongo, committer)

        with pytest.raises(Exception, match=r"NoSuchTransaction|aborted"):
            session.commit_transaction()
    assert fence_now(mongo, new) == (2, 0, 0)
    assert stored(mongo) == {}


def test_a_raise_before_the_first_write_wins(mongo: Mongo, committer: Committer) -> None:
    """A zombie whose transaction has an older snapshot gets a conflict, tries again, and is fenced then."""
    zombie = Committer(mongo)
    old = owned(mongo, zombie)
    with failing(mongo, ["update"], 1, blockConnection=True, blockTimeMS=400):
        late = zombie.submit(step(old, put("of the zombie")))
        owned(mongo, committer)

        assert isinstance(late.exception(30), Fenced)
    assert stored(mongo) == {}
    zombie.close()


def test_a_killed_owner_does_not_block_the_next(mongod: FaultyMongod, mongo: Mongo, committer: Committer) -> None:
    """kill -9 with a transaction open: its session is ended, not waited for."""
    arguments = [sys.executable, "-c", OWNER, mongod.uri, mongo.database.name, FENCE]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        owner.send_signal(signal.SIGKILL)
    fence = owned(mongo, committer, FENCE)
    committer.submit(step(fence, put("of the next"))).result(20)

    assert fence_now(mongo, fence) == (2, 1, 10)
    assert stored(mongo).keys() == {"of the next"}


def test_an_owner_that_lives_survives_the_end_of_its_session(mongo: Mongo, committer: Committer) -> None:
    """A session carries all partitions of a process; losing one of them costs the others a repetition at most."""
    fence = owned(mongo, committer)
    for seq in range(30):
        future = committer.submit(step(fence, put(seq), seq=seq))
        mongo.client.admin.command("killSessions", [{"id": committer.lsid}])
        future.result(30)

    assert fence_now(mongo, fence) == (1, 30, 300)
    assert len(stored(mongo)) == 30


def test_of_two_that_commit_the_same_step_one_wins(mongo: Mongo, committer: Committer) -> None:
    """Even with one epoch: each number of the fence is given once."""
    rival = Committer(mongo)
    fence = owned(mongo, committer)
    for seq in range(40):
        race = [one.submit(step(fence, put((seq), by=name), seq=seq)) for name, one in (("a", committer), ("b", rival))]
        wait(race, 30)

        ends = [type(future.exception()) for future in race]
        assert sorted(ends, key=str) == sorted([type(None), OutOfStep], key=str)
    rival.close()
    assert fence_now(mongo, fence) == (1, 40, 400)


def test_an_ordinary_raise_disturbs_no_session(mongo: Mongo, committer: Committer) -> None:
    """The old owner lives and commits for its other partitions: its transactions are not killed in a rebalance."""
    retried: list[str] = []
    other = Committer(mongo, retried=retried.append)
    kept = owned(mongo, other, "test/g1/joiner/kept")
    moved = [owned(mongo, other, f"test/g1/joiner/{number}") for number in range(5)]
    for seq, fence in enumerate(moved):
        future = other.submit(step(kept, put(seq), seq=seq))
        fences.open_fence(mongo, fence.id, committer.lsid)
        future.result(20)

    assert retried == []
    other.close()


def test_a_session_id_that_means_nothing_is_no_obstacle(mongo: Mongo, committer: Committer) -> None:
    """The owner may be long gone, and its session with it."""
    fences.open_fence(mongo, FENCE, Binary(b"0123456789abcdef", 4))

    assert owned(mongo, committer, FENCE).epoch == 2


def test_many_may_open_a_fence_that_does_not_exist(mongod: FaultyMongod, mongo: Mongo) -> None:
    """Each gets an epoch of its own; the highest owns it."""
    connection = client.connect(mongod.uri, mongo.database.name)
    committers = [Committer(mongo), Committer(connection)]
    epochs = [fences.open_fence(mongo, FENCE, one.lsid).epoch for one in committers for _ in range(3)]

    assert epochs == [1, 2, 3, 4, 5, 6]
    for one in committers:
        one.close()
    connection.close()


async def test_an_owner_that_is_no_longer_wanted_does_not_take_the_fence_from_the_next(
    mongo: Mongo, mongod: FaultyMongod, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition goes on to another worker while MongoDB is slow: the request that comes last raises nothing."""
    other = client.connect(mongod.uri, mongo.database.name)
    taking_over = Committer(other)
    under_way, taken = threading.Event(), threading.Event()
    raise_epoch = fences._raised

    def slow(of: Mongo, *given: Any) -> fences.Fence:
        if of is mongo:
            under_way.set()
            assert taken.wait(20)
        return raise_epoch(of, *given)

    monkeypatch.setattr(fences, "_raised", slow)
    with ThreadPoolExecutor(2) as pool:
        first = MongoLedger(mongo, committer, state_collection=STATE, pool=pool)
        second = MongoLedger(other, taking_over, state_collection=STATE, pool=pool)
        opening = asyncio.create_task(first.open(FENCE))
        assert await asyncio.to_thread(under_way.wait, 20)
        opening.cancel()
        await asyncio.wait([opening])
        now = await second.open(FENCE)
        taken.set()
    taking_over.close()
    other.client.close()

    assert mongo.database["syncsvc_fences"].find_one({"_id": FENCE}, {"epoch": 1}) == {"_id": FENCE, "epoch": now.epoch}
