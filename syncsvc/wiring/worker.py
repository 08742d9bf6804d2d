"""
A worker process: its pipelines, its page and probes, and how it ends.

Crash-only (design D9): a foreseen stop (TERM, INT) finishes the steps under way and leaves the group; anything else
ends the process with the exit code of its error, and the fences say where the next owner goes on.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import syncsvc
from syncsvc.actors.turns import Turns
from syncsvc.engine.load import Load
from syncsvc.errors import SyncError
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import verdict
from syncsvc.mongo.committer import Committer
from syncsvc.mongo.listeners import CommandTimes, PoolSize
from syncsvc.routing.records import KINDS
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.fleet import Fleet
from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.telemetry.probes import Health, keep_ticking
from syncsvc.telemetry.status import Status
from syncsvc.telemetry.tracing import Tracing
from syncsvc.web.access import Access
from syncsvc.web.server import WebServer
from syncsvc.wiring.connections import engine_settings, open_mongo, schema_registry
from syncsvc.wiring.credentials import START_AGAIN, Secrets
from syncsvc.wiring.desk import Desk
from syncsvc.wiring.ledger import THREADS
from syncsvc.wiring.pipeline import RunningPipeline, Shared
from syncsvc.wiring.presence import Presence
from syncsvc.wiring.watched import watched

#: `{what the driver calls it: what the metric calls it}`; what is not here is a connection that broke.
RETRY_REASONS = {
    "NotPrimaryError": "not_primary",
    "OperationFailure": "write_conflict",
    "DuplicateKeyError": "duplicate_key",
    "NetworkTimeout": "timeout",
    "ExecutionTimeout": "timeout",
    "WTimeoutError": "timeout",
    "WaitQueueTimeoutError": "timeout",
    "unknown commit result": "unknown_result",
}
#: With what comes after it (10 s of the committer, the last word to the others, the page's streams) below the 60 s that
#: a pod gets (deploy/k8s).
STOP_SECONDS = 40.0


def labels(pipeline: Pipeline, heartbeat_seconds: float = 0.0) -> PipelineLabels:
    """What bounds the metrics of a pipeline; 0 seconds: the sources' heartbeats are not judged."""
    told = channels(pipeline)
    topics = (*map(pipeline.source_topic, sorted(pipeline.tables)), *told.values(), pipeline.keyed_topic)
    return PipelineLabels(
        pipeline.name, pipeline.target_collection, pipeline.text_hash, pipeline.publish,
        (*sorted(pipeline.tables), *told), topics, pipeline.freshness_objective_seconds, heartbeat_seconds or None,
    )  # fmt: skip


class Worker:
    """One process that runs pipelines until it is told to stop."""

    def __init__(self, pipelines: Sequence[Pipeline], settings: Settings) -> None:
        self._pipelines, self._settings = pipelines, settings
        names = [pipeline.name for pipeline in pipelines]
        known = [labels(pipeline, settings.heartbeat_seconds) for pipeline in pipelines]
        self._metrics = Metrics(known, version=syncsvc.__version__, keyed_kinds=KINDS.values())
        tracing = Tracing(version=syncsvc.__version__, instance=settings.name) if settings.tracing else None
        self._events = Events(self._metrics, tracing)
        self._health = Health(names)
        self._running: list[RunningPipeline] = []
        self._presence: Presence | None = None
        self._desk = Desk()
        self._started_at = time.time()
        self._over = asyncio.Event()
        self._error: BaseException | None = None
        self._renewed = False

    async def run(self) -> int:
        """Returns the exit code: 0 after a foreseen stop, `START_AGAIN` after a change of credentials."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        web = WebServer(
            bind=self._settings.http_host, port=self._settings.http_port, metrics=self._metrics.render,
            health=self._health, fleet=self.fleet, access=Access(self._settings.http_token_file),
            decide=self._desk.decide,
        )  # fmt: skip
        web.start()
        try:
            return await self._serve(web.port)
        finally:
            web.stop()

    async def _serve(self, port: int) -> int:
        settings = self._settings
        watching = watched(Secrets(settings).watch(self._renew), self._failed)
        ticking = watched(keep_ticking(self._health, self._metrics.loop_lag), self._failed)
        listeners = [CommandTimes(self._metrics.mongo_command), PoolSize(self._metrics.mongo_pool)]
        mongo = await asyncio.to_thread(open_mongo, settings, listeners)
        committer = Committer(mongo, retried=self._retried)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="mongo") as pool:
            shared = Shared(
                settings, engine_settings(settings), mongo, committer, Turns(Load().share), pool, self._metrics,
                self._events, self._health, self._failed, schema_registry(settings),
            )  # fmt: skip
            self._running = [RunningPipeline(pipeline, shared) for pipeline in self._pipelines]
            self._presence = Presence(mongo, settings.name, self.status)
            self._desk.open(mongo, shared.engine, self._running)
            telling: asyncio.Task[None] | None = None
            try:
                names = [pipeline.name for pipeline in self._pipelines]
                self._events.started(
                    version=syncsvc.__version__, instance=settings.name, pipelines=names, http_port=port
                )
                await self._start()
                # Not before: where a pipeline is refused, nothing has been made.
                telling = watched(self._presence.keep_telling(), self._failed)
                await self._over.wait()
            except BaseException as error:  # told once, here; the process leaves in any case
                self._failed(error)
            finally:
                watching.cancel()
                self._desk.close()
                await self._stop(committer, ticking)
                if telling is not None:
                    telling.cancel()
                    await self._presence.leave()
                mongo.close()
        return self._code()

    async def _start(self) -> None:
        """Starts the pipelines, unless a stop comes first."""

        async def start() -> None:
            await asyncio.gather(*(running.start() for running in self._running))

        async def over() -> None:
            await self._over.wait()

        starting, stopping = asyncio.create_task(start()), asyncio.create_task(over())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            starting.result()
        else:
            starting.cancel()
            await asyncio.wait([starting], timeout=STOP_SECONDS)

    async def _stop(self, committer: Committer, ticking: asyncio.Task[None]) -> None:
        self._health.draining()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(running.stop() for running in self._running))
        except (TimeoutError, SyncError):
            pass  # the fences make it safe to leave without having said goodbye
        await asyncio.to_thread(committer.close)
        if self._events.tracing is not None:
            await asyncio.to_thread(self._events.tracing.close)
        ticking.cancel()
        reason = "error" if self._error else "credentials" if self._renewed else "signal"
        self._events.stopped(reason=reason, seconds=time.time() - self._started_at)

    def _failed(self, error: BaseException) -> None:
        """The first failure ends the process; what follows from it is not told again."""
        if self._error is None:
            self._error = verdict.fault(error)
            self._events.failed(self._error)
        self._over.set()

    def _renew(self, files: Sequence[str]) -> None:
        """Leaves as on a signal, with the code by which every supervisor starts it again."""
        self._events.credentials_changed(files=files)
        self._renewed = True
        self._over.set()

    def _retried(self, reason: str) -> None:
        for pipeline in self._pipelines:
            self._metrics.of(pipeline.name).retried(RETRY_REASONS.get(reason, "network"))

    def _code(self) -> int:
        if self._error is None:
            return START_AGAIN if self._renewed else 0
        return self._error.exit_code if isinstance(self._error, SyncError) else 1

    def status(self) -> Status:
        """This worker."""
        shown = tuple(running.status() for running in self._running)
        return Status(syncsvc.__version__, self._settings.name, self._started_at, shown)

    def fleet(self) -> Fleet:
        """What the page shows: this worker now, and what the others told."""
        return Fleet(self.status()) if self._presence is None else self._presence.fleet()
