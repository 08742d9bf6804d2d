"""Source positions: they sort as bytes the way the events happened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.changes import position

PLACES = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.sampled_from([0, 1])
)


@given(PLACES, PLACES)
def test_positions_sort_as_the_numbers_they_hold(one, other):
    """Bytes compare as (file number, position, row, phase), whatever the numbers of digits."""
    assert (position.position(*one) < position.position(*other)) == (one < other)
    assert (position.position(*one) == position.position(*other)) == (one == other)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param((9, 5000, 3, 1), (10, 4, 0, 0), id="file 9 comes before file 10"),
        pytest.param((1, 99, 7, 1), (1, 100, 0, 0), id="position 99 comes before 100"),
        pytest.param((1, 4, 9, 1), (1, 4, 10, 0), id="row 9 comes before row 10 of the same event"),
        pytest.param((1, 4, 0, position.SNAPSHOT), (1, 4, 0, position.STREAMED), id="the snapshot is first"),
    ],
)
def test_the_earlier_place_is_the_smaller_one(earlier, later):
    """Where text would sort wrongly, bytes do not."""
    assert position.position(*earlier) < position.position(*later)
    assert len(position.position(*earlier)) == 17


@pytest.mark.parametrize("parts", [(2**32, 0, 0, 1), (1, 2**64, 0, 1), (1, 0, 2**32, 1), (1, -1, 0, 1)])
def test_a_place_outside_its_range_is_not_comparable(parts):
    """Nothing is wrapped around: such a position is empty, which means unknown."""
    assert position.position(*parts) == b""


@pytest.mark.parametrize(
    ("file", "taken_apart"),
    [
        ("mysql-bin.000012", ("mysql-bin", 12)),
        ("db.example.org-bin.1000000", ("db.example.org-bin", 1_000_000)),
        ("binlog", None),
        ("binlog.", None),
        ("binlog.index", None),
        ("binlog.٣", None),
        (f"binlog.{2**32}", None),
        ("", None),
        (None, None),
    ],
)
def test_a_file_is_its_base_and_the_number_behind_the_last_dot(file, taken_apart):
    """A name without a number that fits 32 bits gives no position."""
    assert position.binlog(file) == taken_apart
