"""
`syncsvc status`: how far every partition of every pipeline is, with or without running workers.

Exit code 3 when a fence is outside its log, as `syncsvc offsets` has it: no worker can go on from there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import durations, output, pipelines, target
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Group

    from syncsvc.cli.standing import Partition, Standing

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")]
Every = Annotated[float, typer.Option("--every", min=0.2, metavar="SECONDS", help="Pause of --watch.")]


def status(files: Files, watch: Watch = False, every: Every = 2.0, format_: Output = Format.TABLE) -> int:
    """Show state, lag and parked entries: fences in MongoDB against the logs.  Exit code 3 when records are lost."""
    from syncsvc import settings
    from syncsvc.cli import standing, watching

    loaded, given = pipelines.load(files), settings.read()
    with contextlib.closing(target.open_mongo(given)) as mongo:

        def look() -> list[Standing]:
            return standing.standings(loaded, mongo, given)

        if watch:
            watching.watch(look, every, format_)  # until Ctrl-C; raises Drift where records are lost
            return 0
        found = look()
    _show(found, format_)
    return Drift.exit_code if any(one.lost for one in found) else 0


def _show(found: Sequence[Standing], format_: Format) -> None:
    if format_ is Format.JSON:
        output.show_json({"pipelines": [standing.as_dict() for standing in found]})
    else:
        output.console().print(_tables(found))
        lost = [f"{one.pipeline}/g{one.generation}" for one in found if one.lost]
        if lost:
            what = f"{', '.join(lost)}: a log has no more what a fence needs, so workers cannot go on"
            fix = "build the documents anew beside the old ones:  syncsvc rebuild FILE"
            output.console().print("", what, f"fix: {fix}", sep="\n", markup=False)


def _tables(found: Sequence[Standing]) -> Group:
    """The pipelines, and below them their partitions."""
    from rich.console import Group

    names = [s.pipeline for s in found]
    numbers = ("lag", "parked", "partition", "offset", "end", "freshness", "objective")
    heads = [
        (
            s.pipeline, s.generation, s.collection, _copying(s), _seconds(s.freshness_seconds),
            f"{s.objective_seconds:g} s", s.lag, s.parked,
        )
        for s in found
    ]  # fmt: skip
    parts = [
        (name, p.stage, p.topic, p.partition, p.offset, p.end, p.lag, _state(p), _ago(p.newest_seconds))
        for s in found
        for name in [pipelines.name_among(s.pipeline, s.generation, names)]
        for p in s.partitions
    ]
    return Group(
        output.table(
            ("pipeline", "generation", "collection", "state", "freshness", "objective", "lag", "parked"),
            heads,
            numbers=numbers,
        ),
        "",
        output.table(
            ("pipeline", "stage", "topic", "partition", "offset", "end", "lag", "state", "newest change"),
            parts,
            numbers=numbers,
        ),
    )


def _copying(standing: Standing) -> str:
    """The state, with how far a first copy is."""
    if standing.first_copy is None:
        return standing.state
    done, total = standing.first_copy
    return f"{standing.state}, {100 * done // max(total, 1)} % read"


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else durations.words(seconds)


def _state(partition: Partition) -> str:
    if partition.lost:
        return partition.verdict
    if partition.offset is None:
        return "not opened"
    return "live" if partition.copied else "copying"


def _ago(seconds: float | None) -> str | None:
    """How long ago, for a cell: `0.4 s ago`, `3m 23s ago`."""
    return None if seconds is None else f"{durations.words(seconds)} ago"
