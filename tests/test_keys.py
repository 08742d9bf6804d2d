"""Canonical bytes of keys: what is equal, how they sort, where they end, and which partition they lead to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from syncsvc import keys
from syncsvc.cli import written_keys

INTEGERS = st.integers(-(1 << 600), 1 << 600) | st.integers(-300, 300)
TEXTS = st.text()
DATETIMES = st.datetimes()
#: Decimals that a DECIMAL(65,30) column can hold.
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=12)
KINDS = [
    pytest.param(INTEGERS, id="integers of any size"),
    pytest.param(TEXTS, id="text, by code point"),
    pytest.param(st.binary(), id="bytes"),
    pytest.param(DATETIMES, id="datetimes, to the microsecond"),
]
ROWS = st.lists(st.tuples(st.none() | INTEGERS, st.none() | TEXTS), min_size=2, max_size=6)
VALUES = INTEGERS | TEXTS | st.binary() | DATETIMES | DECIMALS | st.none()


@pytest.mark.parametrize("values", KINDS)
@given(data=st.data())
def test_bytes_are_equal_and_sort_as_the_values_do(data: st.DataObject, values: st.SearchStrategy[Any]) -> None:
    """Equal bytes exactly for equal values, and a smaller value has smaller bytes."""
    first, second = data.draw(values), data.draw(values)
    one, two = keys.component(first), keys.component(second)

    assert (one == two) == (first == second)
    assert (one < two) == (first < second)


@given(DECIMALS, DECIMALS)
def test_decimals_sort_as_numbers(first: Decimal, second: Decimal) -> None:
    """`ORDER BY` a DECIMAL column, exact to the last digit."""
    one, two = (keys.sort_key((Decimal128(value),), (False,)) for value in (first, second))

    assert (one == two) == (first == second)
    assert (one < two) == (first < second)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_floats_sort_as_numbers(first: float, second: float) -> None:
    """`ORDER BY` a DOUBLE column."""
    one, two = keys.sort_key((first,), (False,)), keys.sort_key((second,), (False,))

    assert one <= two if first < second else first == second or one > two


@pytest.mark.parametrize("value", [1, True, Decimal(1), Decimal("1.000"), Decimal128("1")])
def test_one_is_the_same_key_whatever_the_type_of_its_column(value: object) -> None:
    """INT, BIGINT, TINYINT(1) and DECIMAL(10,3) columns join by value."""
    assert keys.canonical((value,)) == bytes.fromhex("1501")


def test_a_time_without_zone_is_the_same_key_as_in_utc() -> None:
    """BSON dates are UTC; DATETIME columns have no zone."""
    assert keys.component(datetime(2024, 5, 1, 12)) == keys.component(datetime(2024, 5, 1, 12, tzinfo=UTC))


def test_times_far_away_keep_their_microseconds() -> None:
    """Seconds as a float would lose them, and two rows would be one key."""
    near, far = (keys.component(datetime(9999, 12, 31, 23, 59, 59, digit)) for digit in (998, 999))

    assert near != far


def test_a_float_cannot_be_a_key() -> None:
    """Equality of floats is not that of SQL; the mapping refuses such a key long before."""
    with pytest.raises(TypeError, match="a float cannot be a key"):
        keys.component(1.5)


@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=4))
def test_no_key_is_the_beginning_of_another(first: list[object], second: list[object]) -> None:
    """So a scan by address finds the rows of that address and of no other."""
    arity = min(len(first), len(second))
    one, two = keys.canonical(first[:arity]), keys.canonical(second[:arity])

    assert one == two or not two.startswith(one)


BEHIND = st.binary(max_size=8).filter(lambda behind: behind[:1] != b"\xff")


@given(st.lists(VALUES, min_size=1, max_size=4), st.binary(max_size=8), BEHIND)
def test_a_key_says_where_it_ends(values: list[object], before: bytes, behind: bytes) -> None:
    """Addresses are cut out of state keys without a length; no tag and no role behind them begins with 0xff."""
    key = keys.canonical(values)

    assert keys.end_of(before + key + behind, len(before), len(values)) == len(before) + len(key)


NEAR_ENDS = st.binary(max_size=4).map(lambda raw: bytes(b"\0\1\2a\xff"[byte % 5] for byte in raw))


@given(NEAR_ENDS, NEAR_ENDS)
def test_no_key_begins_with_another(one: bytes, other: bytes) -> None:
    """What belongs to an address is found by its bytes: with a longer key behind a zero it would be another's too."""
    first, second = keys.component(one), keys.component(other)

    assert (first == second) == second.startswith(first) == (one == other)
    assert (first < second) == (one < other)
    assert written_keys.values(first, 1) == [f"0x{one.hex()}"]


@given(ROWS, st.booleans(), st.booleans())
def test_rows_sort_as_order_by_several_columns_does(rows: list[tuple[Any, Any]], one: bool, two: bool) -> None:
    """NULL first, or last where descending; the second column decides where the first is equal."""

    def nulls_first(value: Any) -> tuple[bool, Any]:
        return (value is not None, value if value is not None else 0)

    wanted = sorted(rows, key=lambda row: nulls_first(row[1]), reverse=two)
    wanted.sort(key=lambda row: nulls_first(row[0]), reverse=one)

    assert sorted(rows, key=lambda row: keys.sort_key(row, (one, two))) == wanted


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        pytest.param(None, "00", id="null"),
        pytest.param(0, "14", id="zero"),
        pytest.param(255, "15ff", id="one byte"),
        pytest.param(256, "160100", id="two bytes"),
        pytest.param(-1, "13fe", id="minus one"),
        pytest.param(-256, "12feff", id="two bytes below zero"),
        pytest.param(1 << 64, "1d09010000000000000000", id="more than eight bytes"),
        pytest.param(-(1 << 64), "0bf6feffffffffffffffff", id="more than eight bytes below zero"),
        pytest.param("a\0b\1", "02610101620102" "00", id="text with a zero and a one"),
        pytest.param(b"a", "016100", id="bytes"),
        pytest.param(Decimal("1.5"), "30038000313500", id="decimal"),
        pytest.param(Decimal("-1.5"), "30017fffcecaff", id="decimal below zero"),
        pytest.param(datetime(1970, 1, 1, 0, 0, 1), "31170f4240", id="time, in microseconds"),
    ],
)
def test_the_bytes_of_a_key_never_change(value: object, stored: str) -> None:
    """Invariant 6: keys are stored, and partitions follow from them; another byte needs another format number."""
    assert keys.component(value).hex() == stored


@pytest.mark.parametrize(
    ("text", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536), ("abc", 479470107)],
)
def test_murmur2_is_that_of_kafka(text: str, hashed: int) -> None:
    """The vectors of Kafka's own clients (`UtilsTest.testMurmur2`); theirs are signed."""
    assert keys.murmur2(text.encode()) == hashed % (1 << 32)


def test_a_partition_that_was_forgotten_is_found_again() -> None:
    """The memory of the partitioner is bounded and changes nothing."""
    partition_of = keys.Partitioner(8, most=2)
    addresses = [keys.component(number) for number in range(20)]
    first = [partition_of[address] for address in addresses]

    assert len(partition_of) <= 2
    assert [partition_of[address] for address in addresses] == first
    assert set(first) <= set(range(8))
