"""
The worker's numbers: one registry of our own, filled through `of(pipeline)` and read by `render`.

Counters are fed per batch, not per record, by objects that already hold their series.  Lag, freshness, state and
queues are not fed at all: a collector asks when somebody scrapes, so a frozen event loop cannot freeze them.  This
package is the only one that knows the Prometheus client.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from importlib import metadata

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from syncsvc.telemetry.families import Families
from syncsvc.telemetry.lag import COMPUTED, LagCollector
from syncsvc.telemetry.pipeline_metrics import PipelineLabels, PipelineMetrics
from syncsvc.telemetry.progress import Progress

__all__ = ["Metrics", "PipelineLabels", "PipelineMetrics"]

#: Commands to MongoDB that have series of their own; the rest is `other`.
COMMANDS = (
    "aggregate", "commitTransaction", "abortTransaction", "delete", "find", "findAndModify", "getMore", "insert",
    "killSessions", "update", "other",
)  # fmt: skip
COMMAND_OUTCOMES = ("ok", "failed")
POOL_STATES = ("open", "in_use")


class Metrics:
    """
    All metrics of one worker process.

    Args:
        pipelines: what runs here; all their label sets exist with 0 from now on.
        version: of this package.
        revision: of the source tree it was built from; "" when not known.
        keyed_kinds: kinds of records of the keyed topic.
        clock: Unix seconds; asked when somebody scrapes.
    """

    def __init__(
        self,
        pipelines: Iterable[PipelineLabels],
        *,
        version: str,
        revision: str = "",
        keyed_kinds: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        # They double the number of series, and nothing of ours reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the client has no annotation there
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        families = Families(self.registry, COMPUTED)
        families.gauge("build_info").labels(
            version, revision, metadata.version("faust-streaming"), platform.python_version()
        ).set(1)
        self._loop_lag = families.histogram("event_loop_lag_seconds")
        durations = families.histogram("mongo_command_duration_seconds")
        self._commands = {
            (name, outcome): durations.labels(name, outcome) for name in COMMANDS for outcome in COMMAND_OUTCOMES
        }
        self._pool = {state: families.gauge("mongo_pool_connections").labels(state) for state in POOL_STATES}
        kinds = tuple(keyed_kinds)
        known = tuple(pipelines)
        self._pipelines = {labels.name: PipelineMetrics(labels, families, kinds) for labels in known}
        progress = {x.name: Progress(heartbeat_seconds=x.heartbeat_seconds) for x in known}
        self._clock = clock
        standings = {name: metrics.standing for name, metrics in self._pipelines.items()}
        self._lag = LagCollector(progress, standings, clock)
        self.registry.register(self._lag)

    def of(self, pipeline: str) -> PipelineMetrics:
        """The counters of one pipeline; keep it, do not look it up per record."""
        return self._pipelines[pipeline]

    def progress(self, pipeline: str) -> Progress:
        """Where the pipeline's actors report what they own and how far they are."""
        return self._lag.progress[pipeline]

    def state(self, pipeline: str) -> str:
        """The state of a pipeline as it is now, one of `status.STATES`; safe from any thread."""
        now = self._clock()
        return self._pipelines[pipeline].standing.state(self._lag.progress[pipeline].view(now), now)

    def mongo_command(self, command: str, outcome: str, seconds: float) -> None:
        """A command to MongoDB was answered; `outcome` is one of `COMMAND_OUTCOMES`.  Called from any thread."""
        self._commands[command if command in COMMANDS else "other", outcome].observe(seconds)

    def mongo_pool(self, size: int, in_use: int) -> None:
        """Connections to MongoDB now.  Called from any thread."""
        self._pool["open"].set(size)
        self._pool["in_use"].set(in_use)

    def loop_lag(self, seconds: float) -> None:
        """How late the event loop's tick came."""
        self._loop_lag.observe(seconds)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """`(body, content type)` in the format the HTTP header `accept` asks for; safe from any thread."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type
