"""Keys in reports: what is stored as canonical bytes is shown as a person would write it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from bson import Decimal128

from syncsvc.cli.written_keys import values
from syncsvc.keys import canonical

LARGE = 1 << 80


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((number, str(number)) for number in (0, 1, -1, 255, 256, -255, -256, -257, 70000, 1 << 63, -(1 << 63))),
        (LARGE, str(LARGE)),
        (-LARGE, str(-LARGE)),
        ("", ""),
        ("a\x00ü", "a\x00ü"),
        (b"\x00\xff", "0x00ff"),
        (Decimal("12.50"), "12.5"),
        (Decimal("-0.0125"), "-0.0125"),
        (Decimal128("1234567.8"), "1234567.8"),
        (datetime(2024, 2, 29, tzinfo=UTC), "2024-02-29"),
        (datetime(1, 1, 1, 1, 2, 3, 4000, UTC), "0001-01-01 01:02:03.004000"),
    ],
)
def test_a_value_of_a_key_is_shown_as_it_was_written(value: object, text: str) -> None:
    """Numbers in decimal, texts as they are, bytes in hex, moments in UTC."""
    assert values(canonical((value,)), 1) == [text]


def test_values_of_a_key_of_several_columns_are_told_apart() -> None:
    """Where one value ends is part of the key."""
    assert values(canonical((7, "a", None, b"")), 4) == ["7", "a", "null", "0x"]
