"""
Generations, collections, indexes and views as `plan` shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from syncsvc.cli.item import CREATE, DIFFERS, LATER, SAME, Item
from syncsvc.engine.topics import TopicState
from syncsvc.errors import Drift, Problem
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import generations, indexes, names, namespaces, published
from syncsvc.mongo.client import Mongo
from syncsvc.routing.schema_changes import channels
from syncsvc.wiring import prepare


def items(pipeline: Pipeline, mongo: Mongo, there: Mapping[str, TopicState]) -> Iterator[Item]:
    """Everything a pipeline has in MongoDB, in the order in which it is made."""
    existing = set(mongo.database.list_collection_names())
    held = generations.read(mongo, pipeline.name, pipeline.generation)
    state = names.state_collection(pipeline.name, pipeline.generation)
    yield Item(SAME if state in existing else CREATE, "collection", state, f"in {mongo.where}")
    for view in pipeline.each():
        if refused := prepare.name_problems(view, mongo):
            yield Item(DIFFERS, "collection", view.collection, refused[0].what, tuple(refused))
        yield _target(view, mongo, existing, begun=held is not None)
        for index in missing_indexes(view, mongo):
            yield Item(CREATE, "index", f"{view.target_collection}.{index.name}", f"as {index.source} has it")
    yield _generation(pipeline, mongo, held, there)
    if pipeline.publish == "view":
        yield from (_view(view, mongo) for view in pipeline.each())


def missing_indexes(pipeline: Pipeline, mongo: Mongo) -> list[indexes.Index]:
    """Indexes that readers have made on the collection they see now, and that the next one has not."""
    if pipeline.publish != "view":
        return []
    try:
        shown = namespaces.view_target(mongo, pipeline.collection)
    except Drift:  # told by the view's own item
        return []
    if shown is None or shown == pipeline.target_collection:
        return []
    return indexes.missing(mongo, shown, pipeline.target_collection)


def _target(pipeline: Pipeline, mongo: Mongo, existing: set[str], *, begun: bool) -> Item:
    name = pipeline.target_collection
    if name not in existing:
        return Item(CREATE, "collection", name, f"in {mongo.where}")
    if begun or pipeline.write == "merge" or not namespaces.holds_documents(mongo, name):
        return Item(SAME, "collection", name, f"in {mongo.where}")
    # Never dropped here: another pipeline may write it, or a person.
    what = "it holds documents, and this generation was never begun"
    fix = "drop it if an earlier life of the generation left it; else choose another `collection:`, or  write: merge"
    return Item(DIFFERS, "collection", name, what, (Problem("mongo.not_ours", f"{mongo.where}.{name}", what, fix),))


def _generation(
    pipeline: Pipeline, mongo: Mongo, held: generations.Generation | None, there: Mapping[str, TopicState]
) -> Item:
    label = f"{pipeline.name}/g{pipeline.generation}"
    if held is None:
        others = [f"g{one.number}" for one in generations.of_pipeline(mongo, pipeline.name)]
        beside = f", built beside {', '.join(others)}" if others else ""
        return Item(LATER, "generation", label, f"begins when the first worker starts{beside}")
    where = f"{mongo.where}, generation {label}"
    problems = tuple(generations.differences(held, _facts(pipeline, held, there), where))
    what = "; ".join(problem.what for problem in problems) or f"since {held.created:%Y-%m-%d %H:%M} UTC"
    return Item(DIFFERS if problems else SAME, "generation", label, what, problems)


def _view(pipeline: Pipeline, mongo: Mongo) -> Item:
    try:
        target = namespaces.view_target(mongo, pipeline.collection)
    except Drift as drift:
        return Item(DIFFERS, "view", pipeline.collection, drift.problems[0].what, drift.problems)
    if target == pipeline.target_collection:
        return Item(SAME, "view", pipeline.collection, f"shows {target}")
    shown = published.read(mongo, pipeline.collection)
    if shown is not None and shown.owner == pipeline.name and shown.withheld(pipeline.generation):
        what = f"shows {target} and goes on so; back only by  syncsvc publish {pipeline.path}"
        return Item(LATER, "view", pipeline.collection, what)
    now = "" if target is None else f", until then {target}"
    what = f"will show {pipeline.target_collection} when its first copy is complete{now}"
    return Item(LATER, "view", pipeline.collection, what)


def _facts(
    pipeline: Pipeline, held: generations.Generation, there: Mapping[str, TopicState]
) -> generations.Generation:
    """The generation as a worker would want it now; a topic that is gone is told by its own item."""

    def now(name: str, otherwise: int) -> generations.TopicFacts:
        if name not in there:
            return generations.TopicFacts(name, "", otherwise)
        return generations.TopicFacts(name, there[name].id, there[name].partitions)

    before = {topic.name: topic.partitions for topic in held.sources}
    told = channels(pipeline).values()
    sources = sorted([*map(pipeline.source_topic, pipeline.tables), *told])
    return generations.Generation(
        pipeline.name,
        pipeline.generation,
        pipeline.text_hash,
        prepare.formats(),
        replace(now(pipeline.keyed_topic, pipeline.partitions), partitions=pipeline.partitions),
        tuple(now(name, before.get(name, 1 if name in told else pipeline.source_partitions)) for name in sources),
    )
