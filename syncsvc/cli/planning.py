"""
What `plan` shows and `apply` makes: topics, connectors, generations and collections, compared with what exists.

Asks Kafka, Kafka Connect and MongoDB, changes nothing.  Every difference is one `Item`; those that `apply` would refuse
carry their problems.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncsvc.cli import target
from syncsvc.engine import topics
from syncsvc.errors import Drift, Problem
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client, generations, names, namespaces
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings
from syncsvc.source import connection, connectors, servers
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings

CREATE, SAME, UPDATE, DIFFERS, LATER = "+", "=", "~", "!", "."


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a pipeline needs."""

    #: `+` is made, `=` is as it should be, `~` is changed, `!` differs and is refused, `.` is made by the worker.
    sign: str
    #: `topic`, `connector`, `generation`, `collection` or `view`.
    kind: str
    name: str
    #: For a person: what is made, or what differs.
    what: str
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        problems = [problem.as_dict() for problem in self.problems]
        return {"sign": self.sign, "kind": self.kind, "name": self.name, "what": self.what, "problems": problems}


def items(pipelines: Sequence[Pipeline], settings: Settings) -> list[Item]:
    """
    Everything the pipelines need, each thing once, in the order in which it is made.

    Raises:
        UsageFault: a setting is missing or wrong.
        Unreachable: one of the servers is not there.
    """
    mongo = target.open_mongo(settings)
    try:
        found: list[Item] = []
        for pipeline in pipelines:
            there = asyncio.run(_topics(pipeline, settings))
            found += _topic_items(pipeline, settings, there)
            found += _mongo_items(pipeline, mongo, there)
        found += _connector_items(pipelines, settings)
    finally:
        mongo.close()
    return sorted(dict.fromkeys(found), key=lambda item: item.kind == "connector")


async def _topics(pipeline: Pipeline, settings: Settings) -> dict[str, topics.TopicState]:
    wanted = prepare.wishes(pipeline, settings)
    async with topics.Topics(engine_settings(settings)) as admin:
        return await admin.describe([wanted.keyed.name, *wanted.sources])


def _topic_items(pipeline: Pipeline, settings: Settings, there: Mapping[str, topics.TopicState]) -> Iterable[Item]:
    wanted = prepare.wishes(pipeline, settings)
    for name, wish in sorted(wanted.sources.items()):
        state = there.get(name)
        if state is None:
            yield Item(CREATE, "topic", name, f"{_partitions(wish.partitions)}")
        else:
            yield Item(SAME, "topic", name, f"{_partitions(state.partitions)}")
    keyed, state = wanted.keyed, there.get(wanted.keyed.name)
    kept = f"kept for {settings.keyed_retention_hours:g} h"
    if state is None:
        yield Item(CREATE, "topic", keyed.name, f"{_partitions(keyed.partitions)}, {kept}")
        return
    problems = tuple(topics.check_topic(keyed, state))
    what = "; ".join(problem.what for problem in problems) or f"{_partitions(state.partitions)}, {kept}"
    yield Item(DIFFERS if problems else SAME, "topic", keyed.name, what, problems)


def _mongo_items(pipeline: Pipeline, mongo: client.Mongo, there: Mapping[str, topics.TopicState]) -> Iterable[Item]:
    existing = set(mongo.database.list_collection_names())
    targets = [view.target_collection for view in pipeline.each()]
    for name in (*targets, names.state_collection(pipeline.name, pipeline.generation)):
        yield Item(SAME if name in existing else CREATE, "collection", name, f"in {mongo.where}")
    held = generations.read(mongo, pipeline.name, pipeline.generation)
    label = f"{pipeline.name}/g{pipeline.generation}"
    if held is None:
        yield Item(LATER, "generation", label, "begins when the first worker starts")
    else:
        where = f"{mongo.where}, generation {label}"
        problems = tuple(generations.differences(held, _facts(pipeline, held, there), where))
        what = "; ".join(problem.what for problem in problems) or f"since {held.created:%Y-%m-%d %H:%M} UTC"
        yield Item(DIFFERS if problems else SAME, "generation", label, what, problems)
    if pipeline.publish == "view":
        yield from (_view_item(view, mongo) for view in pipeline.each())


def _view_item(pipeline: Pipeline, mongo: client.Mongo) -> Item:
    try:
        target = namespaces.view_target(mongo, pipeline.collection)
    except Drift as drift:
        return Item(DIFFERS, "view", pipeline.collection, drift.problems[0].what, drift.problems)
    if target == pipeline.target_collection:
        return Item(SAME, "view", pipeline.collection, f"shows {target}")
    now = "" if target is None else f", until then {target}"
    what = f"will show {pipeline.target_collection} when its first copy is complete{now}"
    return Item(LATER, "view", pipeline.collection, what)


def _facts(
    pipeline: Pipeline, held: generations.Generation, there: Mapping[str, topics.TopicState]
) -> generations.Generation:
    """The generation as a worker would want it now; a topic that is gone is told by its own item."""

    def now(name: str, otherwise: int) -> generations.TopicFacts:
        return generations.TopicFacts(name, "", there[name].partitions if name in there else otherwise)

    before = {topic.name: topic.partitions for topic in held.sources}
    told = channels(pipeline).values()
    sources = sorted([*map(pipeline.source_topic, pipeline.tables), *told])
    return generations.Generation(
        pipeline.name,
        pipeline.generation,
        pipeline.text_hash,
        prepare.formats(),
        generations.TopicFacts(pipeline.keyed_topic, "", pipeline.partitions),
        tuple(now(name, before.get(name, 1 if name in told else pipeline.source_partitions)) for name in sources),
    )


def _connector_items(pipelines: Sequence[Pipeline], settings: Settings) -> Iterable[Item]:
    if settings.connect_url is None:
        yield Item(LATER, "connector", "-", "SYNCSVC_CONNECT_URL is not set: nobody is asked, nothing is registered")
        return
    for wish in connector_wishes(pipelines, settings, settings.connect_url):
        tables = len(wish.config["table.include.list"].split(","))
        if wish.there is None:
            yield Item(CREATE, "connector", wish.name, f"{tables} tables")
        elif wish.changes:
            changes = ", ".join(f"{name}: {now} -> {wanted}" for name, (now, wanted) in sorted(wish.changes.items()))
            yield Item(UPDATE, "connector", wish.name, changes)
        else:
            yield Item(SAME, "connector", wish.name, f"{tables} tables")


def connector_wishes(pipelines: Sequence[Pipeline], settings: Settings, url: str) -> list[connectors.Wish]:
    """The connectors of the pipelines; asks the source which kind of server it is."""
    with servers.connected(pipelines, settings) as opened:
        kinds = {prefix: connection.server_kind(server) for prefix, server in opened.items()}
    return connectors.wishes(pipelines, settings, url, kinds)


def _partitions(count: int) -> str:
    return f"{count} partition{'s' if count != 1 else ''}"
