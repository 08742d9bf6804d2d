"""
The fleet of this second, and of the last five minutes.

One task asks the service for its fleet once a second, however many pages are open, keeps a short history for the
charts and wakes the streams; while nobody looks it asks every five seconds, since it runs beside the actors.  A service
that cannot answer is shown as such; it does not end the server.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from syncsvc.telemetry.fleet import Fleet, FleetPipeline
from syncsvc.telemetry.status import PipelineStatus

LOG = logging.getLogger("syncsvc")
SAMPLE_SECONDS, IDLE_SAMPLE_SECONDS = 1.0, 5.0
#: Without a look at the page for so long, nobody looks.
LOOKED_SECONDS = 30.0
#: Five minutes of samples.
HISTORY = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """One pipeline at one second; None: not known."""

    freshness_seconds: float | None
    lag: int | None
    documents_per_second: float | None = None


#: Gives the fleet now.  It is called once a second from the web server's thread: it must be quick and only read.
FleetProvider = Callable[[], Fleet]


class Feed:
    """
    Latest fleet and history.

    Args:
        provider: gives the fleet now.
    """

    def __init__(self, provider: FleetProvider) -> None:
        self._provider = provider
        self._history: dict[tuple[str, int], deque[Sample]] = {}
        self._turn = asyncio.Event()
        self._failed = False
        self._looked_at = self._sampled_at = -math.inf
        #: The newest; None while the service cannot give one.
        self.latest: Fleet | None = None
        #: Its pipelines.
        self.pipelines: list[FleetPipeline] = []
        #: Unix seconds of it.
        self.at = 0.0
        #: True when the server stops.
        self.closed = False

    def history(self, pipeline: PipelineStatus) -> list[Sample]:
        """Samples of the last five minutes, a second apart, newest last."""
        return list(self._history.get((pipeline.name, pipeline.generation), ()))

    async def sample_forever(self) -> None:
        """Takes samples until cancelled."""
        while True:
            since = time.monotonic() - self._sampled_at
            if since >= (SAMPLE_SECONDS if self._watched() else IDLE_SAMPLE_SECONDS):
                self.sample()
                since = 0.0
            await asyncio.sleep(max(0.0, SAMPLE_SECONDS - since) or SAMPLE_SECONDS)

    def look(self) -> None:
        """Somebody looks: what is shown is at most a second old from now on."""
        if not self._watched() and time.monotonic() - self._sampled_at > SAMPLE_SECONDS:
            self.sample()
        self._looked_at = time.monotonic()

    def _watched(self) -> bool:
        return time.monotonic() - self._looked_at < LOOKED_SECONDS

    def sample(self) -> None:
        """Asks now and wakes who waits for `next`."""
        try:
            latest = self._provider()
            self.pipelines = latest.pipelines()
            self.latest = latest
            self._failed = False
        except Exception as error:
            self.latest, self.pipelines = None, []
            if not self._failed:
                LOG.warning("status_failed", extra={"fields": {"error": type(error).__name__}})
            self._failed = True
        now = time.monotonic()
        # What was not asked for in between counts as it is now, so that a second of the chart is a second.
        missed = now - self._sampled_at
        self._sampled_at, self.at = now, time.time()
        self._remember(1 if math.isinf(missed) else min(HISTORY, max(1, round(missed / SAMPLE_SECONDS))))
        self._wake()

    def _remember(self, seconds: int) -> None:
        if self.latest is None:
            for samples in self._history.values():
                samples.extend([Sample(None, None)] * seconds)
            return
        now = {(one.whole.name, one.whole.generation): one.whole for one in self.pipelines}
        for gone in self._history.keys() - now.keys():
            del self._history[gone]
        for place, pipeline in now.items():
            samples = self._history.setdefault(place, deque(maxlen=HISTORY))
            sample = Sample(pipeline.freshness_seconds, pipeline.lag, pipeline.documents_per_second)
            samples.extend([sample] * seconds)

    def _wake(self) -> None:
        self._turn.set()
        self._turn = asyncio.Event()

    def close(self) -> None:
        """Ends all streams."""
        self.closed = True
        self._wake()

    async def next(self) -> None:
        """Returns at the next sample, or when the feed is closed."""
        if not self.closed:
            await self._turn.wait()
