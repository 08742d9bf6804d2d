"""
The partitions that a worker owns of one pipeline: opened when the engine assigns them, closed when it revokes them.

Keeps the engine and the actors apart: the engine knows partitions and batches, the actors know stages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from syncsvc.actors.backlog import Backlog
from syncsvc.actors.joiner_actor import JoinerActor
from syncsvc.actors.loading import Loader, Opened
from syncsvc.actors.ports import Ack, Ledger, Log, Owned
from syncsvc.actors.report import Report
from syncsvc.actors.router_actor import RouterActor
from syncsvc.actors.schemas import SchemaStore
from syncsvc.actors.turns import Turns
from syncsvc.assembly.joiner import Joiner
from syncsvc.engine.port import TP, RecordBatch
from syncsvc.errors import Drift
from syncsvc.routing.plan import Plan
from syncsvc.routing.router import Router
from syncsvc.routing.schema_changes import SchemaChanges, channels
from syncsvc.routing.senders import Senders
from syncsvc.routing.source_partition import SourcePartition
from syncsvc.state.fences import fence_id
from syncsvc.state.partition import PartitionState
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics
from syncsvc.telemetry.probes import Health

#: `{partition: (beginning, end)}` of the broker's log.
Bounds = Callable[[set[TP]], Awaitable[Mapping[TP, tuple[int, int]]]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the host's actors work with."""

    plan: Plan
    senders: Senders
    #: `{source partition: end offset when the generation began}`.
    ends: Mapping[TP, int]
    log: Log
    ledger: Ledger
    #: Shared by all pipelines of the worker, as the transactions are.
    turns: Turns
    #: Makes the local state of a fence.
    open_state: Callable[[str], PartitionState]
    bounds: Bounds
    metrics: Metrics
    events: Events
    health: Health
    #: Router transactions are at most this far apart, seconds.
    commit_seconds: float
    failed: Callable[[BaseException], None]
    #: Where records are in Avro: what gives their schemas.
    schemas: SchemaStore | None = None
    #: `{partition: first offset the generation has to read}`, as far as it is known.
    begins: Mapping[TP, int] = field(default_factory=dict)


