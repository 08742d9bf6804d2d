"""
A Faust app for one pipeline, bare: no web server, tables, leader, producer, signal handlers or files.

It runs inside a loop that is already there, beside other apps, without `faust.Worker`.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import faust
import mode
from faust import streams, tables
from faust.app.base import BootStrategy
from faust.sensors.monitor import Monitor
from faust.transport import conductor

from syncsvc import errors
from syncsvc.engine import agents, transport
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.port import Host
from syncsvc.engine.settings import EngineSettings


class _Boot(BootStrategy):
    #: Sending is done by `producer`: Faust's own path costs 12 to 20 µs a record and only logs a failed send.
    enable_kafka_producer = False


class _NullMonitor(Monitor):
    """Faust's monitor without its work an event and its sampler; the metrics are in `telemetry`."""

    @mode.Service.task
    async def _sampler(self) -> None:
        """Nothing to sample."""

    def _ignore(self, *args: Any, **kwargs: Any) -> None:
        return None

    on_message_in = on_message_out = on_topic_buffer_full = _ignore
    on_stream_event_in = on_stream_event_out = _ignore
    on_commit_initiated = on_commit_completed = on_tp_commit = track_tp_end_offset = _ignore
    on_assignment_start = on_assignment_error = on_assignment_completed = _ignore
    on_rebalance_return = on_rebalance_end = _ignore

    def on_rebalance_start(self, app: Any) -> dict[str, Any]:
        return {"started": True}  # Faust warns when this is empty


class _NoTables(tables.TableManager):
    async def on_start(self) -> None:
        """Faust sleeps 1 s here for tables that might still be declared."""
        await self._update_channels()
        await self.recovery.start()


class App(faust.App):
    """One pipeline's Faust app; whatever crashes in it is told once, in the loop it runs in."""

    BootStrategy = _Boot

    def __init__(
        self,
        group: str,
        host: Host,
        settings: EngineSettings,
        crashed: Callable[[BaseException], None],
        reading: Cycle,
    ) -> None:
        self._own_loop = asyncio.get_running_loop()
        self._host = host
        self._engine_settings = settings
        self._told = crashed
        self._reading = reading
        super().__init__(group, loop=self._own_loop, **_options(settings))

    def _new_transport(self) -> transport.Transport:
        return transport.Transport(
            self.conf.broker_consumer, self, self._host, self._engine_settings, self._told, self._reading
        )

    def _create_directories(self) -> None:
        """None: without tables nothing is kept on disk."""

    def _crash(self, reason: BaseException) -> None:
        # Every service that crashes marks its parents, from its own thread; the app is the root.
        super()._crash(reason)
        self._own_loop.call_soon_threadsafe(self._told, reason)


def build(
    group: str,
    router_topics: Sequence[str],
    joiner_topic: str | None,
    host: Host,
    settings: EngineSettings,
    crashed: Callable[[BaseException], None],
    reading: Cycle,
) -> App:
    """
    The app with its agents, not yet started; call it in the loop it is to run in.

    Raises:
        UsageFault: code `engine.no_cython`, see `refuse_pure_python`.
    """
    refuse_pure_python()
    app = App(group, host, settings, crashed, reading)
    agents.add(app, router_topics, joiner_topic)
    return app


def refuse_pure_python() -> None:
    """
    Refuse to run without Faust's compiled parts: the pure ones acknowledge records that nobody has processed.

    Raises:
        UsageFault: code `engine.no_cython`.
    """
    if streams._CStreamIterator is None or conductor.ConductorHandler is None:
        raise errors.UsageFault(
            code="engine.no_cython",
            where="faust-streaming",
            what="the compiled (Cython) parts of Faust are missing; without them it loses records in a rebalance",
            fix="install the wheel (x86-64 glibc Linux, macOS arm64) or build with a C compiler, and unset NO_CYTHON",
        )


def _options(settings: EngineSettings) -> dict[str, Any]:
    """Faust's settings: all that touch our path are set, so that no default or environment variable decides."""
    return {
        # The transport is made by `App._new_transport`; aiokafka gets its addresses from `EngineSettings`.
        "broker": "aiokafka://",
        "broker_client_id": settings.client_id,
        "autodiscover": False,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "TableManager": _NoTables,
        "Monitor": _NullMonitor,
        "web_enabled": False,
        "topic_disable_leader": True,  # no `…-__assignor-__leader` topic
        "topic_allow_declare": False,  # topics are made by `topics`, with a partition count and a retention
        "table_standby_replicas": 0,  # else Faust's own assignor is used
        "reply_create_topic": False,
        "store": "memory://",
        "cache": "memory://",
        # Never made: see `App._create_directories`; named, because the default is under the working directory.
        "datadir": f"{tempfile.gettempdir()}/syncsvc-faust",
        "processing_guarantee": "at_least_once",  # "exactly_once" is Kafka to Kafka and logs most of its errors
        "stream_wait_empty": False,  # see `transport.Consumer.wait_empty`
        "stream_recovery_delay": 0.0,
        "stream_buffer_maxsize": 4096,  # chunks; the agents never let it fill
        "broker_commit_interval": settings.commit_interval_seconds,
        "broker_commit_every": None,
        "broker_session_timeout": settings.session_timeout_seconds,
        "broker_rebalance_timeout": settings.rebalance_timeout_seconds,
        "broker_request_timeout": max(settings.request_timeout_seconds, settings.session_timeout_seconds),
        "broker_heartbeat_interval": settings.heartbeat_interval_seconds,
        "broker_max_poll_interval": settings.most_idle_seconds,
        "cython_optimizations": False,  # opt-in paths of Faust that no one has run in production
        "worker_redirect_stdouts": False,
    }
