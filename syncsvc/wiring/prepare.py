"""
What has to exist before the first record is read: topics, the generation document, collections, the published name.

Idempotent and safe to run by several workers at once: what exists is compared, what is missing is made, the first one
to write the generation document wins.  Refuses what differs (exit code 3) before anything is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syncsvc.assembly import layout
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicState, TopicWish, check_topic
from syncsvc.engine.wire import Wire
from syncsvc.errors import Drift, Problem
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import generations, namespaces, published
from syncsvc.mongo.client import Mongo
from syncsvc.routing import records
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings

KEYED_RECORD_BYTES = 16 << 20  # a row may be as large as its document
#: Number of the routing and folding rules: raised when the same records would be routed or folded otherwise.
RULES = 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """The topics of a pipeline as they should be."""

    keyed: TopicWish
    #: As they are made when missing; an existing source topic is taken as it is.
    sources: Mapping[str, TopicWish]


def wishes(pipeline: Pipeline, settings: Settings) -> Wishes:
    """The topics a pipeline needs."""
    retention = str(int(settings.keyed_retention_hours * 3_600_000))
    keyed = TopicWish(
        pipeline.keyed_topic,
        pipeline.partitions,
        settings.replication_factor,
        {
            "cleanup.policy": "delete",
            "retention.ms": retention,
            "max.message.bytes": str(KEYED_RECORD_BYTES),
            # Retention counts from when we wrote, not from when the row changed in the source.
            "message.timestamp.type": "LogAppendTime",
        },
    )
    counts = {pipeline.source_topic(table): pipeline.source_partitions for table in pipeline.tables}
    counts |= dict.fromkeys(channels(pipeline).values(), 1)  # a connector writes all it tells of tables to the first
    # As Connect would make it: what is not kept cannot be copied again.
    kept = {"cleanup.policy": "delete", "retention.ms": "-1"}
    return Wishes(
        keyed, {name: TopicWish(name, count, settings.replication_factor, kept) for name, count in counts.items()}
    )


async def topics(pipeline: Pipeline, settings: Settings, engine: EngineSettings) -> dict[str, TopicState]:
    """
    Makes the missing topics of a pipeline; all of them as they are then, the keyed topic with them.

    Raises:
        Drift: when an existing keyed topic differs from what the pipeline declares.
    """
    wanted = wishes(pipeline, settings)
    async with Topics(engine) as admin:
        there = await admin.describe([wanted.keyed.name, *wanted.sources])
        problems: list[Problem] = []
        if wanted.keyed.name in there:
            problems = check_topic(wanted.keyed, there[wanted.keyed.name])
        if problems:
            raise Drift.of(problems)
        missing = [wish for name, wish in wanted.sources.items() if name not in there]
        if wanted.keyed.name not in there:
            missing.append(wanted.keyed)
        await admin.create(missing)
        return await admin.describe([wanted.keyed.name, *wanted.sources])


def formats() -> dict[str, int]:
    """Numbers of everything stored or sent; a generation is read only by code that knows its numbers."""
    return {"rules": RULES, "records": records.FORMAT, "state": layout.FORMAT}


async def refuse_taken(pipeline: Pipeline, mongo: Mongo) -> None:
    """
    Refuses names that readers use for the documents of another pipeline; asked before anything is made.

    Raises:
        Drift: `mongo.other_pipeline`, for each of them; `generation.superseded`.
    """
    found = [problem for view in pipeline.each() for problem in await asyncio.to_thread(name_problems, view, mongo)]
    if found:
        raise Drift.of(found)


def name_problems(view: Pipeline, mongo: Mongo) -> list[Problem]:
    """Why a kind of document cannot be written under its name; [] when it can.  Blocking."""
    if problem := published.taken(mongo, view.collection, view.name):
        return [problem]
    held = published.read(mongo, view.collection)
    if view.publish == "view" or held is None or held.owner != view.name or not held.withheld(view.generation):
        return []
    # Without a view there is no second set of documents: an older worker would write the old form over the new one.
    what = f"readers see generation {held.generation} in this collection; {view.generation} would write over it"
    fix = f"run the mapping of generation {held.generation}; to go back on purpose:  syncsvc publish {view.path}"
    return [Problem("generation.superseded", f"{mongo.where}.{view.collection}", what, fix)]


async def generation(
    pipeline: Pipeline, there: Mapping[str, TopicState], mongo: Mongo, engine: EngineSettings
) -> generations.Generation:
    """
    The generation of a pipeline: the one that is there, or a new one that ends its first copy where the topics end now.

    Raises:
        Drift: when the mapping, the code or a topic is not what the generation was made with, or another pipeline owns
            one of its collections.
    """
    sources = sorted(there.keys() - {pipeline.keyed_topic})
    wanted = generations.Generation(
        pipeline.name,
        pipeline.generation,
        pipeline.text_hash,
        formats(),
        generations.TopicFacts(pipeline.keyed_topic, there[pipeline.keyed_topic].id, pipeline.partitions),
        tuple(generations.TopicFacts(name, there[name].id, there[name].partitions) for name in sources),
    )
    held = await asyncio.to_thread(generations.read, mongo, pipeline.name, pipeline.generation)
    if held is not None:  # and is not written again: it may be removed in this moment, and we do not know its ends
        claimed = await asyncio.to_thread(generations.hold, mongo, held, wanted)
    else:
        wanted = replace(wanted, sources=await _bounded(pipeline, wanted.sources, mongo, engine))
        claimed = await asyncio.to_thread(generations.claim, mongo, wanted)
    for view in pipeline.each():
        await asyncio.to_thread(published.claim, mongo, view.collection, claimed)
        if pipeline.publish == "direct":  # what is written here is seen at once
            await asyncio.to_thread(
                published.offer, mongo, view.collection, view.generation, view.target_collection, view=False
            )
    return claimed


async def _bounded(
    pipeline: Pipeline, sources: Sequence[generations.TopicFacts], mongo: Mongo, engine: EngineSettings
) -> tuple[generations.TopicFacts, ...]:
    """The source topics with the bounds they have now; raises as `_refuse_leftovers`."""
    wire = Wire(engine, "syncsvc.prepare")
    try:
        await wire.start([*(topic.name for topic in sources), pipeline.keyed_topic])
        tps = [TP(topic.name, number) for topic in sources for number in range(topic.partitions)]
        begins, ends = await wire.beginning_offsets(tps), await wire.end_offsets(tps)
        await _refuse_leftovers(pipeline, mongo, wire)
    finally:
        await wire.stop()

    def of(topic: generations.TopicFacts, offsets: Mapping[TP, int]) -> tuple[int, ...]:
        return tuple(offsets[TP(topic.name, number)] for number in range(topic.partitions))

    return tuple(replace(topic, ends=of(topic, ends), begins=of(topic, begins)) for topic in sources)


async def _refuse_leftovers(pipeline: Pipeline, mongo: Mongo, wire: Wire) -> None:
    """
    Refuses to begin a generation on what another life of it has left behind.

    Old keyed records would be taken for this generation's, and documents nobody writes any more would stay for ever.
    """
    keyed = [TP(pipeline.keyed_topic, number) for number in range(pipeline.partitions)]
    records = sum((await wire.end_offsets(keyed)).values())
    holding = [view.target_collection for view in pipeline.each() if pipeline.write == "replace"]  # else not only ours
    documents = [name for name in holding if await asyncio.to_thread(namespaces.holds_documents, mongo, name)]
    if not (records or documents):
        return
    if await asyncio.to_thread(generations.read, mongo, pipeline.name, pipeline.generation) is not None:
        return  # another worker has begun it in this moment
    what = f"topic {pipeline.keyed_topic} holds records" if records else f"{documents[0]} holds documents"
    raise Drift(
        code="generation.leftovers",
        where=f"{mongo.where}, generation {pipeline.name}/g{pipeline.generation}",
        what=f"there is no such generation, but {what}",
        fix="raise `generation` in the mapping, or delete the topic and drop the collection of the earlier life",
    )


def ends_of(found: generations.Generation) -> dict[TP, int]:
    """`{source partition: end offset when the generation began}`."""
    return {TP(topic.name, number): end for topic in found.sources for number, end in enumerate(topic.ends)}


def begins_of(found: generations.Generation) -> dict[TP, int]:
    """`{partition: first offset the generation has to read}`; a source partition is missing where it is not known."""
    begins = {TP(topic.name, number): first for topic in found.sources for number, first in enumerate(topic.begins)}
    # We made the keyed topic for this generation, and it was empty.
    return begins | {TP(found.keyed.name, number): 0 for number in range(found.keyed.partitions)}
