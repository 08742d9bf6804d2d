"""
The worker's numbers: one registry of our own, filled through `of(pipeline)` and read by `render`.

Counters are fed per batch, not per record, by objects that already hold their series.  Lag and freshness are not fed
at all: a collector asks `Progress` when somebody scrapes, so a frozen event loop cannot freeze them.  This package is
the only one that knows the Prometheus client.
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
        kinds = tuple(keyed_kinds)
        known = tuple(pipelines)
        self._pipelines = {labels.name: PipelineMetrics(labels, families, kinds) for labels in known}
        progress = {x.name: Progress(heartbeat_seconds=x.heartbeat_seconds) for x in known}
        self._lag = LagCollector(progress, clock)
        self.registry.register(self._lag)

    def of(self, pipeline: str) -> PipelineMetrics:
        """The counters of one pipeline; keep it, do not look it up per record."""
        return self._pipelines[pipeline]

    def progress(self, pipeline: str) -> Progress:
        """Where the pipeline's actors report what they own and how far they are."""
        return self._lag.progress[pipeline]

    def loop_lag(self, seconds: float) -> None:
        """How late the event loop's tick came."""
        self._loop_lag.observe(seconds)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """`(body, content type)` in the format the HTTP header `accept` asks for; safe from any thread."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type
