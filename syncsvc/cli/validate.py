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
    from collections.abc import Mapping

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
        "relations": sum(_relations(view.embed) for view in pipeline.each()),
        "collection": ", ".join(view.target_collection for view in pipeline.each()),
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
    from syncsvc import settings
    from syncsvc.source import connection, servers

    given = settings.read()
    all_of_them = [pipeline for pipeline, _ in loaded]
    with servers.connected(all_of_them, given) as opened:
        declared = _table_problems(loaded, opened)
        each = {id(server): server for server in opened.values()}
        lossy = [problem for server in each.values() for problem in connection.binlog_problems(server)]
    if given.connect_url is not None:
        lossy += _connector_problems(given.connect_url, servers.prefixes(all_of_them))
    if declared:
        raise UsageFault.of([*declared, *lossy])
    if lossy:
        raise CheckFailed.of(lossy)


def _table_problems(loaded: Loaded, opened: Mapping[str, Any]) -> list[Problem]:
    from syncsvc.changes import columns
    from syncsvc.mapping import delete_rules, live
    from syncsvc.source import servers

    found: list[Problem] = []
    for pipeline, places in loaded:
        for prefix, tables in servers.tables_by_prefix(pipeline).items():
            server = opened[prefix]
            found += live.differences(tables, live.introspect(server, tables), columns, places)
            if prefix == pipeline.topic_prefix:
                found += delete_rules.differences(pipeline, delete_rules.introspect(server, tables), places)
    return found


def _connector_problems(url: str, prefixes: list[str]) -> list[Problem]:
    """Of the connectors that `apply` would update; one that does not exist has no problem."""
    from syncsvc.changes import connector
    from syncsvc.source import connectors

    configs = [connectors.config(url, connectors.name_for(prefix)) for prefix in prefixes]
    return [problem for config in configs if config is not None for problem in connector.lossy_settings(config)]
