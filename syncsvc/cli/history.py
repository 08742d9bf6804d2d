"""
What `status --watch` remembers between two looks: enough for rates, an estimate of the end, and a line of the past.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from syncsvc.cli.standing import Standing

#: Looks that are remembered: a line of the past that fits beside the figures.
MOST = 30
#: Looks over which a rate is taken: short enough to follow, long enough not to flicker.
RATE_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Look:
    """Where everything stood at one moment."""

    #: Unix seconds.
    at: float
    found: tuple[Standing, ...]


@dataclass(slots=True)
class History:
    """The looks of one watch, oldest first."""

    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=MOST))

    def add(self, at: float, found: Iterable[Standing]) -> None:
        """One more look."""
        self.looks.append(Look(at, tuple(found)))

    def lags(self, pipeline: Standing, topic: str) -> list[int]:
        """Lag of a topic at each look, in all partitions together; looks at which it was not known are left out."""
        lags = []
        for look in self.looks:
            parts = [p.lag for s in look.found if _same(s, pipeline) for p in s.partitions if p.topic == topic]
            if parts and None not in parts:
                lags.append(sum(lag for lag in parts if lag is not None))
        return lags

    def rate(self, pipeline: Standing, topic: str | None = None) -> float | None:
        """
        Records a second that became durable, of one topic or in all; None: there are not two looks yet.

        A partition counts once it was opened, so a worker's start is no burst.
        """
        if len(self.looks) < 2:
            return None
        first, last = self.looks[-min(RATE_LOOKS, len(self.looks))], self.looks[-1]
        before = _offsets(first.found, pipeline, topic)
        done = sum(
            offset - before[place] for place, offset in _offsets(last.found, pipeline, topic).items() if place in before
        )
        return max(0, done) / max(last.at - first.at, 0.001)

    def copy_left_seconds(self, pipeline: Standing) -> float | None:
        """How long the first copy will still read, if it goes on as it did; None: it is over, or nobody can tell."""
        copies = [
            (look.at, standing.first_copy) for look in self.looks for standing in look.found
            if _same(standing, pipeline) and standing.first_copy is not None
        ]  # fmt: skip
        recent = copies[-RATE_LOOKS:]
        if len(recent) < 2:
            return None
        (began, first), (ended, last) = recent[0], recent[-1]
        assert first is not None
        assert last is not None
        done = last[0] - first[0]
        return (last[1] - last[0]) * (ended - began) / done if done > 0 else None


def _same(one: Standing, other: Standing) -> bool:
    """Whether both are of one generation: two of a pipeline read the same topics, each at its own pace."""
    return (one.pipeline, one.generation) == (other.pipeline, other.generation)


def _offsets(found: Sequence[Standing], pipeline: Standing, topic: str | None) -> dict[tuple[str, str, int], int]:
    return {
        (p.stage, p.topic, p.partition): p.offset
        for s in found
        if _same(s, pipeline)
        for p in s.partitions
        if p.offset is not None and topic in (None, p.topic)
    }
