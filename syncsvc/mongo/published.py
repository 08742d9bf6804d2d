"""
Names that readers use: which pipeline owns one, and which generation it shows.

One document a name, because a view alone can keep neither promise: a name has one owner, and it never goes back to an
older generation by itself.  A generation is shown by itself once, when it is the newest ever shown under the name;
after that only `choose`, a person's command, moves readers.  The document is the truth and the view follows it: where
two workers switch in the same moment, each looks again behind its own switch, so the last word is the document's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson.binary import Binary
from pymongo import errors

from syncsvc.errors import Drift, Problem
from syncsvc.mongo import names, namespaces
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.generations import Generation


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of one name."""

    collection: str
    #: Name of the pipeline that writes what it shows.
    owner: str
    #: Generation that readers see; None: none yet.
    generation: int | None
    #: The newest that they have ever seen; 0: none.
    highest: int
    #: Collection of `generation`.
    target: str | None

    def withheld(self, number: int) -> str | None:
        """Why a generation is not shown by itself: `older`, or `taken_back` by a person; None: it is or will be."""
        if self.generation is None or number == self.generation or number > self.highest:
            return None
        return "older" if number < self.generation else "taken_back"


def read(mongo: Mongo, collection: str) -> Published | None:
    """What is known of the name; None when nobody owns it."""
    found = mongo.database[names.COLLECTIONS].find_one({"_id": collection})
    return None if found is None else _published(found)


def of_owner(mongo: Mongo, pipeline: str) -> list[Published]:
    """Every name of a pipeline, sorted."""
    found = mongo.database[names.COLLECTIONS].find({"owner": pipeline}).sort("_id", 1)
    return [_published(document) for document in found]


def taken(mongo: Mongo, collection: str, pipeline: str) -> Problem | None:
    """What is wrong when another pipeline owns the name; one without any generation owns nothing any more."""
    held = read(mongo, collection)
    if held is None or held.owner == pipeline or not _alive(mongo, held.owner):
        return None
    what = f"pipeline {held.owner} writes this collection; {pipeline} would mix its documents with them"
    fix = (
        f"give {pipeline} another `collection:`; or, when {held.owner} is given up for good, end its workers and "
        f"remove its entries from {names.GENERATIONS}"
    )
    return Problem("mongo.other_pipeline", f"{mongo.where}.{collection}", what, fix)


def claim(mongo: Mongo, collection: str, generation: Generation) -> None:
    """
    Own the name from now on; to be called when the generation is written, so that an owner always has one.

    Raises:
        Drift: `mongo.other_pipeline`.
    """
    held = mongo.database[names.COLLECTIONS]
    ours = {"owner": generation.pipeline, "lineage": Binary.from_uuid(generation.lineage)}
    while True:
        before = held.find_one({"_id": collection})
        problem = taken(mongo, collection, generation.pipeline)
        if problem is not None:
            raise Drift.of([problem])
        try:
            if before is None:
                held.insert_one({"_id": collection, **ours, "highest": 0, "at": _now()})
                return
            # The lineage says that nobody has begun anew with the name since it was looked at.
            same = {"_id": collection, "owner": before["owner"], "lineage": before["lineage"]}
            if before["owner"] == generation.pipeline:
                done = held.update_one(same, {"$set": ours})
            else:
                done = held.replace_one(same, {**ours, "highest": 0, "at": _now()})
            if done.matched_count:
                return
        except errors.DuplicateKeyError:
            pass  # somebody was faster: looked at again


def offer(mongo: Mongo, collection: str, number: int, target: str, *, view: bool) -> Published:
    """
    Show a generation if it is newer than all that were shown; what holds afterwards.

    Args:
        target: collection of the generation.
        view: readers have a view, which is made to show what holds; else the collection itself.

    Raises:
        Drift: as `namespaces.view_target`.
    """
    held = mongo.database[names.COLLECTIONS]
    if view:
        _adopt(mongo, collection)
    shown = {"generation": number, "target": target, "highest": number, "at": _now()}
    held.update_one({"_id": collection, "highest": {"$lt": number}}, {"$set": shown})
    return _follow(mongo, collection, view=view)


def choose(mongo: Mongo, collection: str, number: int, target: str, *, view: bool) -> Published:
    """As `offer`, also back: a person wants it so.  No worker undoes it."""
    shown = {"$set": {"generation": number, "target": target, "at": _now()}, "$max": {"highest": number}}
    if view:
        _adopt(mongo, collection)
    mongo.database[names.COLLECTIONS].update_one({"_id": collection}, shown)
    return _follow(mongo, collection, view=view)


def forget(mongo: Mongo, collection: str, pipeline: str) -> None:
    """The pipeline owns the name no more."""
    mongo.database[names.COLLECTIONS].delete_one({"_id": collection, "owner": pipeline})


def _adopt(mongo: Mongo, collection: str) -> None:
    """A view from before names had documents: what it shows was shown."""
    target = namespaces.view_target(mongo, collection)
    prefix, _, number = (target or "").rpartition("__g")
    if target is not None and prefix == collection and number.isdigit():
        shown = {"generation": int(number), "target": target, "highest": int(number), "at": _now()}
        mongo.database[names.COLLECTIONS].update_one({"_id": collection, "highest": 0}, {"$set": shown})


def _follow(mongo: Mongo, collection: str, *, view: bool) -> Published:
    """Let the view show what the document says, until it says the same before and after."""
    wanted = read(mongo, collection)
    while wanted is not None and view and wanted.target is not None:
        namespaces.publish(mongo, collection, wanted.target)
        again = read(mongo, collection)
        if again == wanted:
            break
        wanted = again
    if wanted is None:
        raise Drift(
            code="generation.removed",
            where=f"{mongo.where}.{collection}",
            what="the name was given up while this process was about to show it",
            fix="start again",
        )
    return wanted


def _alive(mongo: Mongo, pipeline: str) -> bool:
    return mongo.database[names.GENERATIONS].find_one({"pipeline": pipeline}, {"_id": 1}) is not None


def _published(document: dict[str, Any]) -> Published:
    found = document.get("generation"), document["highest"], document.get("target")
    return Published(document["_id"], document["owner"], *found)


def _now() -> datetime:
    return datetime.now(UTC)
