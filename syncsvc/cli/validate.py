"""
`syncsvc validate`: is the declaration right, and with `--live`, does the source agree with it?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncsvc.cli import output, pipelines
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import CheckFailed, Problem, UsageFault

if TYPE_CHECKING:
    from syncsvc.mapping.findings import Places
    from syncsvc.mapping.model import Embed, Pipeline

    Loaded = list[tuple[Pipeline, Places]]

Live = Annotated[
    bool,
    typer.Option("--live", help="Also ask the source (SYNCSVC_SOURCE_DSN) and Connect."),
]


def validate(files: Files, live: Live = False, format_: Output = Format.TABLE) -> None:
    """Check mapping files; every problem of every file in one run."""
    loaded = pipelines.load_with_places(files)
    if live:
        _check_source(loaded)
    found = [_summary(pipeline) for pipeline, _ in loaded]
    if format_ is Format.JSON:
        output.show_json({"pipelines": found, "live": live, "problems": []})
        return
    headings = ("file", "pipeline", "generation", "tables", "relations", "collection")
    output.show_table(headings, [[item[name] for name in headings] for item in found], numbers=("tables", "relations"))


def _summary(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "file": pipeline.path,
        "pipeline": pipeline.name,
        "generation": pipeline.generation,
        "tables": len(pipeline.tables),
        "relations": _relations(pipeline.embed),
        "collection": pipeline.target_collection,
    }


def _relations(embeds: tuple[Embed, ...]) -> int:
    return sum(1 + _relations(embed.embed) for embed in embeds)


def _check_source(loaded: Loaded) -> None:
    """
    Declared tables, binlog and connector.

    Raises:
        UsageFault: the declaration does not fit the tables, or a type is not carried.
        CheckFailed: the declaration fits, but the server or the connector would lose changes.
    """
    import contextlib

    from syncsvc import settings
    from syncsvc.source import connection

    given = settings.read()
    with contextlib.closing(connection.connect(given.source_address())) as opened:
        declared = _table_problems(loaded, opened)
        lossy = connection.binlog_problems(opened)
    if given.connect_url is not None:
        lossy += _connector_problems(given.connect_url, sorted({pipeline.topic_prefix for pipeline, _ in loaded}))
    if declared:
        raise UsageFault.of([*declared, *lossy])
    if lossy:
        raise CheckFailed.of(lossy)


def _table_problems(loaded: Loaded, opened: Any) -> list[Problem]:
    from syncsvc.changes import columns
    from syncsvc.mapping import live

    found: list[Problem] = []
    for pipeline, places in loaded:
        found += live.differences(pipeline.tables, live.introspect(opened, pipeline.tables), columns, places)
    return found


def _connector_problems(url: str, prefixes: list[str]) -> list[Problem]:
    """Of the connectors that `apply` would update; one that does not exist has no problem."""
    from syncsvc.changes import connector
    from syncsvc.source import connectors

    configs = [connectors.config(url, connectors.name_for(prefix)) for prefix in prefixes]
    return [problem for config in configs if config is not None for problem in connector.lossy_settings(config)]
