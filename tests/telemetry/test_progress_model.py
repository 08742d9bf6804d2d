"""Invariant 9 against a model of two partitions: freshness is never better than the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from syncsvc.telemetry.progress import Progress

TOPIC = "meetup.meetup.event"
NOW = 1_000_000.0


@dataclass
class Log:
    """A partition as the broker has it: source time of each event, and how far we are."""

    times: list[float] = field(default_factory=list)
    fetched: int = 0
    applied: int = 0
    #: Events that were there when the end was polled last.
    polled: int = 0
    #: When each of them was first seen here, by our own clock.
    seen: list[float] = field(default_factory=list)


class NeverOptimistic(RuleBasedStateMachine):
    """Any order of commits, polls, fetches, acknowledgements, heartbeats, moves and waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.logs = [Log(), Log()]
        self.newest = 0.0
        #: When the broker was asked for its ends, and what it will answer.
        self.asked: tuple[float, list[int]] | None = None
        #: Seconds by which the source's clock is ahead of ours.
        self.ahead = 0.0
        self.progress = Progress()
        for number in (0, 1):
            self.progress.owned("router", TOPIC, number, 0)

    @initialize(ahead=st.sampled_from([0.0, 30.0]))
    def clocks_differ_or_not(self, ahead: float) -> None:
        """Whoever keeps them."""
        self.ahead = ahead

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        """Up to 40 s: polls get too old to prove anything."""
        self.now += seconds

    @rule(which=st.integers(0, 1), delay=st.floats(0, 20))
    def an_event_arrives(self, which: int, delay: float) -> None:
        """It was committed some time ago and can be fetched and polled from now on."""
        self.logs[which].times.append(self._next_source_time(delay))

    @rule(delay=st.floats(0, 20))
    def a_heartbeat_arrives(self, delay: float) -> None:
        """It proves nothing: the connector sends them while it is behind, too."""
        self.progress.heartbeat("meetup", math.floor((self.now + delay) * 1000))

    def _next_source_time(self, delay: float) -> float:
        # Source times do not go back; the connector may be late by `delay`.
        self.newest = max(self.newest, self.now + self.ahead - delay)
        return self.newest

    @rule(which=st.integers(0, 1), records=st.integers(1, 5))
    def records_are_fetched(self, which: int, records: int) -> None:
        """They wait from now on."""
        log = self.logs[which]
        log.fetched = min(len(log.times), log.fetched + records)
        self._tell_waiting(which)

    @precondition(lambda self: any(log.fetched > log.applied for log in self.logs))
    @rule(which=st.integers(0, 1), records=st.integers(1, 5))
    def a_step_is_durable(self, which: int, records: int) -> None:
        """Some of what was fetched is applied."""
        log = self.logs[which]
        until = min(log.fetched, log.applied + records)
        if until == log.applied:
            return
        oldest = log.times[log.applied]
        log.applied = until
        self.progress.applied(TOPIC, which, until, math.floor(oldest * 1000))
        self._tell_waiting(which)

    @rule()
    def ends_are_asked_for(self) -> None:
        """The broker looks at its logs; its answer is still on its way."""
        self.asked = (self.now, [len(log.times) for log in self.logs])

    @precondition(lambda self: self.asked is not None)
    @rule()
    def ends_are_answered(self) -> None:
        """Maybe after more events, heartbeats and time."""
        assert self.asked is not None
        asked_at, ends = self.asked
        self.asked = None
        self.progress.ends({(TOPIC, number): (0, end) for number, end in enumerate(ends)}, polled_at=asked_at)
        for log, end in zip(self.logs, ends, strict=True):
            log.polled = end
            log.seen += [self.now] * (end - len(log.seen))

    @rule(which=st.integers(0, 1))
    def the_partition_moves_here_again(self, which: int) -> None:
        """All that was known of it is gone but the fence."""
        log = self.logs[which]
        log.fetched, log.polled = log.applied, log.applied
        del log.seen[log.applied :]
        self.progress.disowned(TOPIC, which)
        last = math.floor(log.times[log.applied - 1] * 1000) if log.applied else None
        self.progress.owned("router", TOPIC, which, log.applied, last)

    def _tell_waiting(self, which: int) -> None:
        log = self.logs[which]
        oldest = math.floor(log.times[log.applied] * 1000) if log.fetched > log.applied else None
        self.progress.waiting(TOPIC, which, oldest, self.now)

    @invariant()
    def freshness_is_at_least_the_true_age(self) -> None:
        """For each partition, and for the pipeline."""
        view = self.progress.view(self.now)
        for seen in view.partitions:
            log = self.logs[seen.partition]
            truth = self.now - log.times[log.applied] if log.polled > log.applied else 0.0
            if log.polled > log.applied:
                truth = max(truth, self.now - log.seen[log.applied])
            if log.polled > log.applied or log.fetched > log.applied:
                assert seen.freshness_seconds > 0
                assert seen.state != "live"
            assert seen.freshness_seconds >= truth - 1e-6
            assert view.freshness_seconds is not None
            assert view.freshness_seconds >= seen.freshness_seconds


def test_freshness_is_never_optimistic() -> None:
    """
    Invariant 9.

    Whatever happened, the gauge is at least the age of the oldest event that the last poll could see and that is not
    durable.
    """
    run_state_machine_as_test(
        NeverOptimistic, settings=settings(max_examples=200, stateful_step_count=40, deadline=None)
    )
