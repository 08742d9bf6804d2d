"""How busy a loop is."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.engine import load
from syncsvc.engine.load import LOOK_SECONDS, Load


class Meters:
    """A clock and a meter that are ours to set."""

    def __init__(self) -> None:
        self.now = self.spent = 0.0
        self.load = Load(now=lambda: self.now, spent=lambda: self.spent)

    def go_on(self, seconds: float, busy: float) -> None:
        """The loop is busy for a share of the seconds, and is asked all the while."""
        for _ in range(round(seconds / LOOK_SECONDS)):
            self.now += LOOK_SECONDS
            self.spent += LOOK_SECONDS * busy
            self.load.share()


@pytest.fixture
def meters() -> Meters:
    """Those of a loop that has just started."""
    return Meters()


@pytest.mark.parametrize("busy", [0.0, 0.5, 1.0])
def test_a_steady_load_is_what_is_told(meters: Meters, busy: float) -> None:
    """Within seconds."""
    meters.go_on(10, busy)

    assert meters.load.share() == pytest.approx(busy, abs=0.01)


def test_a_moment_of_work_is_no_load(meters: Meters) -> None:
    """A fold of many records fills a loop for a moment; what it did in about a second counts."""
    meters.go_on(10, 0.1)
    meters.go_on(LOOK_SECONDS, 1.0)

    assert meters.load.share() < 0.4


def test_a_load_that_is_over_is_forgotten(meters: Meters) -> None:
    """Within seconds: what the load has slowed down is as fast as before."""
    meters.go_on(10, 1.0)
    meters.go_on(3, 0.1)

    assert meters.load.share() < 0.15


@given(st.lists(st.tuples(st.floats(0.001, 100), st.floats(-200, 200)), max_size=30))
def test_no_reading_of_the_meters_leads_beyond_the_bounds(readings: list[tuple[float, float]]) -> None:
    """A stopped or a leaping clock of the system cannot make anything wait longer than its longest pause."""
    meters = Meters()
    for elapsed, spent in readings:
        meters.now += elapsed
        meters.spent += spent

        assert 0.0 <= meters.load.share() <= 1.0


def test_what_a_thread_spends_is_work_and_waiting_for_a_core_but_not_sleep() -> None:
    """Measured on this system: the meter that production uses."""
    slept = load.spent()
    threading.Event().wait(0.2)
    worked = load.spent()
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass
    ended = load.spent()

    assert worked - slept < 0.1
    assert ended - worked > 0.09


def test_a_system_that_does_not_tell_about_waiting_tells_about_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside Linux there is no such file."""
    monkeypatch.setattr(load, "_SCHEDSTAT", load.Path("/nowhere/schedstat"))

    assert load.spent() == pytest.approx(time.thread_time(), abs=0.05)
