"""
Making collections and the view that readers use; everything here may be done twice, or by two processes at once.

Collections exist before the first step: creating one inside a transaction conflicts with other transactions.
"""

from __future__ import annotations

from collections.abc import Iterable

from pymongo import errors

from syncsvc.errors import Drift
from syncsvc.mongo import names, verdict
from syncsvc.mongo.client import Mongo

_NAMESPACE_EXISTS = 48


def ensure(mongo: Mongo, wanted: Iterable[str]) -> None:
    """Create those of the collections that do not exist, and those of the bookkeeping."""
    for name in (names.GENERATIONS, names.COLLECTIONS, names.FENCES, names.PARKED, *wanted):
        try:
            mongo.database.command({"create": name, "writeConcern": {"w": "majority"}})
        except errors.OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise verdict.failed_by(f"{mongo.where}.{name}", error) from None


def holds_documents(mongo: Mongo, collection: str) -> bool:
    """Whether there is a document in it."""
    return mongo.database[collection].find_one({}, {"_id": 1}) is not None


def view_target(mongo: Mongo, view: str) -> str | None:
    """
    Collection that the view shows; None when nothing has that name.

    Raises:
        Drift: `mongo.name_taken`, when a plain collection has it.
    """
    found = next(iter(mongo.database.list_collections(filter={"name": view})), None)
    if found is None:
        return None
    if found["type"] != "view":
        raise Drift(
            code="mongo.name_taken",
            where=f"{mongo.where}.{view}",
            what="readers are to get a view of this name, but a plain collection has it",
            fix="rename or drop that collection, choose another `collection:`, or declare  publish: direct",
        )
    target: str = found["options"]["viewOn"]
    return target


def publish(mongo: Mongo, view: str, target: str) -> str | None:
    """
    Let the view show `target`, in one atomic step; returns what it showed before (None: nothing).

    Raises:
        Drift: as `view_target`.
    """
    before = view_target(mongo, view)
    if before is None:
        try:
            mongo.database.command({"create": view, "viewOn": target, "pipeline": []})
        except errors.OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise verdict.failed_by(f"{mongo.where}.{view}", error) from None
            # Another process was faster: what it made is looked at as if it had been there.
            before = view_target(mongo, view)
    if before not in (None, target):
        mongo.database.command({"collMod": view, "viewOn": target, "pipeline": []})
    return before


def drop(mongo: Mongo, wanted: Iterable[str]) -> None:
    """Drop collections; one that does not exist is no error."""
    for name in wanted:
        mongo.database.drop_collection(name)
