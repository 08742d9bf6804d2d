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

from syncsvc.engine import reading
from syncsvc.engine.port import TP
from syncsvc.engine.topics import Topics
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations, names
from syncsvc.mongo.client import Mongo
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings

#: `{(stage, partition): its fence}`.
Held = Mapping[tuple[str, TP], Mapping[str, Any]]
_ROUTER = re.compile(r"(?P<topic>.+)\[(?P<partition>\d+)\]")


def judged(start: int | None, offset: int | None, end: int | None) -> tuple[str, bool]:
    """What it means that an offset is not within its log, and whether records are lost; see `Partition`."""
    if end is None or start is None:
        return ("the topic is gone", True) if offset else ("no topic", False)
    if offset is None:
        return ("not opened", False)
    if offset < start:
        return (f"LOST: {start - offset} records were deleted before they were read", True)
    if offset > end:
        return ("BEYOND THE END: the topic was made anew", True)
    return ("", False)


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of one stage."""

    #: `router` or `joiner`.
    stage: str
    topic: str
    partition: int
    #: First offset that the log still has; None: the topic does not exist.
    start: int | None
    #: Next offset after the last record whose effect is durable; None: no worker has opened it yet.
    offset: int | None
    #: End of the log; None: the topic does not exist.
    end: int | None
    #: Seconds since the source committed the newest change applied here; None: none was.
    newest_seconds: float | None
    #: Its part of the first copy is over.
    copied: bool
    #: Where the first copy of a source partition ends; None: of the keyed topic, or the generation has not begun.
    copy_end: int | None = None

    @property
    def lag(self) -> int | None:
        """Records not yet applied; None where one of the two is not known, or the log is not that of the offset."""
        return None if self.end is None or self.offset is None or self.lost else self.end - self.offset

    @property
    def freshness_seconds(self) -> float | None:
        """0 when nothing waits, else the age of the newest change applied: never too small.  None: nothing is known."""
        return 0.0 if self.lag == 0 else None if self.lag is None else self.newest_seconds

    @property
    def verdict(self) -> str:
        """What it means that the offset is not within the log, in words; empty where it is."""
        return self._judged()[0]

    @property
    def lost(self) -> bool:
        """Whether the log no longer has what comes next, so that no worker can go on from there."""
        return self._judged()[1]

    def _judged(self) -> tuple[str, bool]:
        return judged(self.start, self.offset, self.end)


@dataclass(frozen=True, slots=True)
class Standing:
    """One pipeline."""

    pipeline: str
    generation: int
    collection: str
    #: `not started`, `copying`, `live`, or `lost`: a log has no more what a fence needs, so workers cannot go on.
    state: str
    partitions: tuple[Partition, ...]
    #: Entries that wait for a person.
    parked: int
    #: Seconds that its documents may be behind, from the mapping.
    objective_seconds: float

    @property
    def lost(self) -> bool:
        """Whether one of the partitions is."""
        return any(partition.lost for partition in self.partitions)

    @property
    def lag(self) -> int | None:
        """Records not yet applied in all; None as soon as one partition's is not known."""
        lags = [partition.lag for partition in self.partitions]
        return None if None in lags else sum(lag for lag in lags if lag is not None)

    @property
    def freshness_seconds(self) -> float | None:
        """That of the oldest partition; None as soon as one partition's is not known."""
        found = [partition.freshness_seconds for partition in self.partitions]
        return None if None in found or not found else max(age for age in found if age is not None)

    @property
    def first_copy(self) -> tuple[int, int] | None:
        """Records of the first copy as (read, in all); None when it is over or has not begun."""
        ends = [(partition.offset or 0, partition.copy_end) for partition in self.partitions if partition.copy_end]
        if self.state != "copying":
            return None
        return sum(min(offset, end) for offset, end in ends if end), sum(end for _, end in ends if end)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with the lags and what is lost."""
        found = asdict(self) | {"lag": self.lag, "freshness_seconds": self.freshness_seconds}
        found |= {"first_copy": self.first_copy, "lost": self.lost}
        for shown, partition in zip(found["partitions"], self.partitions, strict=True):
            shown |= {"lag": partition.lag, "verdict": partition.verdict, "lost": partition.lost}
        return found


def standings(pipelines: Sequence[Pipeline], mongo: Mongo, settings: Settings) -> list[Standing]:
    """
    Where each of the pipelines stands now.

    Raises:
        Unreachable: Kafka or MongoDB is not there.
    """
    # Fences first: an end that is asked for later is never before what a running worker has made durable.
    held = [_held(pipeline, mongo) for pipeline in pipelines]
    bounds = asyncio.run(_bounds(pipelines, settings))
    return [_standing(pipeline, mongo, found, bounds) for pipeline, found in zip(pipelines, held, strict=True)]


def _held(pipeline: Pipeline, mongo: Mongo) -> Held:
    """The fences that a generation has."""
    found = fences.read_fences(mongo, pipeline.name, pipeline.generation)
    return {_place(pipeline, fence["_id"]): fence for fence in found}


async def _bounds(pipelines: Iterable[Pipeline], settings: Settings) -> dict[TP, tuple[int, int]]:
    """First and next offset of every partition of the topics that exist."""
    engine = engine_settings(settings)
    wanted = {topic for pipeline in pipelines for topic in _topics(pipeline)}
    async with Topics(engine) as admin:
        there = await admin.describe(wanted)
    tps = [TP(name, number) for name, state in there.items() for number in range(state.partitions)]
    if not tps:
        return {}
    async with reading.reader(engine) as logs:
        return await logs.bounds(tps)


def _topics(pipeline: Pipeline) -> list[str]:
    tables = map(pipeline.source_topic, sorted(pipeline.tables))
    return [*tables, *channels(pipeline).values(), pipeline.keyed_topic]


def _standing(pipeline: Pipeline, mongo: Mongo, held: Held, bounds: Mapping[TP, tuple[int, int]]) -> Standing:
    generation = generations.read(mongo, pipeline.name, pipeline.generation)
    copy_ends = prepare.ends_of(generation) if generation is not None else {}
    begins = prepare.begins_of(generation) if generation is not None else {}
    sources = set(_topics(pipeline))
    wanted = {tp for tp in bounds if tp.topic in sources} | {tp for _, tp in held}
    now_ms = time.time() * 1000
    partitions = []
    for tp in sorted(wanted):
        stage = "joiner" if tp.topic == pipeline.keyed_topic else "router"
        fence = held.get((stage, tp), {})
        newest = fence.get("source_ms") or None
        start, end = bounds.get(tp, (None, None))
        partitions.append(
            Partition(
                stage,
                tp.topic,
                tp.partition,
                start,
                offset_of(fence, start, end, begins.get(tp)),
                end,
                None if newest is None else round(max(0.0, now_ms - newest) / 1000, 1),
                bool(fence.get("copied")),
                copy_ends.get(tp),
            )
        )
    copied = bool(partitions) and all(partition.copied for partition in partitions)
    lost = any(partition.lost for partition in partitions)
    own = {"pipeline": pipeline.name, "generation": pipeline.generation}
    return Standing(
        pipeline.name,
        pipeline.generation,
        pipeline.target_collection,
        "lost" if lost else "not started" if generation is None else "live" if copied else "copying",
        tuple(partitions),
        mongo.database[names.PARKED].count_documents(own),
        pipeline.freshness_objective_seconds,
    )


def offset_of(fence: Mapping[str, Any], start: int | None, end: int | None, first: int | None) -> int | None:
    """
    Where its worker goes on, as `actors.host` has it: a fence without a step begins where the log does.

    Not where the log was cut behind `first`, the first offset that the generation has to read; None: not known.
    """
    offset: int | None = fence.get("offset")
    if offset is None or fence.get("seq") or start is None or end is None or start <= offset <= end:
        return offset
    return start if first is None else min(start, first)


def _place(pipeline: Pipeline, fence: str) -> tuple[str, TP]:
    """Stage and partition of a fence's id, `pipeline/g1/router/topic[3]` or `pipeline/g1/joiner/3`."""
    _, _, stage, place = fence.split("/", 3)
    found = _ROUTER.fullmatch(place)
    if found is None:
        return stage, TP(pipeline.keyed_topic, int(place))
    return stage, TP(found["topic"], int(found["partition"]))
