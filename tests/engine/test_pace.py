"""How long reading pauses after a small read."""

from __future__ import annotations

import dataclasses

import pytest

from syncsvc.engine.load import LOOK_SECONDS, Load
from syncsvc.engine.pace import Pace
from syncsvc.engine.settings import EngineSettings

SETTINGS = EngineSettings("nowhere:9092")
MOST = SETTINGS.pause_seconds
FEW = 3


class Loop:
    """A loop whose time and load are ours to say."""

    def __init__(self, settings: EngineSettings = SETTINGS) -> None:
        self.now = self.spent = 0.0
        self.pace = Pace(settings, Load(now=lambda: self.now, spent=lambda: self.spent))

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
    """A tenth of a core's work delays no change: reads follow each other within a millisecond."""
    loop.lives(10, busy=0.1)

    assert loop.pace.pause(FEW) < 0.002


def test_a_worker_that_is_never_idle_reads_seldom(loop: Loop) -> None:
    """Then a small read takes its time from the records of all others."""
    loop.lives(10, busy=1.0)

    assert loop.pace.pause(FEW) == pytest.approx(MOST, rel=0.01)


def test_half_of_the_load_is_a_quarter_of_the_pause(loop: Loop) -> None:
    """A worker that has still room does not behave as if it had none."""
    loop.lives(10, busy=0.5)

    assert loop.pace.pause(FEW) == pytest.approx(MOST / 4, rel=0.01)


@pytest.mark.parametrize("records", [0, SETTINGS.pause_below_records])
def test_a_worker_with_much_to_read_never_pauses(loop: Loop, records: int) -> None:
    """However busy it is: pauses make small reads larger, and these are large; nor where nothing was read."""
    loop.lives(10, busy=1.0)

    assert loop.pace.pause(records) == 0


def test_the_bound_is_a_setting() -> None:
    """Zero is no pause at all."""
    loop = Loop(dataclasses.replace(SETTINGS, pause_seconds=0.0))
    loop.lives(10, busy=1.0)

    assert loop.pace.pause(FEW) == 0
