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
from syncsvc.engine.settings import EngineSettings
from syncsvc.errors import SyncError
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client
from syncsvc.mongo.committer import Committer
from syncsvc.mongo.listeners import CommandTimes, PoolSize
from syncsvc.routing.records import KINDS
from syncsvc.routing.schema_changes import channels
from syncsvc.settings import Settings
from syncsvc.source.registry import Registry
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.telemetry.probes import Health, keep_ticking
from syncsvc.telemetry.status import Status
from syncsvc.web.server import WebServer
from syncsvc.wiring.ledger import THREADS
from syncsvc.wiring.pipeline import RunningPipeline, Shared

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
STOP_SECONDS = 45.0  # below the 60 s a pod gets (deploy/k8s): the engine's own bounds add up to less


def engine_settings(settings: Settings) -> EngineSettings:
    """The engine's settings of a worker's."""
    return EngineSettings(
        settings.kafka_bootstrap,
        tls_ca_file=settings.kafka_ca_file,
        sasl_username=settings.kafka_username,
        sasl_password_file=settings.kafka_password_file,
        instance_id=settings.instance,
    )


def schema_registry(settings: Settings) -> Registry | None:
    """Where schemas of Avro records come from; None where no registry is set."""
    if settings.schema_registry_url is None:
        return None
    return Registry(
        settings.schema_registry_url,
        ca_file=settings.schema_registry_ca_file,
        credentials_file=settings.schema_registry_credentials_file,
    )


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
        self._events = Events(self._metrics)
        self._health = Health(names)
        self._running: list[RunningPipeline] = []
        self._started_at = time.time()
        self._over = asyncio.Event()
        self._error: BaseException | None = None

    async def run(self) -> int:
        """Returns the exit code: 0 after a foreseen stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        web = WebServer(
            bind=self._settings.http_host, port=self._settings.http_port, metrics=self._metrics.render,
            health=self._health, status=self.status,
        )  # fmt: skip
        web.start()
        try:
            return await self._serve(web.port)
        finally:
            web.stop()

    async def _serve(self, port: int) -> int:
        settings = self._settings
        ticking = asyncio.create_task(keep_ticking(self._health, self._metrics.loop_lag))
        access = client.Access(tls_ca_file=settings.mongo_ca_file)
        mongo = await asyncio.to_thread(
            client.connect, settings.mongo_address(), settings.mongo_database, access=access,
            listeners=[CommandTimes(self._metrics.mongo_command), PoolSize(self._metrics.mongo_pool)],
        )  # fmt: skip
        committer = Committer(mongo, retried=self._retried)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="mongo") as pool:
            shared = Shared(
                settings, engine_settings(settings), mongo, committer, pool, self._metrics, self._events,
                self._health, self._failed, schema_registry(settings),
            )  # fmt: skip
            self._running = [RunningPipeline(pipeline, shared) for pipeline in self._pipelines]
            try:
                names = [pipeline.name for pipeline in self._pipelines]
                self._events.started(
                    version=syncsvc.__version__, instance=settings.name, pipelines=names, http_port=port
                )
                await self._start()
                await self._over.wait()
            except BaseException as error:  # told once, here; the process leaves in any case
                self._failed(error)
            finally:
                await self._stop(committer, ticking)
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
        ticking.cancel()
        reason = "signal" if self._error is None else "error"
        self._events.stopped(reason=reason, seconds=time.time() - self._started_at)

    def _failed(self, error: BaseException) -> None:
        """The first failure ends the process; what follows from it is not told again."""
        if self._error is None:
            self._error = error
            self._events.failed(error)
        self._over.set()

    def _retried(self, reason: str) -> None:
        for pipeline in self._pipelines:
            self._metrics.of(pipeline.name).retried(RETRY_REASONS.get(reason, "network"))

    def _code(self) -> int:
        if self._error is None:
            return 0
        return self._error.exit_code if isinstance(self._error, SyncError) else 1

    def status(self) -> Status:
        """What the page shows."""
        shown = tuple(running.status() for running in self._running)
        return Status(syncsvc.__version__, self._settings.name, self._started_at, shown)
