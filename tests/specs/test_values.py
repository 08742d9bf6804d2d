"""
A value as the database prints it becomes what the connector sends, and comes out as the document shows it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from bson import Binary, Decimal128, Int64

from syncsvc.cases import wire
from syncsvc.changes import columns
from syncsvc.mapping import document
from syncsvc.mapping.findings import Findings, Places

_UUID = bytes(range(16))
VALUES = [
    ("tinyint(1)", "true", True),
    ("tinyint(1)", "0", False),
    ("tinyint(1) as int", "2", 2),
    ("int", "-5", -5),
    ("int unsigned", "4294967295", Int64(4294967295)),
    ("bigint", "-9223372036854775808", Int64(-(1 << 63))),
    ("bigint unsigned as decimal", "18446744073709551615", Decimal128("18446744073709551615")),
    ("decimal(12,2)", "12.3", Decimal128("12.30")),
    ("decimal(12,2)", '"-0.05"', Decimal128("-0.05")),
    ("decimal(12,2) as text", "12", "12.00"),
    ("decimal(5,0)", "7", Decimal128("7")),
    ("float", "1.1", 1.1),
    ("double", "1e300", 1e300),
    ("year", "1999", 1999),
    ("varchar(9)", "12", "12"),
    ("varchar(9)", "true", "true"),
    ("varchar(9)", '"null"', "null"),
    ("text", '""', ""),
    ("enum('a','b,c')", '"b,c"', "b,c"),
    ("set('a','b')", '"a,b"', ["a", "b"]),
    ("set('a','b')", '""', []),
    ("json", "{a: [1, 2.5, null, true, x]}", {"a": [1, 2.5, None, True, "x"]}),
    ("json", "'{\"a\": 1}'", {"a": 1}),
    ("json", "words", "words"),
    ("binary(3)", "0x0102", b"\x01\x02\x00"),
    ("binary(16) as uuid", f"0x{_UUID.hex()}", Binary(_UUID, 4)),
    ("binary(16) as uuid", "00010203-0405-0607-0809-0a0b0c0d0e0f", Binary(_UUID, 4)),
    ("varbinary(9)", "0x", b""),
    ("blob", "0x00ff", b"\x00\xff"),
    ("bit(1)", "1", True),
    ("bit(12)", "2049", Int64(2049)),
    ("bit(12) as bytes", "0b100000000001", b"\x08\x01"),
    ("date", "2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
    ("date", "1000-01-01", datetime(1000, 1, 1, tzinfo=UTC)),
    ("datetime", '"2024-01-02 03:04:05"', datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ("datetime(3)", "2024-01-02 03:04:05.678", datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
    ("datetime(6) as micros", '"1970-01-01 00:00:01.000001"', Int64(1_000_001)),
    ("timestamp(3)", '"2024-01-02 03:04:05.678"', datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
    ("time(6)", '"-838:59:58.000001"', Int64(-3_020_398_000_001)),
]  # fmt: skip


def _node(text: str) -> document.Node:
    found = document.parse(f"- {text}", Findings(Places("x")))
    assert isinstance(found, document.Items)
    return found.items[0]


@pytest.mark.parametrize(("column_type", "text", "shown"), VALUES, ids=[f"{t} {v}" for t, v, _ in VALUES])
def test_a_printed_value_comes_out_as_the_document_shows_it(column_type: str, text: str, shown: Any) -> None:
    """Read back by the code that reads the connector's records."""
    how = columns.column(column_type)
    sent = msgspec.json.decode(msgspec.json.encode(wire.encoded(column_type, _node(text))), type=how.wire)
    found = sent if how.convert is None else how.convert(sent)

    assert (type(found), found) == (type(shown), shown)


@pytest.mark.parametrize(
    ("column_type", "text"),
    [
        ("int", "1.5"), ("int", "x"), ("tinyint", "128"), ("int unsigned", "-1"), ("decimal(4,2)", "1.234"),
        ("decimal(4,2)", "1e3"), ("date", "2024-02-30"), ("datetime", '"2024-01-01 00:00:00.5"'), ("blob", "ff"),
        ("time", "12"), ("varchar(9)", "[a]"), ("varchar(9)", "{a: 1}"), ("float", "x"), ("bit(1)", "maybe"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_the_column_is_refused(column_type: str, text: str) -> None:
    """With a reason, before anything runs."""
    with pytest.raises(ValueError, match=r"\w"):
        wire.encoded(column_type, _node(text))
