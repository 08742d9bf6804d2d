"""
Indexes of readers, carried over to the collection of the next generation before anybody reads it.

A generation's collection is a new one: without this, readers who are switched to it would find their queries slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import errors

from syncsvc.mongo import verdict
from syncsvc.mongo.client import Mongo

#: What a server says of an index beside how it was asked for.
_SERVERS_OWN = ("v", "ns")


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a collection."""

    #: The collection that has it.
    source: str
    name: str
    #: As `createIndexes` takes it.
    specification: Mapping[str, Any]


def missing(mongo: Mongo, source: str, target: str) -> list[Index]:
    """Indexes that `source` has and `target` has not, by name; none where `source` does not exist."""
    have = {index["name"] for index in _all(mongo, target)}
    return [
        Index(source, index["name"], {key: value for key, value in index.items() if key not in _SERVERS_OWN})
        for index in _all(mongo, source)
        if index["name"] not in have and index["name"] != "_id_"
    ]


def create(mongo: Mongo, target: str, wanted: Iterable[Index]) -> None:
    """Make them; one that is there already is no error.  Raises Unreachable when the server refuses one."""
    specifications = [dict(index.specification) for index in wanted]
    if not specifications:
        return
    command = {"createIndexes": target, "indexes": specifications, "writeConcern": {"w": "majority"}}
    try:
        mongo.database.command(command)
    except errors.OperationFailure as error:
        raise verdict.failed(f"{mongo.where}.{target}", verdict.described(error)) from None


def _all(mongo: Mongo, collection: str) -> list[Mapping[str, Any]]:
    # Without the driver's own reading of it: options of newer servers pass as they are.
    try:
        return list(mongo.database[collection].list_indexes())
    except errors.OperationFailure as error:
        if error.code == 26:  # NamespaceNotFound
            return []
        raise verdict.failed(f"{mongo.where}.{collection}", verdict.described(error)) from None
