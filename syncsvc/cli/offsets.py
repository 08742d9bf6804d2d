"""
`syncsvc offsets`: every partition's log, what is durable of it, and what lag tools see.

Exit code 3 when a fence is outside its log: records are lost, or the topic was made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from syncsvc.cli import output, pipelines, target
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncsvc.cli.standing import Standing
    from syncsvc.engine.port import TP
    from syncsvc.mapping.model import Pipeline
    from syncsvc.settings import Settings

HEADINGS = ("stage", "topic", "partition", "begin", "end", "fence", "committed", "lag", "")
NUMBERS = HEADINGS[2:8]


def offsets(files: Files, format_: Output = Format.TABLE) -> int:
    """Show begin, end, fence and committed offset of every partition; reads Kafka and MongoDB, changes neither."""
    from syncsvc import settings
    from syncsvc.cli import standing

    loaded, given = pipelines.load(files), settings.read()
    with contextlib.closing(target.open_mongo(given)) as mongo:
        found = standing.standings(loaded, mongo, given)
    shown = [
        (one, _rows(one, asyncio.run(_committed(pipeline, one, given))))
        for pipeline, one in zip(loaded, found, strict=True)
    ]
    if format_ is Format.JSON:
        told = [
            {"pipeline": one.pipeline, "generation": one.generation, "group": pipeline.group, "partitions": rows}
            for pipeline, (one, rows) in zip(loaded, shown, strict=True)
        ]
        output.show_json({"pipelines": told})
    else:
        for number, (pipeline, (one, rows)) in enumerate(zip(loaded, shown, strict=True)):
            print(f"{'' if number == 0 else chr(10)}{one.pipeline}/g{one.generation}, consumer group {pipeline.group}")
            cells = [[row[name] for name in (*HEADINGS[:8], "verdict")] for row in rows]
            output.show_table(HEADINGS, cells, numbers=NUMBERS)
    return Drift.exit_code if any(one.lost for one in found) else 0


async def _committed(pipeline: Pipeline, found: Standing, given: Settings) -> dict[TP, int]:
    from syncsvc.engine.port import TP
    from syncsvc.engine.wire import Wire
    from syncsvc.wiring.connections import engine_settings

    there = [TP(partition.topic, partition.partition) for partition in found.partitions if partition.end is not None]
    return await Wire(engine_settings(given), pipeline.group).committed(there) if there else {}


def _rows(found: Standing, committed: dict[TP, int]) -> Sequence[dict[str, Any]]:
    from syncsvc.engine.port import TP

    rows = []
    for partition in found.partitions:
        body = asdict(partition)
        rows.append(
            {
                **{name: body[name] for name in ("stage", "topic", "partition")},
                "begin": partition.start, "end": partition.end, "fence": partition.offset,
                "committed": committed.get(TP(partition.topic, partition.partition)),
                "lag": partition.lag, "verdict": partition.verdict, "lost": partition.lost,
            }
        )  # fmt: skip
    return rows
