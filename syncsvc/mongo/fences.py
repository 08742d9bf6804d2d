"""
Fences: one document a partition of a stage, `{_id, epoch, seq, offset, base, lsid, ..}`; who matches it may write.

An owner begins by raising `epoch`; from then on the transactions of the one before match nothing.  A killed owner may
have left a transaction open that holds the fence for up to 60 s (transactionLifetimeLimitSeconds): when the raise has
to wait, the session noted in the fence is killed first.  Only then, because a session carries all partitions of its
process: in an ordinary rebalance the old owner lives and its other partitions are not to be disturbed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bson.binary import Binary
from bson.int64 import Int64
from pymongo import ReturnDocument, errors
from pymongo.read_concern import ReadConcern

from syncsvc.errors import Unreachable
from syncsvc.mongo import names, verdict
from syncsvc.mongo.client import Mongo

#: How long a raise may wait for a transaction of the owner before, in ms, before its session is killed.
BLOCKED_MS = 250
#: How long to go on trying, in seconds: longer than an election, shorter than a pod may take to start.
PATIENCE_SECONDS = 60.0

_OWN_FIELDS = frozenset(("_id", "epoch", "seq", "offset", "base", "lsid"))
_BLOCKED_CODES = frozenset((50, 112))  # MaxTimeMSExpired, WriteConflict
_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence as its new owner found it."""

    id: str
    #: Ours from now on; higher than any before.
    epoch: int
    #: Number of the last committed step, 0 for none.
    seq: int
    #: Next offset to read.
    offset: int
    #: First segment that counts.
    base: int
    #: Whatever else the steps have set, `{name: value}`.
    fields: Mapping[str, Any]


def open_fence(
    mongo: Mongo, fence_id: str, lsid: Binary, *, first_offset: int = 0, wanted: Callable[[], bool] = lambda: True
) -> Fence:
    """
    Become the owner: raise the epoch with majority and return what is durable.

    Args:
        lsid: session of our committer (`Committer.lsid`).
        first_offset: offset of a fence that does not exist yet.
        wanted: False from when nobody waits for it any more: then no epoch is raised over a later owner's.

    Raises:
        Unreachable: `mongo.fence_blocked` when it did not succeed for PATIENCE_SECONDS; `mongo.forbidden` or
            `mongo.failed` when it never will.
    """
    end, patience_ms, blocked = time.monotonic() + PATIENCE_SECONDS, BLOCKED_MS, False
    newest = mongo.database.get_collection(names.FENCES, read_concern=ReadConcern("local"))
    while time.monotonic() < end and wanted():
        try:
            if blocked:
                _end_owner_before(mongo, fence_id, lsid)
                # A slow majority looks the same: it must not make us raise again and again.
                patience_ms, blocked = int(PATIENCE_SECONDS * 1000), False
            held = newest.find_one({"_id": fence_id}, {"epoch": 1})
            if wanted():  # asked again: who gives up from here on cannot raise what a later owner has raised
                epoch = held["epoch"] if held else None
                return _raised(mongo, fence_id, lsid, first_offset, patience_ms, epoch)
        except errors.OperationFailure as error:
            if error.code in _BLOCKED_CODES:
                blocked = True
            elif error.code != _DUPLICATE_KEY and verdict.of_error(error) is not verdict.Verdict.AGAIN:
                raise verdict.failed_by(f"{mongo.where}, fence {fence_id}", error) from None
        except errors.ConnectionFailure:
            time.sleep(0.1)  # an election: the driver looks for the primary by itself, this only keeps it from spinning
    raise Unreachable(
        code="mongo.fence_blocked",
        where=f"{mongo.where}, fence {fence_id}",
        what=f"the epoch could not be raised for {PATIENCE_SECONDS:.0f} s",
        fix="look for a transaction that does not end (db.currentOp) and at the replica set (rs.status())",
    )


def read_fences(mongo: Mongo, pipeline: str, generation: int) -> list[dict[str, Any]]:
    """The fence documents of a generation, sorted by `_id`; for status and drift checks, owning nothing."""
    prefix = f"{pipeline}/g{generation}/"
    found = mongo.database[names.FENCES].find({"_id": {"$gte": prefix, "$lt": prefix[:-1] + "0"}})
    return list(found.sort("_id", 1))


def _raised(
    mongo: Mongo, fence_id: str, lsid: Binary, first_offset: int, patience_ms: int, epoch: int | None
) -> Fence:
    """Raises this epoch, and no other: where it is another by now, the insert clashes with it (11000)."""
    found = mongo.database[names.FENCES].find_one_and_update(
        {"_id": fence_id, "epoch": epoch},
        {
            "$set": {"lsid": lsid, "epoch": Int64((epoch or 0) + 1)},
            "$setOnInsert": {"seq": Int64(0), "offset": Int64(first_offset), "base": Int64(1)},
        },
        upsert=True,
        return_document=ReturnDocument.AFTER,
        maxTimeMS=patience_ms,
    )
    assert found is not None  # upsert
    fields = {name: value for name, value in found.items() if name not in _OWN_FIELDS}
    return Fence(fence_id, found["epoch"], found["seq"], found["offset"], found["base"], fields)


def _end_owner_before(mongo: Mongo, fence_id: str, lsid: Binary) -> None:
    """Kill the session that the fence names; its open transaction is aborted at once."""
    found = mongo.database[names.FENCES].find_one({"_id": fence_id}, {"lsid": 1})
    if found and found["lsid"] != lsid:
        mongo.client.admin.command("killSessions", [{"id": found["lsid"]}])
