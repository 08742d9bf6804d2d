"""
The generation document: what documents and state of a generation were made from, written once, compared at each start.

The first process writes it, all others (and all later starts) must find the same facts: a topic with other ids or
partition counts, another mapping or other routing code would continue a state that is not theirs (design D7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from bson.binary import Binary
from pymongo import errors

from syncsvc.errors import Drift, Problem
from syncsvc.mongo import names, parked
from syncsvc.mongo.client import Mongo


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as the generation found it."""

    name: str
    #: Kafka's own id of the topic (a uuid, printed): a topic made anew has another one; "" where it is not known.
    id: str
    partitions: int
    #: End offset of each partition when the generation began; () where nobody asks.
    ends: tuple[int, ...] = ()
    #: First offset of each partition then; () where nobody asks, and in generations of earlier editions.
    begins: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """All facts of one generation of one pipeline."""

    pipeline: str
    number: int
    mapping_hash: str
    #: Numbers of what may not change under a generation: `{"routing": 1, "fold": 1, "keyed": 1, ..}`.
    formats: Mapping[str, int]
    keyed: TopicFacts
    sources: tuple[TopicFacts, ...]
    #: Names this life of the generation; part of the stamp of local caches.
    lineage: UUID = field(default_factory=uuid4)
    created: datetime = field(default_factory=lambda: _now())

    @property
    def id(self) -> str:
        """`pipeline/g<number>`."""
        return f"{self.pipeline}/g{self.number}"


def claim(mongo: Mongo, wanted: Generation) -> Generation:
    """
    Write the generation if it does not exist; return the one that holds, with its offsets, `lineage` and `created`.

    Raises:
        Drift: every fact that differs, with the way out.
    """
    try:
        mongo.database[names.GENERATIONS].insert_one(_document(wanted))
    except errors.DuplicateKeyError:
        held = read(mongo, wanted.pipeline, wanted.number)
        if held is None:  # removed in this moment by `rebuild`: the next start makes it
            raise Drift(
                code="generation.removed",
                where=f"{mongo.where}, generation {wanted.id}",
                what="the generation was removed while this process started",
                fix="start again",
            ) from None
        return hold(mongo, held, wanted)
    return wanted


def hold(mongo: Mongo, held: Generation, wanted: Generation) -> Generation:
    """
    The generation that is there, when the facts of this start are its own.

    Raises:
        Drift: every fact that differs, with the way out.
    """
    if problems := differences(held, wanted, f"{mongo.where}, generation {wanted.id}"):
        raise Drift.of(problems)
    return held


def read(mongo: Mongo, pipeline: str, number: int) -> Generation | None:
    """The generation, or None."""
    found = mongo.database[names.GENERATIONS].find_one({"_id": f"{pipeline}/g{number}"})
    return _generation(found) if found else None


def of_pipeline(mongo: Mongo, pipeline: str) -> list[Generation]:
    """All generations of a pipeline, by number."""
    found = mongo.database[names.GENERATIONS].find({"pipeline": pipeline}).sort("number", 1)
    return [_generation(document) for document in found]


def remove(mongo: Mongo, pipeline: str, number: int) -> None:
    """Forget a generation: its document first, so that nobody starts it, then its fences and parked entries."""
    prefix = f"{pipeline}/g{number}"
    mongo.database[names.GENERATIONS].delete_one({"_id": prefix})
    mongo.database[names.FENCES].delete_many({"_id": {"$gte": f"{prefix}/", "$lt": f"{prefix}0"}})
    parked.remove_all(mongo, pipeline, number)


def differences(held: Generation, wanted: Generation, where: str) -> list[Problem]:
    """Every fact in which a start differs from the generation it wants to go on with; [] when none."""
    beside = f"raise `generation:` to {held.number + 1} to build beside it"
    unknown = [topic.name for topic in held.sources if len(topic.ends) != topic.partitions]
    facts: list[tuple[str, str, object, object]] = [
        ("generation.mapping_changed", "the mapping", held.mapping_hash, wanted.mapping_hash),
        *(
            ("generation.code_changed", f"number of the {part} code", held.formats.get(part), wanted.formats.get(part))
            for part in sorted({*held.formats, *wanted.formats})
        ),
        *_topic_facts([held.keyed, *held.sources], [wanted.keyed, *wanted.sources]),
    ]
    back = f"{beside}, or go back to what it was made with"
    found = [
        Problem("generation.no_ends", where, f"it is not recorded where the first copy of {name} ends", beside)
        for name in unknown
    ]
    return found + [
        Problem(code, where, f"{name} was {before} when the generation began and is {now}", back)
        for code, name, before, now in facts
        if before != now
    ]


def _topic_facts(held: Sequence[TopicFacts], wanted: Sequence[TopicFacts]) -> list[tuple[str, str, object, object]]:
    before, now = {topic.name: topic for topic in held}, {topic.name: topic for topic in wanted}
    facts: list[tuple[str, str, object, object]] = []
    for name in sorted({*before, *now}):
        one, other = before.get(name), now.get(name)
        if one is None or other is None:
            facts.append(("generation.topics_changed", f"topic {name}", _presence(one), _presence(other)))
        else:
            if one.id and other.id:  # a broker before 2.8 gives none, and earlier editions did not ask
                facts.append(("generation.topic_recreated", f"id of topic {name}", one.id, other.id))
            facts.append(("generation.partitions_changed", f"partitions of {name}", one.partitions, other.partitions))
    return facts


def _presence(topic: TopicFacts | None) -> str:
    return "used" if topic else "not used"


def _now() -> datetime:
    """Now, in whole milliseconds as MongoDB stores them, so that what is read equals what was written."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _document(generation: Generation) -> dict[str, Any]:
    return {
        "_id": generation.id,
        "pipeline": generation.pipeline,
        "number": generation.number,
        "mapping_hash": generation.mapping_hash,
        "formats": dict(generation.formats),
        "keyed": _topic_document(generation.keyed),
        "sources": [_topic_document(topic) for topic in generation.sources],
        "lineage": Binary.from_uuid(generation.lineage),
        "created": generation.created,
    }


def _topic_document(topic: TopicFacts) -> dict[str, Any]:
    found = {"name": topic.name, "id": topic.id, "partitions": topic.partitions, "ends": list(topic.ends)}
    return found | ({"begins": list(topic.begins)} if topic.begins else {})


def _topic(document: Mapping[str, Any]) -> TopicFacts:
    ends, begins = tuple(document["ends"]), tuple(document.get("begins", ()))
    return TopicFacts(document["name"], document["id"], document["partitions"], ends, begins)


def _generation(document: Mapping[str, Any]) -> Generation:
    return Generation(
        document["pipeline"],
        document["number"],
        document["mapping_hash"],
        document["formats"],
        _topic(document["keyed"]),
        tuple(_topic(topic) for topic in document["sources"]),
        document["lineage"].as_uuid(),
        document["created"].replace(tzinfo=UTC),
    )
