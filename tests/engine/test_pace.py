"""How long reading pauses after a small read."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.engine import pace
from syncsvc.engine.pace import LOOK_SECONDS, Pace
from syncsvc.engine.settings import EngineSettings

SETTINGS = EngineSettings("nowhere:9092")
LEAST, MOST = SETTINGS.pause_seconds, SETTINGS.most_pause_seconds
FEW = 3


class Loop:
    """A loop whose time and load are ours to say."""

    def __init__(self) -> None:
        self.now = self.spent = 0.0
        self.pace = Pace(SETTINGS, now=lambda: self.now, spent=lambda: self.spent)

    def lives(self, seconds: float, busy: float) -> None:
        """It is busy for a share of the seconds, and reads all the while."""
        for _ in range(round(seconds / LOOK_SECONDS)):
            self.now += LOOK_SECONDS
            self.spent += LOOK_SECONDS * busy
            self.pace.pause(FEW)


@pytest.fixture
def loop() -> Loop:
    """One that has just started."""
    return Loop()


def test_a_worker_with_time_to_spare_hardly_pauses(loop: Loop) -> None:
    """Half a core's work delays no change: reads follow each other within milliseconds."""
    loop.lives(10, busy=0.5)

    assert loop.pace.pause(FEW) == LEAST


def test_a_worker_that_is_never_idle_reads_seldom(loop: Loop) -> None:
    """Then a small read takes its time from the records of all others."""
    loop.lives(10, busy=1.0)

    assert loop.pace.pause(FEW) == pytest.approx(MOST)


def test_a_moment_of_work_does_not_slow_it_down(loop: Loop) -> None:
    """A fold of many records fills a loop for a moment; the load of about a second counts."""
    loop.lives(10, busy=0.1)
    loop.lives(LOOK_SECONDS, busy=1.0)

    assert loop.pace.pause(FEW) == LEAST


def test_it_is_as_fast_as_before_when_the_load_is_over(loop: Loop) -> None:
    """Within seconds."""
    loop.lives(10, busy=1.0)
    loop.lives(3, busy=0.1)

    assert loop.pace.pause(FEW) == LEAST


@pytest.mark.parametrize("records", [0, SETTINGS.pause_below_records])
def test_a_worker_with_much_to_read_never_pauses(loop: Loop, records: int) -> None:
    """However busy it is: pauses make small reads larger, and these are large; nor where nothing was read."""
    loop.lives(10, busy=1.0)

    assert loop.pace.pause(records) == 0


@given(st.lists(st.tuples(st.floats(0.001, 100), st.floats(0, 200)), max_size=30))
def test_no_reading_of_the_meters_leads_beyond_the_bounds(readings: list[tuple[float, float]]) -> None:
    """A stopped or a leaping clock of the system cannot make a change wait longer than the longest pause."""
    loop = Loop()
    for elapsed, spent in readings:
        loop.now += elapsed
        loop.spent += spent

        assert LEAST <= loop.pace.pause(FEW) <= MOST


def test_the_bounds_are_settings() -> None:
    """Equal ones are a fixed pause."""
    settings = dataclasses.replace(SETTINGS, pause_seconds=0.02, most_pause_seconds=0.02)

    assert Pace(settings).pause(FEW) == 0.02


def test_what_a_thread_spends_is_work_and_waiting_for_a_core_but_not_sleep() -> None:
    """Measured on this system: the meter that production uses."""
    slept = pace.spent()
    threading.Event().wait(0.2)
    worked = pace.spent()
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass
    ended = pace.spent()

    assert worked - slept < 0.1
    assert ended - worked > 0.09


def test_a_system_that_does_not_tell_about_waiting_tells_about_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside Linux there is no such file."""
    monkeypatch.setattr(pace, "_SCHEDSTAT", pace.Path("/nowhere/schedstat"))

    assert pace.spent() == pytest.approx(time.thread_time(), abs=0.05)
