"""
What a MongoDB deployment says of itself: version, members, clock, rights of our user, space.

Nothing is written: that a majority acknowledges is seen from a write that matches no document.  Judged by `doctor`.
What the user may not see is None.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pymongo import DESCENDING, ReadPreference, errors
from pymongo.write_concern import WriteConcern

from syncsvc.mongo import names, verdict
from syncsvc.mongo.client import Mongo

NOBODY = {"_id": "syncsvc doctor: matches nothing"}


@dataclass(frozen=True, slots=True)
class MongoFacts:
    """One deployment."""

    where: str
    version: tuple[int, ...]
    sharded: bool
    #: Members that hold data, and those that only vote; 0 behind a mongos.
    members: int
    arbiters: int
    #: Seconds by which the primary's clock is ahead of ours, and how exactly that is known.
    clock_ahead: float
    clock_within: float
    #: Whether "majority" waits for the journal; None where it cannot be seen.
    journaled: bool | None
    #: Bytes of the primary's disk, free and in all; None where the server does not tell.
    disk: tuple[float, float] | None
    #: Hours between the oldest and the newest entry of the oplog.
    oplog_hours: float | None


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """One collection, or what has its name."""

    #: `collection` or `view`.
    kind: str
    #: Names of indexes beside `_id` that refuse a second document of a value.
    unique: tuple[str, ...]
    validated: bool
    holds_documents: bool


def facts(mongo: Mongo) -> MongoFacts:
    """Ask the primary, or the mongos."""
    before = time.time()
    hello = mongo.client.admin.command("hello")
    after = time.time()
    there = hello["localTime"].replace(tzinfo=UTC).timestamp()
    return MongoFacts(
        where=mongo.where,
        version=tuple(mongo.client.server_info()["versionArray"][:3]),
        sharded=hello.get("msg") == "isdbgrid",
        members=len(hello.get("hosts", ())) + len(hello.get("passives", ())),
        arbiters=len(hello.get("arbiters", ())),
        clock_ahead=there - (before + after) / 2,
        clock_within=(after - before) / 2,
        journaled=_journaled(mongo),
        disk=disk(mongo),
        oplog_hours=_oplog_hours(mongo),
    )


def majority_seconds(mongo: Mongo, patience_seconds: float) -> float | None:
    """How long a majority takes to acknowledge; None: it did not within `patience_seconds`."""
    concern = WriteConcern("majority", wtimeout=int(patience_seconds * 1000))
    fences = mongo.database.get_collection(names.FENCES, write_concern=concern)
    started = time.monotonic()
    try:
        fences.update_one(NOBODY, {"$set": {"seq": 0}})
    except (errors.WTimeoutError, errors.NetworkTimeout):
        return None
    except errors.OperationFailure as error:
        raise verdict.failed(mongo.where, verdict.described(error)) from None
    return time.monotonic() - started


def refused_transaction(mongo: Mongo) -> str | None:
    """Carry out a transaction that matches nothing; None: it passed, else kind and code of the error."""
    primary = ReadPreference.PRIMARY
    try:
        with mongo.client.start_session() as session, session.start_transaction(read_preference=primary):
            mongo.database[names.FENCES].update_one(NOBODY, {"$set": {"seq": 0}}, session=session)
    except errors.PyMongoError as error:
        return verdict.described(error)
    return None


def missing_rights(mongo: Mongo, wanted: Mapping[str, Iterable[str]]) -> dict[str, list[str]] | None:
    """What our user may not do of `{collection ("" for the database): actions}`; None: nobody has to log in."""
    info = mongo.client.admin.command({"connectionStatus": 1, "showPrivileges": True})["authInfo"]
    if not info["authenticatedUsers"]:
        return None
    held = info["authenticatedUserPrivileges"]
    missing = {}
    for collection, actions in wanted.items():
        allowed = {
            action
            for privilege in held
            if _covers(privilege["resource"], mongo.database.name, collection)
            for action in privilege["actions"]
        }
        if lacking := sorted(set(actions) - allowed - ({*actions} if "anyAction" in allowed else set())):
            missing[collection] = lacking
    return missing


def _covers(resource: Mapping[str, Any], database: str, collection: str) -> bool:
    if resource.get("anyResource"):
        return True
    return resource.get("db") in ("", database) and resource.get("collection") in ("", collection)


def collection(mongo: Mongo, name: str) -> CollectionFacts | None:
    """What has this name; None when nothing has."""
    found = next(iter(mongo.database.list_collections(filter={"name": name})), None)
    if found is None:
        return None
    there = mongo.database[name]
    unique = () if found["type"] == "view" else tuple(
        label for label, index in there.index_information().items() if index.get("unique")
    )  # fmt: skip
    return CollectionFacts(
        found["type"], unique, bool(found["options"].get("validator")), there.find_one({}, {"_id": 1}) is not None
    )


def size(mongo: Mongo, name: str) -> int | None:
    """Bytes that a collection takes on disk with its indexes, 0 when there is none; None: no right to see it."""
    try:
        return int(mongo.database.command("collStats", name)["totalSize"])
    except errors.OperationFailure:
        return None


def _journaled(mongo: Mongo) -> bool | None:
    try:
        config = mongo.client.admin.command("replSetGetConfig")["config"]
    except errors.OperationFailure:  # behind a mongos, or no right to see it
        return None
    return bool(config.get("writeConcernMajorityJournalDefault", True))


def disk(mongo: Mongo) -> tuple[float, float] | None:
    """Bytes of the primary's disk, free and in all; None where the server does not tell."""
    try:
        said = mongo.database.command("dbStats")
    except errors.OperationFailure:
        return None
    total = float(said.get("fsTotalSize", 0))
    return (total - float(said["fsUsedSize"]), total) if total else None


def _oplog_hours(mongo: Mongo) -> float | None:
    oplog = mongo.client["local"]["oplog.rs"]
    try:
        first = oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        last = oplog.find_one({}, {"ts": 1}, sort=[("$natural", DESCENDING)])
    except errors.OperationFailure:
        return None
    if first is None or last is None:
        return None
    return float(last["ts"].time - first["ts"].time) / 3600
