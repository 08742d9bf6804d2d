"""Fields: a row as BSON elements, byte for byte those of the codec."""

from __future__ import annotations

from datetime import UTC, datetime

import bson
import pytest
from bson import Binary, Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.routing.fields import Fields

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    st.text(),
    st.text(min_size=500, max_size=520),
    st.binary(),
    st.binary().map(Binary),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**20, min_value=-(10**20)).map(Decimal128),
    MOMENTS,
    st.lists(st.text(), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 9)),
)


@given(st.lists(VALUES, max_size=6))
def test_elements_are_those_of_the_codec(values: list[object]) -> None:
    """Whatever the values are, what stands in a document is what MongoDB's own codec would have written."""
    names = [f"column {number}" for number in range(len(values))]
    document = bson.encode(dict(zip(names, values, strict=True)))

    assert Fields(names, range(len(values))).encode(tuple(values)) == document[4:-1]


def test_fields_come_in_their_own_order() -> None:
    """Places say where in the row a field is; the order is that of the names, also of names that are not ASCII."""
    found = Fields(["é", "a"], [2, 0]).encode((1, 2, "x"))

    assert list(bson.decode(bson.encode({"é": "x", "a": 1})).items()) == [("é", "x"), ("a", 1)]
    assert found == bson.encode({"é": "x", "a": 1})[4:-1]


def test_an_integer_beyond_64_bits_is_the_codecs_error() -> None:
    """BSON has no such number, and nothing is cut."""
    with pytest.raises(OverflowError):
        Fields(["a"], [0]).encode((1 << 63,))
