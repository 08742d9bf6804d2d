"""
`syncsvc apply`: topics, collections, indexes and connectors of some pipelines, made or brought up to date.

Idempotent: what is as it should be is left alone.  Everything is compared before anything is made, so a refusal leaves
nothing half made; what loses something is done only with --yes, and no topic that running workers use is deleted.  The
generation document is written by the first worker, when the source topics have their records.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import pipelines, target
from syncsvc.cli import plan as planned
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import Drift, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncsvc.cli.item import Item
    from syncsvc.mapping.model import Pipeline
    from syncsvc.settings import Settings

Wait = Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="Longest wait for the connector to run.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Also do what loses something: lines that plan marks with -.")]


def apply(files: Files, yes: Yes = False, wait: Wait = 60.0, format_: Output = Format.TABLE) -> None:
    """Do what plan shows; refuses (exit code 3) what differs and cannot be mended, and losses without --yes."""
    from syncsvc import settings
    from syncsvc.cli import planning

    loaded, given = pipelines.load(files), settings.read()
    found = planning.items(loaded, given)
    refuse(found, losses=yes)
    refuse_running(loaded, given, found)
    make(loaded, given, wait, found)
    planned.show(found, format_)


def refuse(found: Sequence[Item], *, losses: bool) -> None:
    """
    What stands in the way, before anything is made.

    Args:
        losses: what loses something was asked for.

    Raises:
        Drift: with all of it.
    """
    refused = [problem for item in found for problem in item.problems]
    refused += [] if losses else [_unasked(item) for item in found if item.destructive]
    if refused:
        raise Drift.of(refused)


def _unasked(item: Item) -> Problem:
    return Problem(
        "apply.loses", f"{item.kind} {item.name}", item.what, "look at  syncsvc plan,  then  syncsvc apply --yes"
    )


def refuse_running(loaded: Sequence[Pipeline], given: Settings, found: Sequence[Item]) -> None:
    """
    No keyed topic goes while workers read and write it, whatever MongoDB says of their generation.

    Raises:
        Drift: `apply.still_running`, with every such pipeline.
        Unreachable: Kafka is not there, or does not let us see the group.
    """
    from syncsvc.cli import members

    dropped = {item.name for item in found if item.kind == "topic" and item.step == "drop"}
    using = [pipeline for pipeline in loaded if pipeline.keyed_topic in dropped]
    if not using:
        return
    problems = []
    for pipeline, hosts in asyncio.run(members.running(using, given)):
        what = f"workers run on {hosts}, and topic {pipeline.keyed_topic}, which they use, would be deleted"
        fix = (
            "see that SYNCSVC_MONGO_URI and SYNCSVC_MONGO_DATABASE are those of the workers; "
            "if the topic is to go all the same, end the workers (TERM) first"
        )
        problems.append(Problem("apply.still_running", f"group {pipeline.group}", what, fix))
    if problems:
        raise Drift.of(problems)


def make(loaded: Sequence[Pipeline], given: Settings, wait_seconds: float, found: Sequence[Item]) -> None:
    """Topics, collections, indexes, then connectors; `found` has been refused by neither of the above."""
    from syncsvc.cli import mongo_items, planning
    from syncsvc.devstack import connectors as rest
    from syncsvc.mongo import indexes, names, namespaces
    from syncsvc.wiring import prepare
    from syncsvc.wiring.connections import engine_settings

    mongo = target.open_mongo(given)
    try:
        asyncio.run(_prepare_topics(found, given))
        for pipeline in loaded:
            asyncio.run(prepare.topics(pipeline, given, engine_settings(given)))
            state = names.state_collection(pipeline.name, pipeline.generation)
            namespaces.ensure(mongo, [state, *(view.target_collection for view in pipeline.each())])
            for view in pipeline.each():
                indexes.create(mongo, view.target_collection, mongo_items.missing_indexes(view, mongo))
    finally:
        mongo.close()
    if given.connect_url is None:
        return
    # After the topics: Connect would make a missing one with its own number of partitions.
    for wish in planning.connector_wishes(loaded, given, given.connect_url):
        rest.register(given.connect_url, wish.name, wish.config, seconds=wait_seconds)


async def _prepare_topics(found: Sequence[Item], given: Settings) -> None:
    """Topics that are altered in place, and those that are deleted to be made anew."""
    from syncsvc.engine.topics import Topics
    from syncsvc.wiring.connections import engine_settings

    chosen = [item for item in found if item.kind == "topic" and item.step]
    if not chosen:
        return
    async with Topics(engine_settings(given)) as topics:
        for item in chosen:
            if item.step == "drop":
                await topics.delete([item.name])
            else:
                await topics.alter(item.name, {setting: wanted for setting, _, wanted in item.changes})
