"""
`syncsvc apply`: topics, collections and connectors of some pipelines, made or brought up to date.

Idempotent: what is as it should be is left alone.  Everything is compared before anything is made, so a refusal leaves
nothing half made.  The generation document is written by the first worker, when the source topics have their records.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import pipelines, target
from syncsvc.cli import plan as planned
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncsvc.mapping.model import Pipeline
    from syncsvc.settings import Settings

Wait = Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="Longest wait for the connector to run.")]


def apply(files: Files, wait: Wait = 60.0, format_: Output = Format.TABLE) -> None:
    """Make topics, collections and connectors; refuses (exit code 3) what exists and differs."""
    from syncsvc import settings
    from syncsvc.cli import planning

    loaded, given = pipelines.load(files), settings.read()
    found = planning.items(loaded, given)
    refused = [problem for item in found for problem in item.problems]
    if refused:
        raise Drift.of(refused)
    _make(loaded, given, wait)
    planned.show(found, format_)


def _make(loaded: Sequence[Pipeline], given: Settings, wait_seconds: float) -> None:
    from syncsvc.cli import planning
    from syncsvc.devstack import connectors as rest
    from syncsvc.mongo import names, namespaces
    from syncsvc.wiring import prepare
    from syncsvc.wiring.connections import engine_settings

    mongo = target.open_mongo(given)
    try:
        for pipeline in loaded:
            asyncio.run(prepare.topics(pipeline, given, engine_settings(given)))
            state = names.state_collection(pipeline.name, pipeline.generation)
            namespaces.ensure(mongo, [state, *(view.target_collection for view in pipeline.each())])
    finally:
        mongo.close()
    if given.connect_url is None:
        return
    # After the topics: Connect would make a missing one with its own number of partitions.
    for wish in planning.connector_wishes(loaded, given, given.connect_url):
        rest.register(given.connect_url, wish.name, wish.config, seconds=wait_seconds)
