"""
What a rebuild needs and makes: the next number, the change of the file, the source topics, room on the disk.

Asks Kafka and MongoDB, changes nothing.  What is made beside the old generation is said by `planning`.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from syncsvc import mapping
from syncsvc.cli import planning
from syncsvc.cli.item import Item
from syncsvc.engine import reading, topics
from syncsvc.engine.port import TP
from syncsvc.errors import Drift, Problem, UsageFault
from syncsvc.mapping.model import Pipeline
from syncsvc.mapping.raising import raised
from syncsvc.mongo import generations, health, names, published
from syncsvc.mongo.client import Mongo
from syncsvc.settings import Settings
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings


@dataclass(frozen=True, slots=True)
class Source:
    """A topic that the rebuild reads from its beginning."""

    topic: str
    #: `whole`: it has every record it ever had.  `compacted`: the newest of every row.  `cut`: the first ones are
    #: deleted, and with them maybe the only ones of some rows.  `missing`: made now, its rows have to be read.
    rows: Literal["whole", "compacted", "cut", "missing"]
    #: Records that are there, and that were deleted from the beginning on.
    records: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Room:
    """Disk for the new set, estimated from the present one; None: no right to see it."""

    #: Bytes of documents and of join state, with indexes.
    documents: int | None
    state: int | None
    #: Bytes that are free on the primary's disk.
    free: int | None
    #: Records of the present keyed topic.
    keyed_records: int


@dataclass(frozen=True, slots=True)
class Rebuild:
    """All that a person wants to know before."""

    before: Pipeline
    after: Pipeline
    #: Number of the newest generation that was ever begun or shown.
    newest: int
    #: The file as it will be; equal to what it is when its number is already new.
    text: str
    diff: tuple[str, ...]
    items: tuple[Item, ...]
    sources: tuple[Source, ...]
    room: Room

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "file": self.before.path,
            "pipeline": self.before.name,
            "generation": {"newest": self.newest, "wanted": self.after.generation},
            "diff": list(self.diff),
            "items": [item.as_dict() for item in self.items],
            "sources": [asdict(source) for source in self.sources],
            "room": asdict(self.room),
        }

    def problems(self, *, rows_complete: bool) -> Iterator[Problem]:
        """What stands in the way beside what `apply` would refuse."""
        cut = [source for source in self.sources if source.rows == "cut"]
        for source in [] if rows_complete else cut:
            what = f"its first {source.deleted:,} records are deleted: rows that were only there would be missing"
            fix = (
                "let the connector read its tables again (docs/operations/rebuild.md), then  "
                f"syncsvc rebuild {self.before.path} --rows-complete"
            )
            yield Problem("rebuild.rows_missing", f"topic {source.topic}", what, fix)
        needed = (self.room.documents or 0) + (self.room.state or 0)
        if self.room.free is not None and needed > self.room.free:
            what = f"the new set will take about {size(needed)}, and {size(self.room.free)} are free"
            fix = f"enlarge the disk, or drop what is older:  syncsvc rebuild {self.before.path} --drop-old"
            yield Problem("rebuild.no_room", "disk of MongoDB's primary", what, fix)


def planned(file: Path, mongo: Mongo, settings: Settings) -> Rebuild:
    """
    The rebuild of a mapping file.

    Raises:
        UsageFault: the file is wrong, or its line is not one that can be changed; a setting is missing.
        Drift: `rebuild.not_begun`: there is nothing that could be built anew.
        Unreachable: one of the servers is not there.
    """
    before = mapping.load(file)
    if before.publish == "direct" and before.write == "replace":
        raise UsageFault(
            code="rebuild.direct",
            where=str(file),
            what="with  publish: direct  there is one set of documents, so none can be built beside it",
            fix="end the workers, drop the collection, raise `generation:`; or declare  publish: view",
        )
    newest = _newest(before, mongo)
    number = before.generation if before.generation > newest else newest + 1
    with file.open(encoding="utf-8", newline="") as opened:  # line endings as they are
        text = opened.read()
    made = text if number == before.generation else raised(text, str(file), number)
    after = mapping.load_text(made, str(file))
    lines = difflib.unified_diff(text.splitlines(), made.splitlines(), str(file), str(file), n=1, lineterm="")
    sources, keyed_records = asyncio.run(_logs(after, newest, settings))
    room = _room(after, newest, mongo, keyed_records)
    items = planning.items([after], settings)
    return Rebuild(before, after, newest, made, tuple(lines), tuple(items), sources, room)


def _newest(pipeline: Pipeline, mongo: Mongo) -> int:
    begun = [one.number for one in generations.of_pipeline(mongo, pipeline.name)]
    shown = [one.highest for one in published.of_owner(mongo, pipeline.name)]
    if not begun:
        raise Drift(
            code="rebuild.not_begun",
            where=f"{mongo.where}, pipeline {pipeline.name}",
            what="no generation of it was ever begun, so there is nothing to rebuild",
            fix=f"syncsvc apply {pipeline.path}, then  syncsvc run {pipeline.path}",
        )
    return max([*begun, *shown])


async def _logs(pipeline: Pipeline, newest: int, settings: Settings) -> tuple[tuple[Source, ...], int]:
    """The source topics, and records of the newest generation's keyed topic."""
    engine, keyed = engine_settings(settings), replace(pipeline, generation=newest).keyed_topic
    wanted = sorted(prepare.wishes(pipeline, settings).sources)
    async with topics.Topics(engine) as admin:
        there = await admin.describe([*wanted, keyed])
    tps = {name: [TP(name, number) for number in range(state.partitions)] for name, state in there.items()}
    async with reading.reader(engine) as logs:
        bounds = await logs.bounds([tp for parts in tps.values() for tp in parts]) if tps else {}
    records = {name: sum(bounds[tp][1] - bounds[tp][0] for tp in parts) for name, parts in tps.items()}
    found = []
    for name in wanted:
        if name not in there:
            found.append(Source(name, "missing", 0, 0))
            continue
        deleted = sum(bounds[tp][0] for tp in tps[name])
        compacted = there[name].config.get("cleanup.policy") == "compact"
        rows: Literal["whole", "compacted", "cut"] = "compacted" if compacted else "cut" if deleted else "whole"
        found.append(Source(name, rows, records[name], deleted))
    return tuple(found), records.get(keyed, 0)


def _room(pipeline: Pipeline, newest: int, mongo: Mongo, keyed_records: int) -> Room:
    present = [replace(view, generation=newest).target_collection for view in pipeline.each()]
    sizes = [health.size(mongo, name) for name in present]
    documents = None if None in sizes else sum(found for found in sizes if found is not None)
    disk = health.disk(mongo)
    state = health.size(mongo, names.state_collection(pipeline.name, newest))
    return Room(documents, state, None if disk is None else int(disk[0]), keyed_records)


def size(amount: int | None) -> str:
    """
    Bytes as people say them.

    >>> size(None), size(300), size(5_000_000), size(3 << 30)
    ('an unknown size', '300 bytes', '4.8 MiB', '3.0 GiB')
    """
    if amount is None:
        return "an unknown size"
    if amount < 1024:
        return f"{amount} bytes"
    shown, unit = amount / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if shown >= 1024:
            shown, unit = shown / 1024, larger
    return f"{shown:.1f} {unit}"


def missing_tables(sources: Sequence[Source]) -> list[str]:
    """Topics whose rows nobody has read yet."""
    return [source.topic for source in sources if source.rows == "missing"]