class PipelineHost:
    """The `engine.port.Host` of one pipeline."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
        self._pipeline = surroundings.plan.pipeline
        #: `{topic: table, or channel of schema changes}`.
        self._sources = {self._pipeline.source_topic(table): table for table in surroundings.plan.tables}
        self._sources |= {topic: name for name, topic in channels(self._pipeline).items()}
        self.actors: dict[TP, RouterActor | JoinerActor] = {}
        self._loader = Loader(surroundings.ledger)
        self._backlog = Backlog()
        #: The newest assignment, maybe an empty one, is open and reads.
        self._settled = False

    async def assigned(self, tps: set[TP]) -> dict[TP, int]:
        """Opens partitions: raises their fences, makes their states whole; returns where to read on."""
        name, health, began = self._pipeline.name, self._with.health, time.monotonic()
        progress = self._with.metrics.progress(name)
        self._settled = False
        self._refuse_grown(tps)
        for tp in tps:
            health.loading(name, tp.topic, tp.partition)
            progress.loading(tp.topic, tp.partition)
        # Not when they are loaded: a state that takes long to load is not for the startup probe to judge, and a load
        # that is cut short begins anew.
        health.assigned(name)
        opened = dict(await asyncio.gather(*(self._open(tp) for tp in sorted(tps))))
        offsets = await self._begin({tp: owned.offset for tp, owned in opened.items()})
        for tp in sorted(tps):
            # Not before: a new fence has the offset 0, and a log that begins later would look like one with a gap.
            progress.owned(self._stage(tp), tp.topic, tp.partition, offsets[tp], opened[tp].source_ms or None)
            self.actors[tp].start(f"{name} {tp.topic}[{tp.partition}]")
            health.loaded(name, tp.topic, tp.partition)
        self._settled = True
        self._with.events.rebalanced(
            pipeline=name, gained=len(tps), lost=0, owned=len(self.actors), seconds=time.monotonic() - began
        )
        return offsets

    def _refuse_grown(self, tps: set[TP]) -> None:
        """
        Before a fence of it is made: a partition that the generation does not know has no end of a first copy.

        Raises:
            Drift: `generation.partitions_changed`: a topic gained partitions while its workers run.
        """
        pipeline = self._pipeline
        known = {*self._with.ends, *(TP(pipeline.keyed_topic, number) for number in range(pipeline.partitions))}
        if grown := sorted(tps - known):
            topic, partition = grown[0]
            raise Drift(
                code="generation.partitions_changed",
                where=f"generation {pipeline.name}/g{pipeline.generation}",
                what=f"{topic} has a partition {partition}, and it had none when the generation began",
                fix=f"raise `generation:` to {pipeline.generation + 1} to build beside it",
            )

    def _stage(self, tp: TP) -> str:
        return "router" if tp.topic in self._sources else "joiner"

    async def _open(self, tp: TP) -> tuple[TP, Owned]:
        began, source, stage = time.monotonic(), self._sources.get(tp.topic), self._stage(tp)
        fence = fence_id(self._pipeline.name, self._pipeline.generation, stage, tp)
        opened = await self._loader.load(fence, lambda: self._with.open_state(fence))
        report = self._report(stage, tp)
        if source is None:
            self.actors[tp] = self._joiner(tp, opened, report)
        else:
            self.actors[tp] = self._router(source, tp, opened, report)
        self._with.events.partition_opened(
            pipeline=self._pipeline.name, stage=stage, topic=tp.topic, partition=tp.partition,
            offset=opened.owned.offset,
            cache="warm" if opened.segments < opened.owned.seq or not opened.segments else "cold",
            segments=opened.segments, seconds=time.monotonic() - began,
        )  # fmt: skip
        return tp, opened.owned

    def _report(self, stage: str, tp: TP) -> Report:
        name, metrics = self._pipeline.name, self._with.metrics
        return Report(name, stage, tp.topic, tp.partition, metrics.of(name), metrics.progress(name), self._with.events)

    def _router(self, source: str, tp: TP, opened: Opened, report: Report) -> RouterActor:
        given = self._with
        sender, end = given.senders.router(source, tp.partition), given.ends[tp]
        router: SourcePartition
        if source in given.plan.columns:
            router = Router(
                given.plan, source, tp.topic, tp.partition, sender=sender, end=end, state=opened.state,
                schemas=given.schemas,
            )  # fmt: skip
        else:
            router = SchemaChanges(
                given.plan, tp.topic, tp.partition, sender=sender, end=end, state=opened.state, schemas=given.schemas
            )
        return RouterActor(
            given.plan, source, router, opened, log=given.log, ledger=given.ledger, report=report,
            commit_seconds=given.commit_seconds, failed=given.failed, schemas=given.schemas,
        )  # fmt: skip

    def _joiner(self, tp: TP, opened: Opened, report: Report) -> JoinerActor:
        given = self._with
        joiner = Joiner(given.plan, tp.partition, given.senders, opened.state)
        return JoinerActor(
            given.plan, joiner, opened, log=given.log, ledger=given.ledger, turns=given.turns, report=report,
            failed=given.failed, behind=self.behind,
        )  # fmt: skip

    async def _begin(self, offsets: dict[TP, int]) -> dict[TP, int]:
        """
        Where to read on: a fence without a step begins where the log does, every other at its own offset.

        Raises:
            Drift: where records are missing: the offset lies below the log's beginning, or beyond its end; of a fence
                without a step, where the log's beginning is not the one that the generation found.
        """
        bounds = await self._with.bounds(set(offsets))
        self.see(bounds)
        for tp, offset in offsets.items():
            beginning, end = bounds[tp]
            if beginning <= offset <= end:
                continue
            if self.actors[tp].new:
                offset = self._with.begins.get(tp, beginning)
                if beginning <= offset:
                    self.actors[tp].offset = offsets[tp] = beginning
                    continue
            lost = offset < beginning
            raise Drift(
                code="log.records_lost" if lost else "log.shorter_than_fence",
                where=f"{tp.topic}[{tp.partition}]@{offset}",
                what=f"the log goes from {beginning} to {end}: "
                + ("records not yet read were deleted" if lost else "it ends before what was already applied"),
                fix="raise `generation` in the mapping to rebuild beside the old documents"
                + (", and retention.ms of the topic above the longest outage" if lost else ""),
            )
        return offsets

    async def revoked(self, tps: set[TP]) -> None:
        """Finishes the steps under way and lets go; after it nothing of these partitions runs."""
        self._settled = False
        gone = {tp: actor for tp in tps if (actor := self.actors.pop(tp, None)) is not None}
        await asyncio.gather(*(actor.close() for actor in gone.values()))
        progress = self._with.metrics.progress(self._pipeline.name)
        for tp in tps:  # also those whose `assigned` was cancelled while they were loading
            self._with.health.loaded(self._pipeline.name, tp.topic, tp.partition)
            progress.disowned(tp.topic, tp.partition)
        for tp, actor in gone.items():
            self._with.events.partition_closed(
                pipeline=self._pipeline.name, stage=self._stage(tp), topic=tp.topic, partition=tp.partition,
                offset=actor.durable_offset,
            )  # fmt: skip

    async def deliver(self, batch: RecordBatch, ack: Ack) -> None:
        """Hands a batch to its partition's actor; returns when that has room for the next."""
        actor = self.actors.get(TP(batch.topic, batch.partition))
        if actor is None:
            return
        stage = self._stage(TP(batch.topic, batch.partition))
        metrics = self._with.metrics.of(self._pipeline.name)
        if batch.records:
            metrics.arrived(stage, batch.records[0].timestamp)
        began = time.monotonic()
        if await actor.inbox.put(batch, ack):
            metrics.held_back(stage, time.monotonic() - began)

    def reading(self, more: bool) -> None:
        """Documents wait for what is about to come of the same changes."""
        self._with.turns.more(more)

    def waiting(self) -> list[int]:
        """Records that wait in each partition's inbox, which large ones may fill; asked from another thread."""
        return [actor.inbox.filled for actor in list(self.actors.values())]

    def failed(self, error: BaseException) -> None:
        """The engine broke: the process leaves."""
        self._with.failed(error)

    def see(self, bounds: Mapping[TP, tuple[int, int]]) -> None:
        """Takes note of where the logs end."""
        self._backlog.see(bounds)

    def behind(self) -> bool:
        """Whether this worker has many records before it, in all its partitions: then it works in larger steps."""
        return self._backlog.large(((tp, actor.offset) for tp, actor in self.actors.items()), time.monotonic())

    def routers(self) -> list[tuple[str, Router]]:
        """`(table, router)` of the partitions of tables' topics that are open here."""
        return [
            (self._sources[tp.topic], actor.router)
            for tp, actor in self.actors.items()
            if isinstance(actor, RouterActor) and isinstance(actor.router, Router)
        ]

    def phase(self) -> str:
        """
        Of the pipeline, as far as it is here: `recovering`, `snapshotting` or `running` (`status.STATES`).

        A worker without partitions runs: it has nothing to do.  What it did before a rebalance took them is over here.
        """
        if not self._settled:
            return "recovering"
        done, total = self.copied()
        return "snapshotting" if done < total else "running"

    def copied(self) -> tuple[int, int]:
        """Records of the first copy routed here, of how many; equal when every document of it is written here."""
        done = total = 0
        waiting = 0
        for tp, actor in list(self.actors.items()):  # the page's thread asks too
            if isinstance(actor, RouterActor):
                end = self._with.ends[tp]
                total += end
                done += min(actor.offset, end)
            elif not actor.joiner.agenda.copy.ended:
                waiting += 1
        return (min(done, max(0, total - 1)) if waiting else total), total
