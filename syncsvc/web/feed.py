"""
The status of this second, and of the last five minutes.

One task asks the service for its status once a second, however many pages are open, keeps a short history for the
charts and wakes the streams.  A service that cannot answer is shown as such; it does not end the server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass

from syncsvc.telemetry.status import PipelineStatus, Status, StatusProvider

LOG = logging.getLogger("syncsvc")
SAMPLE_SECONDS = 1.0
#: Five minutes of samples.
HISTORY = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """One pipeline at one second; None: not known."""

    freshness_seconds: float | None
    lag: int | None


class Feed:
    """
    Latest status and history.

    Args:
        provider: gives the status now.
    """

    def __init__(self, provider: StatusProvider) -> None:
        self._provider = provider
        self._history: dict[str, deque[Sample]] = {}
        self._turn = asyncio.Event()
        self._failed = False
        #: The newest status; None while the service cannot give one.
        self.latest: Status | None = None
        #: Unix seconds of it.
        self.at = 0.0
        #: True when the server stops.
        self.closed = False

    def history(self, pipeline: str) -> list[Sample]:
        """Samples of the last five minutes, a second apart, newest last."""
        return list(self._history.get(pipeline, ()))

    async def sample_forever(self) -> None:
        """Takes a sample a second until cancelled."""
        while True:
            self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    def sample(self) -> None:
        """Asks now and wakes who waits for `next`."""
        try:
            self.latest = self._provider()
            self._failed = False
        except Exception as error:
            self.latest = None
            if not self._failed:
                LOG.warning("status_failed", extra={"fields": {"error": type(error).__name__}})
            self._failed = True
        self.at = time.time()
        if self.latest is not None:
            for pipeline in self.latest.pipelines:
                self._remember(pipeline)
        self._wake()

    def _remember(self, pipeline: PipelineStatus) -> None:
        samples = self._history.setdefault(pipeline.name, deque(maxlen=HISTORY))
        samples.append(Sample(pipeline.freshness_seconds, pipeline.lag))

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
