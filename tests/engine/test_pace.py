"""How long reading pauses after a small read."""

from __future__ import annotations

import dataclasses

import pytest

from syncsvc.engine.pace import Pace
from syncsvc.engine.settings import EngineSettings

SETTINGS = EngineSettings("nowhere:9092")
MOST = SETTINGS.pause_seconds
FEW = 3


def pause(load: float, records: int = FEW, settings: EngineSettings = SETTINGS) -> float:
    """Seconds after a read of so many records, in a loop that is busy for such a share of its time."""
    return Pace(settings, lambda: load).pause(records)


def test_a_worker_with_time_to_spare_hardly_pauses() -> None:
    """A tenth of a core's work delays no change: reads follow each other within a millisecond."""
    assert pause(0.1) < 0.002


def test_a_worker_that_is_never_idle_reads_seldom() -> None:
    """Then a small read takes its time from the records of all others."""
    assert pause(1.0) == MOST


def test_half_of_the_load_is_a_quarter_of_the_pause() -> None:
    """A worker that has still room does not behave as if it had none."""
    assert pause(0.5) == MOST / 4


@pytest.mark.parametrize("records", [0, SETTINGS.pause_below_records])
def test_a_worker_with_much_to_read_never_pauses(records: int) -> None:
    """However busy it is: pauses make small reads larger, and these are large; nor where nothing was read."""
    assert pause(1.0, records) == 0


def test_the_bound_is_a_setting() -> None:
    """Zero is no pause at all."""
    assert pause(1.0, settings=dataclasses.replace(SETTINGS, pause_seconds=0.0)) == 0
