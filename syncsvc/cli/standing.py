"""
Where pipelines stand, read from outside: fences in MongoDB against the ends of the logs in Kafka.

Works with every worker down, because what is durable is in the fences.  `syncsvc status` shows it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from syncsvc.engine.port import TP
from syncsvc.engine.topics import Topics
from syncsvc.engine.wire import Wire
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations, names
from syncsvc.mongo.client import Mongo
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings
from syncsvc.wiring.connections import engine_settings

_ROUTER = re.compile(r"(?P<topic>.+)\[(?P<partition>\d+)\]")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of one stage."""

    #: `router` or `joiner`.
    stage: str
    topic: str
    partition: int
    #: Next offset after the last record whose effect is durable; None: no worker has opened it yet.
    offset: int | None
    #: End of the log; None: the topic does not exist.
    end: int | None
    #: Seconds since the source committed the newest change applied here; None: none was.
    newest_seconds: float | None
    #: Its part of the first copy is over.
    copied: bool

    @property
    def lag(self) -> int | None:
        """Records not yet applied; None where one of the two is not known."""
        return None if self.end is None or self.offset is None else max(0, self.end - self.offset)


@dataclass(frozen=True, slots=True)
class Standing:
    """One pipeline."""

    pipeline: str
    generation: int
    collection: str
    #: `not started`, `copying` or `live`.
    state: str
    partitions: tuple[Partition, ...]
    #: Entries that wait for a person.
    parked: int

    @property
    def lag(self) -> int | None:
        """Records not yet applied in all; None as soon as one partition's is not known."""
        lags = [partition.lag for partition in self.partitions]
        return None if None in lags else sum(lag for lag in lags if lag is not None)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with the lags."""
        found = asdict(self) | {"lag": self.lag}
        for shown, partition in zip(found["partitions"], self.partitions, strict=True):
            shown["lag"] = partition.lag
        return found


def standings(pipelines: Sequence[Pipeline], mongo: Mongo, settings: Settings) -> list[Standing]:
    """
    Where each of the pipelines stands now.

    Raises:
        Unreachable: Kafka or MongoDB is not there.
    """
    ends = asyncio.run(_ends(pipelines, settings))
    return [_standing(pipeline, mongo, ends) for pipeline in pipelines]


async def _ends(pipelines: Iterable[Pipeline], settings: Settings) -> dict[TP, int]:
    """End offsets of every partition of the topics that exist."""
    engine = engine_settings(settings)
    wanted = {topic for pipeline in pipelines for topic in _topics(pipeline)}
    async with Topics(engine) as admin:
        there = await admin.describe(wanted)
    tps = [TP(name, number) for name, state in there.items() for number in range(state.partitions)]
    if not tps:
        return {}
    wire = Wire(engine, "syncsvc.status")
    try:
        await wire.start(there)
        return await wire.end_offsets(tps)
    finally:
        await wire.stop()


def _topics(pipeline: Pipeline) -> list[str]:
    tables = map(pipeline.source_topic, sorted(pipeline.tables))
    return [*tables, *channels(pipeline).values(), pipeline.keyed_topic]


def _standing(pipeline: Pipeline, mongo: Mongo, ends: Mapping[TP, int]) -> Standing:
    found = fences.read_fences(mongo, pipeline.name, pipeline.generation)
    held = {_place(pipeline, fence["_id"]): fence for fence in found}
    sources = set(_topics(pipeline))
    wanted = {tp for tp in ends if tp.topic in sources} | {tp for _, tp in held}
    now_ms = time.time() * 1000
    partitions = []
    for tp in sorted(wanted):
        stage = "joiner" if tp.topic == pipeline.keyed_topic else "router"
        fence = held.get((stage, tp), {})
        newest = fence.get("source_ms") or None
        partitions.append(
            Partition(
                stage,
                tp.topic,
                tp.partition,
                fence.get("offset"),
                ends.get(tp),
                None if newest is None else round(max(0.0, now_ms - newest) / 1000, 1),
                bool(fence.get("copied")),
            )
        )
    begun = generations.read(mongo, pipeline.name, pipeline.generation) is not None
    copied = bool(partitions) and all(partition.copied for partition in partitions)
    own = {"pipeline": pipeline.name, "generation": pipeline.generation}
    return Standing(
        pipeline.name,
        pipeline.generation,
        pipeline.target_collection,
        "not started" if not begun else "live" if copied else "copying",
        tuple(partitions),
        mongo.database[names.PARKED].count_documents(own),
    )


def _place(pipeline: Pipeline, fence: str) -> tuple[str, TP]:
    """Stage and partition of a fence's id, `pipeline/g1/router/topic[3]` or `pipeline/g1/joiner/3`."""
    _, _, stage, place = fence.split("/", 3)
    found = _ROUTER.fullmatch(place)
    if found is None:
        return stage, TP(pipeline.keyed_topic, int(place))
    return stage, TP(found["topic"], int(found["partition"]))
