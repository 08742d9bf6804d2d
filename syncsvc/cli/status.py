"""
`syncsvc status`: how far every partition of every pipeline is, with or without running workers.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import output, pipelines, target
from syncsvc.cli.output import Files, Format, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Group

    from syncsvc.cli.standing import Partition, Standing

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")]
Every = Annotated[float, typer.Option("--every", min=0.2, metavar="SECONDS", help="Pause of --watch.")]


def status(files: Files, watch: Watch = False, every: Every = 2.0, format_: Output = Format.TABLE) -> None:
    """Show state, lag and parked entries; reads fences in MongoDB and end offsets in Kafka."""
    from syncsvc import settings
    from syncsvc.cli import standing

    loaded, given = pipelines.load(files), settings.read()
    with contextlib.closing(target.open_mongo(given)) as mongo:

        def look() -> list[Standing]:
            return standing.standings(loaded, mongo, given)

        if watch:
            _watch(look, every, format_)
        else:
            _show(look(), format_)


def _watch(look: Callable[[], Sequence[Standing]], every: float, format_: Format) -> None:
    if format_ is Format.JSON or not sys.stdout.isatty():
        while True:
            _show(look(), format_)
            sys.stdout.flush()
            time.sleep(every)
    from rich.live import Live

    with Live(_tables(look()), console=output.console(), auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(_tables(look()), refresh=True)


def _show(found: Sequence[Standing], format_: Format) -> None:
    if format_ is Format.JSON:
        output.show_json({"pipelines": [standing.as_dict() for standing in found]})
    else:
        output.console().print(_tables(found))


def _tables(found: Sequence[Standing]) -> Group:
    """The pipelines, and below them their partitions."""
    from rich.console import Group

    numbers = ("lag", "parked", "partition", "offset", "end")
    heads = [(s.pipeline, s.generation, s.collection, s.state, s.lag, s.parked) for s in found]
    parts = [
        (s.pipeline, p.stage, p.topic, p.partition, p.offset, p.end, p.lag, _state(p), _ago(p.newest_seconds))
        for s in found
        for p in s.partitions
    ]
    return Group(
        output.table(("pipeline", "generation", "collection", "state", "lag", "parked"), heads, numbers=numbers),
        "",
        output.table(
            ("pipeline", "stage", "topic", "partition", "offset", "end", "lag", "state", "newest change"),
            parts,
            numbers=numbers,
        ),
    )


def _state(partition: Partition) -> str:
    if partition.offset is None:
        return "not opened"
    return "live" if partition.copied else "copying"


def _ago(seconds: float | None) -> str | None:
    """A duration as people say it: `0.4 s ago`, `3m 23s ago`."""
    if seconds is None:
        return None
    if seconds < 60:
        return f"{seconds:.1f} s ago"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m ago" if hours else f"{minutes}m {rest}s ago"
