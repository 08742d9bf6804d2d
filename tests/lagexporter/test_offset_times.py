"""Lag in seconds, estimated from when the end of a partition was seen where."""

from __future__ import annotations

import math

from syncsvc.telemetry.offset_times import MOST_POINTS, OffsetTimes

NOW = 1_000_000.0


def seen(*points: tuple[int, float]) -> OffsetTimes:
    """A table of sightings: `(end offset, seconds before NOW)`."""
    times = OffsetTimes()
    for offset, ago in points:
        times.add(offset, NOW - ago)
    return times


def test_a_group_at_the_end_has_no_lag_in_seconds() -> None:
    """Also on the very first look, and when it has committed beyond the end that was seen."""
    assert seen((100, 0)).lag_seconds(100, NOW) == 0
    assert seen((100, 0)).lag_seconds(105, NOW) == 0


def test_between_two_sightings_records_are_taken_to_come_evenly() -> None:
    """Half of the way between 60 s and 30 s ago is 45 s ago."""
    times = seen((0, 60), (100, 30), (300, 0))

    assert times.lag_seconds(50, NOW) == 45
    assert times.lag_seconds(200, NOW) == 15


def test_an_offset_older_than_all_sightings_is_extrapolated() -> None:
    """From the first to the last: ten records a second, so record -100 is ten seconds older than the first."""
    assert seen((0, 60), (600, 0)).lag_seconds(-100, NOW) == 70


def test_with_one_sighting_nothing_can_be_said() -> None:
    """NaN, which no alert takes for healthy and no board for 0."""
    assert math.isnan(seen((100, 0)).lag_seconds(90, NOW))


def test_a_topic_at_rest_does_not_fill_the_table() -> None:
    """The records before the rest stay known however long it lasts, and lag goes on growing."""
    times = seen((0, 1000), (100, 900))
    for ago in range(899, -1, -1):
        times.add(100, NOW - ago)
    times.add(200, NOW + 10)

    assert times.lag_seconds(50, NOW + 10) == 960


def test_a_topic_made_anew_begins_anew() -> None:
    """Its ends go back; times of the old one say nothing."""
    times = seen((500, 60), (600, 30), (5, 20))

    assert math.isnan(times.lag_seconds(3, NOW))


def test_the_table_is_bounded() -> None:
    """The oldest sightings go; what is older is extrapolated from the rest."""
    times = seen(*((offset, 10_000 - offset) for offset in range(0, 10_000, 10)))

    assert times.lag_seconds(10_000 - 10 * MOST_POINTS - 300, NOW) == 10 * MOST_POINTS + 300
