"""
One pipeline inside a worker: what was prepared for it, its host and its engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from syncsvc.actors.host import PipelineHost, Surroundings
from syncsvc.actors.inbox import MOST_WAITING_RECORDS
from syncsvc.actors.ports import Batches
from syncsvc.actors.schemas import SchemaStore
from syncsvc.actors.turns import Turns
from syncsvc.engine.engine import Engine
from syncsvc.engine.heartbeats import Heartbeats
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings
from syncsvc.errors import SyncError, Unreachable
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, names, namespaces, parked, verdict
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.committer import Committer
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.schema_changes import channels
from syncsvc.routing.senders import Senders
from syncsvc.settings import Settings
from syncsvc.source import servers
from syncsvc.state.lmdb_store import open_beside
from syncsvc.state.partition import PartitionState
from syncsvc.telemetry import shape
from syncsvc.telemetry.disk import bytes_below
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics
from syncsvc.telemetry.probes import Health
from syncsvc.telemetry.recent import Recent, histograms
from syncsvc.telemetry.status import ParkedStatus, PipelineStatus, TopicStatus, known, partitions_of
from syncsvc.wiring import prepare
from syncsvc.wiring.ledger import MongoLedger
from syncsvc.wiring.publication import Publication
from syncsvc.wiring.recreation import Recreation
from syncsvc.wiring.sweeper import Sweeper
from syncsvc.wiring.watched import watched

POLL_SECONDS = 2.0  # of what nobody tells; for end offsets: lag and freshness hold an end for true for 15 s
BEHIND_POLL_SECONDS = 0.25  # of end offsets only, while the worker is behind: they tell when it no longer is
PARKED_SHOWN = 50  # on the page
COPY_SECONDS = 1.0  # between two lines of progress of the first copy


@dataclass(frozen=True, slots=True)
class Shared:
    """What all pipelines of a worker use together."""

    settings: Settings
    engine: EngineSettings
    mongo: Mongo
    committer: Committer
    turns: Turns
    pool: ThreadPoolExecutor
    metrics: Metrics
    events: Events
    health: Health
    failed: Callable[[BaseException], None]
    schemas: SchemaStore | None


class KeyedLog:
    """The keyed topic of one pipeline, as the actors send to it."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.engine: Engine | None = None

    async def send(self, batches: Batches) -> None:
        """In order within a partition; returns when all of it is acknowledged."""
        assert self.engine is not None
        await self.engine.send(self._topic, batches)


