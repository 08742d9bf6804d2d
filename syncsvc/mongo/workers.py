"""
What workers tell each other: one document a worker, `{_id, format, at, status}`, written again every few seconds.

This is for people who look, never for a decision of the service: who owns a partition is said by the fences alone.
So it is as cheap as a write can be: no transaction, no majority, no journal; the server keeps the difference to the
document before, which in a quiet pipeline is one date.  Times are the server's (`$$NOW`), so clocks of machines do not
matter.  A worker that leaves removes its document; that of one that was killed stays, older and older, until any other
one removes it (not an index: the right to make one is more than the service needs otherwise).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pymongo
from pymongo import ReadPreference, errors
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from syncsvc.mongo import names
from syncsvc.mongo.client import Document, Mongo

#: Number of the stored form of a status.
FORMAT = 1
#: How long a dead worker is shown, seconds: long enough for who comes to look, short enough for pods with new names.
KEPT_SECONDS = 3600
_QUICK = WriteConcern(w=1)
#: What takes longer is not worth waiting for, and the last word is on the way of a stop: a pod has 60 s for all of it.
QUICK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker told."""

    instance: str
    #: Seconds since, by the server's clock.
    age_seconds: float
    #: None when it was stored by code that stores another way.
    status: Mapping[str, Any] | None


def forget_dead(mongo: Mongo) -> None:
    """Remove documents of those who told nothing for KEPT_SECONDS; to be called now and then."""
    oldest = {"$subtract": ["$$NOW", KEPT_SECONDS * 1000]}
    _collection(mongo).delete_many({"$expr": {"$lt": ["$at", oldest]}})


def tell(mongo: Mongo, instance: str, status: Mapping[str, Any]) -> None:
    """Replace this worker's document."""
    stage = {"$replaceWith": {"_id": instance, "format": FORMAT, "at": "$$NOW", "status": {"$literal": status}}}
    with pymongo.timeout(QUICK_SECONDS):
        _collection(mongo).update_one({"_id": instance}, [stage], upsert=True)


def told(mongo: Mongo, but: str) -> list[Told]:
    """What all others told, by name."""
    stages: list[dict[str, Any]] = [
        {"$match": {"_id": {"$ne": but}}},
        {"$sort": {"_id": 1}},
        {"$set": {"age_ms": {"$subtract": ["$$NOW", "$at"]}}},
    ]
    return [
        Told(found["_id"], found["age_ms"] / 1000, found["status"] if found["format"] == FORMAT else None)
        for found in _collection(mongo).aggregate(stages)
    ]


def leave(mongo: Mongo, instance: str) -> None:
    """Remove this worker's document; when the server is away it grows old by itself."""
    try:
        with pymongo.timeout(QUICK_SECONDS):
            _collection(mongo).delete_one({"_id": instance})
    except errors.PyMongoError:
        return


def _collection(mongo: Mongo) -> Collection[Document]:
    return mongo.database.get_collection(
        names.WORKERS, write_concern=_QUICK, read_concern=ReadConcern("local"), read_preference=ReadPreference.PRIMARY
    )
