"""
What is parked and why: one entry a document or record that cannot go on (design D8), for people and commands.

Entries are set and removed inside the step's transaction (`Commit.parked`), which `actors.parking` describes; here they
are only counted and looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from syncsvc.mongo import names
from syncsvc.mongo.client import Mongo


@dataclass(frozen=True, slots=True)
class Held:
    """One entry without its payload."""

    #: Holds the key of a document: for commands, never for the page (see `handle`).
    id: str
    #: `record` or `document`.
    kind: str
    #: `topic[partition]@offset`.
    where: str
    #: Code of the problem.
    reason: str
    since: datetime


def count(mongo: Mongo, pipeline: str, generation: int) -> int:
    """How many entries a generation has."""
    return mongo.database[names.PARKED].count_documents(_of(pipeline, generation))


def oldest(mongo: Mongo, pipeline: str, generation: int, *, limit: int) -> list[Held]:
    """The oldest entries of a generation, oldest first."""
    shown = {"where": 1, "reason": 1, "at": 1, "kind": 1}
    found = mongo.database[names.PARKED].find(_of(pipeline, generation), shown).sort("at", 1).limit(limit)
    return [
        Held(entry["_id"], entry["kind"], entry["where"], entry["reason"], entry["at"].replace(tzinfo=UTC))
        for entry in found
    ]


def handle(identity: str, lineage: UUID) -> str:
    """
    What the page calls an entry: 16 hex digits that say nothing of the document's key, which the id holds.

    Keyed with the lineage of the generation, so that nobody finds the key by trying all.
    """
    return blake2b(identity.encode(), key=lineage.bytes, digest_size=8).hexdigest()


def ids(mongo: Mongo, pipeline: str, generation: int) -> Iterator[str]:
    """Ids of all entries of a generation, oldest first."""
    for entry in mongo.database[names.PARKED].find(_of(pipeline, generation), {"_id": 1}).sort("at", 1):
        yield entry["_id"]


def remove_all(mongo: Mongo, pipeline: str, generation: int) -> None:
    """Forget the entries of a generation that is given up."""
    mongo.database[names.PARKED].delete_many(_of(pipeline, generation))


def _of(pipeline: str, generation: int) -> dict[str, Any]:
    return {"pipeline": pipeline, "generation": generation}
