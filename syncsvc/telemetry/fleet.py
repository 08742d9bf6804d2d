"""
All workers together, as any of them shows it: its own status of this moment, and what the others told lately.

Nothing gets better by being put together (invariant 9): the oldest freshness counts, one unknown lag makes the sum
unknown, a partition that nobody alive owns is unknown, and what was told counts as old as it is.  Pure: ages are
arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from syncsvc.telemetry.recent import Timing
from syncsvc.telemetry.status import STATES, PartitionStatus, PipelineStatus, Status

#: Nobody is taken for alive who was silent for so long: five times the pause between two words.
SILENT_SECONDS = 10.0
#: "Caught up" is believed for so long; then it is not known.  A word on its way is up to 4 s old when all is well, and
#: the proof it rests on holds for 15 s from a poll that was at most 2 s before (`telemetry.progress`).
BELIEVED_SECONDS = 8.0
#: From bad to good: the state of a pipeline is the worst that a worker tells.
WORST_FIRST = (
    "failed", "stalled", "degraded", "paused", "starting", "recovering", "snapshotting", "backpressured", "running",
)  # fmt: skip
assert set(WORST_FIRST) == set(STATES)


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker as the fleet knows it."""

    instance: str
    #: Seconds since it told; 0 for the one that answers.
    age_seconds: float
    #: None: it told something that this version cannot read.
    status: Status | None
    #: The one that answers.
    own: bool = False

    @property
    def alive(self) -> bool:
        """Whether it told something lately."""
        return self.age_seconds < SILENT_SECONDS

    def claims(self, pipeline: str, generation: int) -> PipelineStatus | None:
        """Its part of a pipeline, if it is alive; ages as of now."""
        if not self.alive or self.status is None:
            return None
        for found in self.status.pipelines:
            if (found.name, found.generation) == (pipeline, generation):
                return _aged(found, self.age_seconds)
        return None


@dataclass(frozen=True, slots=True)
class Owned:
    """A partition and who owns it; `owner` None: nobody alive."""

    status: PartitionStatus
    owner: str | None


@dataclass(frozen=True, slots=True)
class FleetPipeline:
    """One pipeline over all workers; the partitions in `whole` are those of `partitions`."""

    whole: PipelineStatus
    partitions: tuple[Owned, ...]
    #: Workers alive that run it.
    workers: int
    #: Digests of the mapping that they run; one, but for a rollout or a fault.
    mappings: tuple[str, ...]
    #: Another generation of it is older than this one and still there: this one is a rebuild.
    rebuild: bool

    @property
    def orphans(self) -> int:
        """Partitions that nobody alive owns."""
        return sum(1 for owned in self.partitions if owned.owner is None)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything the page shows."""

    own: Status
    others: tuple[Seen, ...] = ()
    #: Seconds since the others could be read last; large when MongoDB is away.
    unread_seconds: float = 0.0

    def workers(self) -> list[Seen]:
        """All workers by name."""
        return sorted([Seen(self.own.instance, 0.0, self.own, own=True), *self.others], key=lambda one: one.instance)

    def pipelines(self) -> list[FleetPipeline]:
        """Every pipeline that somebody runs or ran lately, by name and generation."""
        workers = self.workers()
        names = {
            (found.name, found.generation)
            for worker in workers
            if worker.status is not None
            for found in worker.status.pipelines
        }
        oldest: dict[str, int] = {}
        for name, generation in sorted(names):
            oldest.setdefault(name, generation)
        return [_together(workers, name, generation, oldest[name]) for name, generation in sorted(names)]


def _aged(pipeline: PipelineStatus, age: float) -> PipelineStatus:
    """What was true `age` seconds ago, as it counts now."""
    partitions = tuple(replace(one, freshness=_later(one.freshness, age)) for one in pipeline.partitions)
    return replace(pipeline, partitions=partitions, freshness_seconds=_later(pipeline.freshness_seconds, age))


def _later(freshness: float | None, age: float) -> float | None:
    if freshness == 0:
        return 0.0 if age < BELIEVED_SECONDS else None
    return None if freshness is None else freshness + age


def _together(workers: Sequence[Seen], name: str, generation: int, oldest: int) -> FleetPipeline:
    parts = {worker.instance: part for worker in workers if (part := worker.claims(name, generation)) is not None}
    last = next(
        found
        for worker in sorted(workers, key=lambda one: one.age_seconds)
        if worker.status is not None
        for found in worker.status.pipelines
        if (found.name, found.generation) == (name, generation)
    )
    partitions = _partitions(parts, last)
    lost = any(owned.owner is None for owned in partitions)
    seen = tuple(owned.status for owned in partitions)
    told = list(parts.values())
    whole = replace(
        last,
        state=_state([part.state for part in told], lost),
        freshness_seconds=_oldest([*(part.freshness_seconds for part in told if part.partitions),
                                   *(one.freshness for one in seen)]),
        partitions=seen,
        documents_written=sum(part.documents_written for part in told),
        documents_per_second=_sum(part.documents_per_second for part in told),
        first_copy=_copied(told, last),
        last_error=next((part.last_error for part in told if part.last_error), None),
        timings=_timings(told),
    )  # fmt: skip
    hashes = tuple(sorted({part.mapping_hash for part in told}))
    return FleetPipeline(whole, partitions, len(told), hashes, generation > oldest)


def _partitions(parts: dict[str, PipelineStatus], last: PipelineStatus) -> tuple[Owned, ...]:
    """All that must be owned, and all that is; of two claims, in the middle of a rebalance, the worse one counts."""
    found: dict[tuple[str, str, int], Owned] = {}
    for topic in last.topics:
        for number in range(topic.partitions):
            nobody = PartitionStatus(topic.stage, topic.name, number, 0, None, None, None, "unknown")
            found[topic.stage, topic.name, number] = Owned(nobody, None)
    for owner, part in sorted(parts.items()):
        for one in part.partitions:
            place = (one.stage, one.topic, one.partition)
            before = found.get(place)
            if before is None or before.owner is None or _worse(one, before.status):
                found[place] = Owned(one, owner)
    order = {"router": 0, "joiner": 1}
    return tuple(found[place] for place in sorted(found, key=lambda place: (order.get(place[0], 2), *place[1:])))


def _worse(one: PartitionStatus, other: PartitionStatus) -> bool:
    return one.freshness is None or (other.freshness is not None and one.freshness > other.freshness)


def _state(states: Sequence[str], lost: bool) -> str:
    """The worst; a pipeline that runs but for partitions without an owner is degraded."""
    if not states:
        return "stalled"
    worst = min(states, key=WORST_FIRST.index)
    return "degraded" if lost and worst == "running" else worst


def _oldest(values: Sequence[float | None]) -> float | None:
    """None as soon as one is not known, or there is none."""
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _copied(parts: Sequence[PipelineStatus], last: PipelineStatus) -> tuple[int, int] | None:
    """Of the workers that still copy: the others' part is over, and not counted again."""
    copying = [part.first_copy for part in parts if part.first_copy is not None]
    if not parts:
        return last.first_copy
    return (sum(done for done, _ in copying), sum(total for _, total in copying)) if copying else None


def _timings(parts: Sequence[PipelineStatus]) -> tuple[Timing, ...]:
    found: dict[tuple[str, tuple[float, ...]], Timing] = {}
    for part in parts:
        for timing in part.timings:
            place = (timing.name, timing.bounds)
            found[place] = found[place] + timing if place in found else timing
    return tuple(found.values())
