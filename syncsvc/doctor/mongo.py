"""
MongoDB: can it hold documents, state and offset in one transaction, may our user write them, and are the names ours?
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from syncsvc.doctor import clock
from syncsvc.doctor.finding import Finding, fail, failed, ok, warn
from syncsvc.errors import Drift
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import generations, health, names, namespaces
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.health import CollectionFacts, MongoFacts
from syncsvc.settings import Settings
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import open_mongo

#: Transactions of any size; what the tests run on; a majority slower than this is felt in every change.
LEAST_VERSION, TESTED_VERSION = (4, 4), (6, 0)
MAJORITY_PATIENCE_SECONDS, SLOW_MAJORITY_SECONDS = 5.0, 0.25
FEW_SPACE, NEXT_TO_NO_SPACE = 0.1, 0.02  # of the disk
SHORT_OPLOG_HOURS = 24.0
WRITE = ("find", "insert", "update", "remove", "createCollection")
VIEW = ("find", "createCollection", "collMod")


def look(pipelines: Sequence[Pipeline], settings: Settings) -> Iterator[Finding]:
    """The deployment, the rights of our user and the names that the pipelines use."""
    with contextlib.closing(open_mongo(settings)) as mongo:
        found = health.facts(mongo)
        yield from deployment(found)
        missing = health.missing_rights(mongo, _needs(pipelines))
        yield rights(mongo.where, missing)
        if not missing:  # else what follows would be refused for want of them
            yield majority(mongo.where, health.majority_seconds(mongo, MAJORITY_PATIENCE_SECONDS))
            yield transaction(mongo.where, health.refused_transaction(mongo))
        for pipeline in pipelines:
            yield from _generation(pipeline, mongo)
            yield from _names(pipeline, mongo)


def deployment(found: MongoFacts) -> Iterator[Finding]:
    """Everything that is judged from the server's own words."""
    yield version(found)
    yield from members(found)
    yield clock.finding("mongo.clock", found.where, found.clock_ahead, found.clock_within)
    if found.journaled is False:
        what = "writeConcernMajorityJournalDefault=false: an acknowledged transaction may be lost by a power cut"
        fix = "set it to true in the replica set's configuration (rs.reconfig)"
        yield fail("mongo.journal", found.where, what, fix)
    if found.disk is not None:
        yield space(found.where, *found.disk)
    if found.oplog_hours is not None:
        yield oplog(found)


def version(found: MongoFacts) -> Finding:
    """Large transactions, and a version somebody still mends."""
    name = f"MongoDB {'.'.join(map(str, found.version))}"
    if found.version < LEAST_VERSION:
        what = f"{name}: its transactions are too small or missing"
        return fail("mongo.version", found.where, what, "upgrade to 6.0 or later")
    if found.version < TESTED_VERSION:
        what = f"{name} is older than what syncsvc is tested with (6.0)"
        return warn("mongo.version", found.where, what, "plan its upgrade")
    return ok("mongo.version", found.where, name)


def members(found: MongoFacts) -> Iterator[Finding]:
    """Enough members that one may be away."""
    check, where = "mongo.members", found.where
    if found.sharded:
        yield ok(check, where, "behind a mongos")
    elif found.members == 1:
        what = "a replica set of one member: while it is down nothing is written, and its disk is the only copy"
        yield warn(check, where, what, "three members in production; fine on a laptop")
    elif found.arbiters or found.members == 2:
        what = f"{found.members} members with data, {found.arbiters} arbiters: one of them down, and nothing is durable"
        yield warn(check, where, what, "three members that hold data")
    else:
        yield ok(check, where, f"{found.members} members with data")


def majority(where: str, seconds: float | None) -> Finding:
    """A majority acknowledges; every transaction waits for it."""
    check, fix = "mongo.majority", "look at rs.status(): members that are down or behind"
    if seconds is None:
        what = f"no majority acknowledged within {MAJORITY_PATIENCE_SECONDS:g} s: no transaction can be durable"
        return fail(check, where, what, fix)
    what = f"a majority acknowledges in {seconds * 1000:.0f} ms"
    return warn(check, where, f"{what}, and every step waits for it", fix) if seconds > SLOW_MAJORITY_SECONDS else ok(
        check, where, what
    )  # fmt: skip


def transaction(where: str, refusal: str | None) -> Finding:
    """The one thing that every step is."""
    if refusal is None:
        return ok("mongo.transaction", where, "a transaction passes")
    fix = "look the code up in the server's log; documents, state and offset are written in transactions only"
    return fail("mongo.transaction", where, f"a transaction is refused: {refusal}", fix)