class RunningPipeline:
    """A pipeline from preparation to stop."""

    def __init__(self, pipeline: Pipeline, shared: Shared) -> None:
        self.pipeline, self._shared = pipeline, shared
        self._host: PipelineHost | None = None
        self._engine: Engine | None = None
        self._sweeper: Sweeper | None = None
        self._heartbeats = Heartbeats(shared.engine, servers.prefixes([pipeline]))
        self._state = "starting"
        self._error: str | None = None
        self._began = time.monotonic()
        self._parked: tuple[ParkedStatus, ...] = ()
        self._parked_count = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._lineage: UUID | None = None
        self._recreation: Recreation | None = None
        self._topics: tuple[TopicStatus, ...] = ()
        self._shape = shape.of(pipeline)
        metrics = shared.metrics
        self._recent = Recent(
            lambda: (metrics.of(pipeline.name).documents_written, histograms(metrics.registry, pipeline.name))
        )

    async def start(self) -> None:
        """Prepares what is missing, and joins the group."""
        pipeline, shared = self.pipeline, self._shared
        await prepare.refuse_taken(pipeline, shared.mongo)
        there = await prepare.topics(pipeline, shared.settings, shared.engine)
        sources = {name: state.partitions for name, state in there.items() if name != pipeline.keyed_topic}
        log = KeyedLog(pipeline.keyed_topic)
        generation = await prepare.generation(pipeline, there, shared.mongo, shared.engine)
        self._lineage = generation.lineage
        self._topics = (
            *(TopicStatus("router", topic, count) for topic, count in sorted(sources.items())),
            TopicStatus("joiner", pipeline.keyed_topic, pipeline.partitions),
        )
        state_collection = names.state_collection(pipeline.name, pipeline.generation)
        targets = [view.target_collection for view in pipeline.each()]
        await asyncio.to_thread(namespaces.ensure, shared.mongo, [state_collection, *targets])
        if pipeline.publish == "view":
            for view in pipeline.each():
                await asyncio.to_thread(namespaces.view_target, shared.mongo, view.collection)
        plan = compile_plan(pipeline)
        topics = {table: pipeline.source_topic(table) for table in plan.tables} | channels(pipeline)
        senders = Senders({source: sources[topic] for source, topic in topics.items()}, pipeline.partitions)
        ledger = MongoLedger(
            shared.mongo, shared.committer, state_collection=state_collection, pool=shared.pool,
            merge=pipeline.write == "merge",
        )  # fmt: skip
        self._recreation = Recreation(generation, shared.mongo)
        self._host = PipelineHost(
            Surroundings(
                plan, senders, prepare.ends_of(generation), log, ledger, shared.turns,
                self._open_state(generation.lineage.bytes), self._recreation.before(self._bounds), shared.metrics,
                shared.events, shared.health, shared.settings.router_commit_ms / 1000, self._failed, shared.schemas,
                prepare.begins_of(generation),
            )
        )  # fmt: skip
        self._engine = log.engine = self._recreation.engine = Engine(
            shared.engine, pipeline.group, sorted(sources), pipeline.keyed_topic, self._host
        )
        shared.metrics.of(pipeline.name).watch(
            waiting=self._host.waiting, most_waiting=MOST_WAITING_RECORDS,
            store_bytes=lambda: bytes_below(shared.settings.state_dir / pipeline.group),
        )  # fmt: skip
        self._say("recovering")
        await self._engine.start()
        self._sweeper = Sweeper(
            plan, self._host, sources, bounds=self._bounds, log=log, events=shared.events,
            fences=lambda: fences.read_fences(shared.mongo, pipeline.name, pipeline.generation),
        )  # fmt: skip
        self._look_around()

    def _look_around(self) -> None:
        """What runs beside the records until the stop; if one of it dies, so does the worker."""
        self._tasks = [watched(work, self._failed) for work in (self._poll(), self._look_beside(), self._watch_copy())]

    def _open_state(self, lineage: bytes) -> Callable[[str], PartitionState]:
        root = self._shared.settings.state_dir / self.pipeline.group

        def open_state(fence: str) -> PartitionState:
            return PartitionState(open_beside(root / fence.replace("/", "_")), lineage + fence.encode())

        return open_state

    async def _bounds(self, tps: set[TP]) -> dict[TP, tuple[int, int]]:
        assert self._engine is not None
        first, last = await asyncio.gather(self._engine.beginning_offsets(tps), self._engine.end_offsets(tps))
        return {tp: (first[tp], last[tp]) for tp in tps}

    def _failed(self, error: BaseException) -> None:
        # Another's text may quote a row, and this one is shown.
        self._error = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._shared.failed(error)

    def _say(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._shared.events.state_changed(pipeline=self.pipeline.name, state=state)

    async def _poll(self) -> None:
        """Asks for end offsets on a timer: those that fetches bring freeze with the partition (notes on Faust)."""
        assert self._host is not None
        progress = self._shared.metrics.progress(self.pipeline.name)
        while True:
            asked = time.time()
            owned = set(self._host.actors)
            try:
                found = await self._bounds(owned) if owned else {}
                self._host.see(found)
            except Unreachable:
                found = {}  # an end offset that grows old makes freshness unknown; nothing else to do
            progress.ends({(tp.topic, tp.partition): ends for tp, ends in found.items()}, asked)
            await asyncio.sleep(BEHIND_POLL_SECONDS if self._host.behind() else POLL_SECONDS)

    async def _look_beside(self) -> None:
        """Asks on a timer for sweeps, heartbeats, parked keys and ids of topics; none of it is needed more often."""
        progress = self._shared.metrics.progress(self.pipeline.name)
        while True:
            with contextlib.suppress(Unreachable):
                if self._sweeper is not None:
                    await self._sweeper.look()
            for source, sent_ms in (await self._heartbeats.newest()).items():
                progress.heartbeat(source, sent_ms)
            await self._look_at_parked()
            if self._recreation is not None:
                await self._recreation.look()
            await asyncio.sleep(POLL_SECONDS)

    async def _look_at_parked(self) -> None:
        """Counts what is parked in the whole generation, and remembers the oldest for the page."""
        pipeline, mongo = self.pipeline, self._shared.mongo
        place = (mongo, pipeline.name, pipeline.generation)
        try:
            count = await asyncio.to_thread(parked.count, *place)
            held = await asyncio.to_thread(parked.oldest, *place, limit=PARKED_SHOWN) if count else []
        except Exception:  # the driver's: MongoDB is away, the actors' own commits tell it
            return
        self._parked_count = count
        self._parked = tuple(map(self._shown, held))
        self._shared.metrics.of(pipeline.name).parked_now(count, self._parked[0].since if self._parked else None)

    def _shown(self, held: parked.Held) -> ParkedStatus:
        handle = parked.handle(held.id, self._lineage) if self._lineage else ""
        return ParkedStatus(held.where, held.reason, held.since.timestamp(), handle, held.kind)

    async def _watch_copy(self) -> None:
        """Tells how far the first copy is, until it is over here."""
        assert self._host is not None
        host, events, name = self._host, self._shared.events, self.pipeline.name
        publication = Publication(self.pipeline, self._shared.mongo, events)
        copying = published = False
        while True:
            (done, total), phase = host.copied(), host.phase()
            self._say(phase)
            if phase == "snapshotting":
                copying = True
                events.first_copy_progress(pipeline=name, done=done, total=total)
            elif phase == "running":
                # Also when an earlier worker made the copy, or a rebalance took our part of it away.
                self._shared.metrics.of(name).first_copy(done, total)
                copying, ended = False, copying and bool(host.actors)
                if ended:
                    documents = self._shared.metrics.of(name).documents_written
                    seconds = time.monotonic() - self._began
                    events.first_copy_done(pipeline=name, records=total, documents=documents, seconds=seconds)
            if not published and done >= total:
                try:
                    published = await publication.look()
                except Exception as error:
                    if not verdict.passes(error):  # else MongoDB is away: looked at again
                        raise
            await asyncio.sleep(COPY_SECONDS)

    async def stop(self) -> None:
        """Finishes what is under way and leaves the group."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._heartbeats.stop()
        if self._engine is not None:
            await self._engine.stop()

    def status(self) -> PipelineStatus:
        """What the page shows; read from another thread."""
        pipeline, metrics = self.pipeline, self._shared.metrics
        view = metrics.progress(pipeline.name).view(time.time())
        done, total = self._host.copied() if self._host else (0, 0)
        rate, timings = self._recent.look(time.monotonic())
        return PipelineStatus(
            name=pipeline.name,
            generation=pipeline.generation,
            collection=pipeline.collection,
            state=metrics.state(pipeline.name),
            freshness_seconds=known(view.freshness_seconds),
            objective=pipeline.freshness_objective_seconds,
            partitions=partitions_of(view),
            documents_written=metrics.of(pipeline.name).documents_written,
            parked=self._parked_count,
            first_copy=(done, total) if done < total else None,
            last_error=self._error,
            parked_list=self._parked,
            topics=self._topics,
            documents_per_second=rate,
            timings=timings,
            shape=self._shape,
            mapping_hash=pipeline.text_hash,
        )

    @property
    def lineage(self) -> UUID | None:
        """Of its generation; None before it is known."""
        return self._lineage
