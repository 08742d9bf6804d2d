"""
What generations before the shown one have left: listed, and dropped.

Nothing is dropped that a running worker uses, and nothing of a generation as new as the shown one or newer.  Every step
may be done again, so a drop that was cut short goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from syncsvc.cli import members
from syncsvc.cli.item import LOSES, Item
from syncsvc.engine.topics import Topics
from syncsvc.errors import Drift, Problem
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations, names, namespaces, parked, published
from syncsvc.mongo.client import Mongo
from syncsvc.settings import Settings
from syncsvc.wiring.connections import engine_settings


def remains(pipeline: Pipeline, mongo: Mongo, settings: Settings) -> list[Item]:
    """
    Everything of older generations, each thing one item, in the order in which it is dropped.

    Raises:
        Drift: `rebuild.not_switched`, readers do not see the generation of the mapping; `rebuild.still_running`.
        Unreachable: one of the servers is not there.
    """
    _refuse_unswitched(pipeline, mongo)
    older = [replace(pipeline, generation=number) for number in range(1, pipeline.generation)]
    topics = asyncio.run(_topics(older, settings))
    existing = {*mongo.database.list_collection_names(), *topics}
    left = {one.generation: list(_of(one, mongo, existing)) for one in older}
    if used := [one for one in older if left[one.generation]]:
        asyncio.run(_refuse_running(used, settings))
    return [item for items in left.values() for item in items] + list(_names(pipeline, mongo))


def drop(pipeline: Pipeline, found: Sequence[Item], mongo: Mongo, settings: Settings) -> None:
    """Drops what was listed: first what a worker would begin with, so that none does meanwhile."""
    for item in found:
        if item.kind == "generation":
            generations.remove(mongo, pipeline.name, int(item.name.rpartition("/g")[2]))
    namespaces.drop(mongo, [item.name for item in found if item.kind in ("collection", "view")])
    for item in found:
        if item.kind == "view":
            published.forget(mongo, item.name, pipeline.name)

    async def delete() -> None:
        async with Topics(engine_settings(settings)) as topics:
            await topics.delete([item.name for item in found if item.kind == "topic"])

    asyncio.run(delete())


def _refuse_unswitched(pipeline: Pipeline, mongo: Mongo) -> None:
    problems = []
    for view in pipeline.each():
        held = published.read(mongo, view.collection)
        shown = None if held is None or held.owner != pipeline.name else held.generation
        if shown != pipeline.generation:
            seen = "nothing yet" if shown is None else f"generation {shown}"
            what = f"readers see {seen}, not generation {pipeline.generation} of {pipeline.path}"
            fix = f"wait for the switch:  syncsvc rebuild {pipeline.path} --watch"
            problems.append(Problem("rebuild.not_switched", f"{mongo.where}.{view.collection}", what, fix))
    if problems:
        raise Drift.of(problems)


async def _refuse_running(older: Iterable[Pipeline], settings: Settings) -> None:
    problems = []
    for one, hosts in await members.running(older, settings):
        what = f"workers of generation {one.generation} run on {hosts}"
        fix = "end them (TERM); they would go on writing what is dropped"
        problems.append(Problem("rebuild.still_running", f"group {one.group}", what, fix))
    if problems:
        raise Drift.of(problems)


async def _topics(older: Iterable[Pipeline], settings: Settings) -> set[str]:
    async with Topics(engine_settings(settings)) as topics:
        return set(await topics.describe([one.keyed_topic for one in older]))


def _of(one: Pipeline, mongo: Mongo, existing: set[str]) -> Iterator[Item]:
    """What is left of one generation; `existing`: names of collections and topics that are there."""
    number = one.generation
    marks = len(fences.read_fences(mongo, one.name, number))
    entries = parked.count(mongo, one.name, number)
    if marks or entries or generations.read(mongo, one.name, number) is not None:
        yield Item(LOSES, "generation", f"{one.name}/g{number}", f"{marks} fences and {entries} parked entries")
    for target in _targets(one, mongo):
        if target in existing:
            count = mongo.database[target].estimated_document_count()
            yield Item(LOSES, "collection", target, f"{count:,} documents of generation {number}")
    state = names.state_collection(one.name, number)
    if state in existing:
        yield Item(LOSES, "collection", state, f"join state of generation {number}")
    if one.keyed_topic in existing:
        yield Item(LOSES, "topic", one.keyed_topic, f"keyed log of generation {number}")


def _targets(one: Pipeline, mongo: Mongo) -> list[str]:
    """Collections of documents, also under names that the mapping has no more; none that is written in place."""
    if one.publish == "direct":
        return []
    owned = [held.collection for held in published.of_owner(mongo, one.name)]
    named = dict.fromkeys([*(view.collection for view in one.each()), *owned])
    return [replace(one, collection=name).target_collection for name in named]


def _names(pipeline: Pipeline, mongo: Mongo) -> Iterator[Item]:
    """Views for readers whose documents are dropped above, because the mapping has them no more."""
    declared = {view.collection for view in pipeline.each()}
    for held in published.of_owner(mongo, pipeline.name):
        gone = held.generation is not None and held.generation < pipeline.generation
        if held.collection not in declared and gone and pipeline.publish == "view":
            what = f"the mapping has it no more; shows generation {held.generation}"
            yield Item(LOSES, "view", held.collection, what)