def rights(where: str, missing: dict[str, list[str]] | None) -> Finding:
    """Our user may do what a worker does."""
    check = "mongo.rights"
    if missing is None:
        fix = "start mongod with --auth and give syncsvc a user with readWrite on its database; fine on a laptop"
        return warn(check, where, "nobody has to log in: whoever reaches the port may write", fix)
    if not missing:
        return ok(check, where, "enough for all collections of these pipelines")
    told = "; ".join(f"{name or 'the database'}: {', '.join(actions)}" for name, actions in missing.items())
    fix = "grant it readWrite and dbAdmin on the database, or these actions"
    return fail(check, where, f"the user may not  {told}", fix)


def _needs(pipelines: Sequence[Pipeline]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {"": ("listCollections",)}
    found |= dict.fromkeys((names.GENERATIONS, names.COLLECTIONS, names.FENCES, names.PARKED), WRITE)
    for pipeline in pipelines:
        found[names.state_collection(pipeline.name, pipeline.generation)] = WRITE
        for view in pipeline.each():
            found[view.target_collection] = WRITE
            if pipeline.publish == "view":
                found[view.collection] = VIEW
    return found


def space(where: str, free: float, total: float) -> Finding:
    """Room on the primary's disk."""
    what = f"{free / (1 << 30):.1f} of {total / (1 << 30):.0f} GiB free on its disk"
    fix = "enlarge the disk; state and documents of a new generation stand beside the old ones"
    if free < NEXT_TO_NO_SPACE * total:
        return fail("mongo.space", where, what, fix)
    return warn("mongo.space", where, what, fix) if free < FEW_SPACE * total else ok("mongo.space", where, what)


def oplog(found: MongoFacts) -> Finding:
    """How long a member may be away, and how far back a reader of a change stream may resume."""
    hours = found.oplog_hours or 0.0
    what = f"the oplog reaches back {hours:.1f} h"
    if hours < SHORT_OPLOG_HOURS and found.members > 1:
        return warn(
            "mongo.oplog", found.where, f"{what}: a member that is away for longer has to be copied anew",
            "enlarge it: replSetResizeOplog, or minRetentionHours; on a young deployment look again tomorrow",
        )  # fmt: skip
    return ok("mongo.oplog", found.where, what)


def _generation(pipeline: Pipeline, mongo: Mongo) -> Iterator[Finding]:
    """The generation that is there was made with this mapping and this code; topics are Kafka's part."""
    held = generations.read(mongo, pipeline.name, pipeline.generation)
    label = f"{pipeline.name}/g{pipeline.generation}"
    if held is None:
        yield ok("mongo.generation", label, "not begun: the first worker begins it")
        return
    same = generations.Generation(
        held.pipeline, held.number, pipeline.text_hash, prepare.formats(), held.keyed, held.sources
    )
    problems = generations.differences(held, same, f"{mongo.where}, generation {label}")
    yield from failed("mongo", problems) or [
        ok("mongo.generation", label, f"since {held.created:%Y-%m-%d %H:%M} UTC, with this mapping")
    ]


def _names(pipeline: Pipeline, mongo: Mongo) -> Iterator[Finding]:
    """Collections and views: free, or ours."""
    begun = generations.read(mongo, pipeline.name, pipeline.generation) is not None
    for view in pipeline.each():
        yield target(view.target_collection, health.collection(mongo, view.target_collection), pipeline, begun=begun)
        if pipeline.publish == "view":
            try:
                shown = namespaces.view_target(mongo, view.collection)
            except Drift as drift:
                yield from failed("mongo", drift.problems)
            else:
                what = "free" if shown is None else f"a view on {shown}"
                yield ok("mongo.view", view.collection, what)


def target(name: str, found: CollectionFacts | None, pipeline: Pipeline, *, begun: bool) -> Finding:
    """A collection that documents are to go to; `begun`: the generation is there, so it is ours."""
    check = "mongo.target"
    if found is None:
        return ok(check, name, "free")
    if found.kind == "view":
        fix = "rename or drop that view, or choose another `collection:`"
        return fail(check, name, "a view has the name of the collection that is to be written", fix)
    if found.holds_documents and not begun and pipeline.write == "replace":
        what = "it holds documents, and the generation was never begun: they are somebody else's, or left over"
        return fail(check, name, what, "raise `generation`, or drop the collection")
    unique = [index for index in found.unique if index != "_id_"]
    if unique or found.validated:
        cause = f"unique indexes ({', '.join(unique)})" if unique else "a validator"
        what = f"it has {cause}: a document that it refuses is parked"
        return warn(check, name, what, "drop it, unless that is what you want")
    return ok(check, name, "ours" if begun else "empty")
