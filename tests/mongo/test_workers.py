"""What workers tell each other: cheap, and as old as it says."""

from __future__ import annotations

import time

import pytest

from syncsvc.mongo import names, workers
from syncsvc.mongo.client import Mongo

pytestmark = pytest.mark.servers


def test_each_worker_sees_what_the_others_told(mongo: Mongo) -> None:
    """With its age by the server's clock, not by anybody's own."""
    workers.tell(mongo, "a", {"n": 1})
    workers.tell(mongo, "b", {"n": 2, "$odd": "$names.are.values"})
    mongo.database[names.WORKERS].update_one({"_id": "a"}, [{"$set": {"at": {"$subtract": ["$$NOW", 90_000]}}}])

    (told,) = workers.told(mongo, but="b")

    assert (told.instance, told.status) == ("a", {"n": 1})
    assert 90 <= told.age_seconds < 100
    assert [one.status for one in workers.told(mongo, but="a")] == [{"n": 2, "$odd": "$names.are.values"}]


def test_what_another_version_stored_is_not_guessed_at(mongo: Mongo) -> None:
    """The worker is known to be there, and no more (invariant 6)."""
    workers.tell(mongo, "a", {"n": 1})
    mongo.database[names.WORKERS].update_one({"_id": "a"}, {"$set": {"format": workers.FORMAT + 1}})

    assert [(one.instance, one.status) for one in workers.told(mongo, but="b")] == [("a", None)]


def test_who_leaves_is_gone_and_who_dies_fades(mongo: Mongo) -> None:
    """Any worker removes what nobody wrote for an hour, by the server's clock; no right to make an index is needed."""
    for name in ("a", "dead", "silent"):
        workers.tell(mongo, name, {})
    for name, seconds in (("dead", workers.KEPT_SECONDS + 1), ("silent", workers.KEPT_SECONDS - 60)):
        back = {"$subtract": ["$$NOW", seconds * 1000]}
        mongo.database[names.WORKERS].update_one({"_id": name}, [{"$set": {"at": back}}])

    workers.leave(mongo, "a")
    workers.forget_dead(mongo)

    assert [one.instance for one in workers.told(mongo, but="b")] == ["silent"]


def test_a_quiet_worker_costs_the_oplog_one_date(mongo: Mongo) -> None:
    """The server logs the difference to what was told before, however large the status is."""
    status = {"partitions": [{"topic": "meetup.meetup.event", "partition": n, "lag": 0} for n in range(200)]}
    workers.tell(mongo, "a", status)
    before = time.time()
    workers.tell(mongo, "a", status)

    name = f"{mongo.database.name}.{names.WORKERS}"
    (entry,) = mongo.client["local"]["oplog.rs"].find({"ns": name, "op": "u"}).sort("$natural", -1).limit(1)
    assert entry["wall"].timestamp() >= before - 5
    assert entry["o"]["diff"].keys() == {"u"}
    assert entry["o"]["diff"]["u"].keys() == {"at"}
