"""
Startup, liveness and readiness: has this process begun, may it stay, and does it work.

Started says that every pipeline joined its group once; it stays so, and until then Kubernetes asks nothing else.  Live
says that the event loop turns.  It never looks at Kafka, MongoDB or lag: a dependency that is down must not make
Kubernetes restart every worker.  Ready says that every pipeline got an assignment (an empty one counts), that the
state of its partitions is loaded, and that the worker is not draining; it does not look at lag either, so that a
rollout which repairs the lag is not held up by it.  Written by the main loop, read by the web server's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: Far longer than any callback of ours; Kubernetes adds its own failure threshold on top.
MOST_SECONDS_WITHOUT_TICK = 30.0
#: Fine enough to see a stall of a quarter second, coarse enough to cost nothing.
TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Answer of a probe."""

    ok: bool
    #: Why not, or what was looked at; for people.
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, bool | list[str]]:
        """`{ok, reasons}`."""
        return {"ok": self.ok, "reasons": list(self.reasons)}


class Health:
    """
    What the probes look at.

    Args:
        pipelines: names; the worker is not ready before each of them was assigned its partitions.
        clock: monotonic seconds.
        most_seconds: without a tick, after which the process is not live.
    """

    def __init__(
        self,
        pipelines: Iterable[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        most_seconds: float = MOST_SECONDS_WITHOUT_TICK,
    ) -> None:
        self._clock = clock
        self._most_seconds = most_seconds
        self._ticked_at = clock()
        self._unassigned = frozenset(pipelines)
        self._loading: frozenset[tuple[str, str, int]] = frozenset()
        self._draining = False

    def tick(self) -> None:
        """The event loop turned."""
        self._ticked_at = self._clock()

    def assigned(self, pipeline: str) -> None:
        """An assignment arrived, maybe an empty one; call `loading` for its new partitions first."""
        self._unassigned -= {pipeline}

    def loading(self, pipeline: str, topic: str, partition: int) -> None:
        """The state of this partition is being loaded."""
        self._loading |= {(pipeline, topic, partition)}

    def loaded(self, pipeline: str, topic: str, partition: int) -> None:
        """It is loaded, or the partition was given back before it was."""
        self._loading -= {(pipeline, topic, partition)}

    def draining(self) -> None:
        """The worker was told to stop."""
        self._draining = True

    def live(self) -> Verdict:
        """Whether the event loop ticked lately."""
        seconds = self._clock() - self._ticked_at
        said = f"the event loop turned {seconds:.1f} s ago, at most {self._most_seconds:.0f} s are allowed"
        return Verdict(seconds < self._most_seconds, (said,))

    def started(self) -> Verdict:
        """Whether every pipeline was assigned its partitions once, and the event loop turns."""
        live = self.live()
        waiting = self._without_assignment()
        return Verdict(live.ok and not waiting, (*waiting, *live.reasons))

    def ready(self) -> Verdict:
        """Whether partitions are assigned and loaded and nobody asked to stop."""
        reasons = self._without_assignment()
        reasons += [f"{name}: loading {topic}[{number}]" for name, topic, number in sorted(self._loading)]
        if self._draining:
            reasons.append("stopping: finishing what is in flight")
        return Verdict(not reasons, tuple(reasons))

    def _without_assignment(self) -> list[str]:
        return [f"{pipeline}: no assignment yet" for pipeline in sorted(self._unassigned)]


async def keep_ticking(health: Health, loop_lag: Callable[[float], None]) -> None:
    """Runs in the main loop until cancelled: ticks, and reports in seconds how late each tick came."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        health.tick()
        loop_lag(max(0.0, loop.time() - due))
