"""
What is parked and why: one entry a document or record that cannot go on (design D8), for people and commands.

Entries are set and removed inside the step's transaction (`Commit.parked`), which `actors.parking` describes; here they
are only counted and looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncsvc.mongo import names
from syncsvc.mongo.client import Mongo


@dataclass(frozen=True, slots=True)
class Held:
    """One entry without its payload."""

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
    shown = {"where": 1, "reason": 1, "at": 1}
    found = mongo.database[names.PARKED].find(_of(pipeline, generation), shown).sort("at", 1).limit(limit)
    return [Held(entry["where"], entry["reason"], entry["at"].replace(tzinfo=UTC)) for entry in found]


def remove_all(mongo: Mongo, pipeline: str, generation: int) -> None:
    """Forget the entries of a generation that is given up."""
    mongo.database[names.PARKED].delete_many(_of(pipeline, generation))


def _of(pipeline: str, generation: int) -> dict[str, Any]:
    return {"pipeline": pipeline, "generation": generation}
