"""Rows as a server prints them become records as the connector sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncsvc.errors import CheckFailed, UsageFault
from syncsvc.mapping.model import Table
from syncsvc.source.events import key_event, snapshot_event
from syncsvc.source.printed import Printed


def sent(column_type: str, printed: Printed | None) -> Any:
    """What stands in the record for one printed value."""
    table = Table("shop.row", ("id",), {"id": "int", "x": column_type})
    _, value = snapshot_event(table, {"id": "1", "x": printed})
    return json.loads(value)["after"]["x"]


@pytest.mark.parametrize(
    ("column_type", "printed", "expected"),
    [
        ("int null", None, None),
        ("date null", "0000-00-00", None),
        ("date", "0000-00-00", 0),
        ("datetime(3)", "2024-00-15 00:00:00.000", 0),
        ("timestamp null", "0000-00-00 00:00:00", None),
        ("bit(1)", b"\x01", True),
        ("bit(9)", b"\x01\x02", "AgE="),
        ("json", "5", "5"),
        ("json", '"text"', '"text"'),
        ("blob", b"\x00\xff", "AP8="),
        ("vector(2)", b"\x00\x00\x80?\x00\x00\x00\xc0", [1.0, -2.0]),
        ("point as geojson", b"\xe6\x10\x00\x00\x01", {"srid": 4326, "wkb": "AQ=="}),
        ("varchar(9)", "2024-00-15", "2024-00-15"),
    ],
)
def test_a_printed_value_is_sent_as_the_connector_sends_it(column_type: str, printed: Printed, expected: Any) -> None:
    """Zero dates, bits with the least first, JSON as it is, bytes in base64, shapes with their reference system."""
    assert sent(column_type, printed) == expected


def test_the_key_of_a_record_has_the_columns_of_the_key() -> None:
    """In the order of the key."""
    table = Table("shop.row", ("b", "a"), {"a": "varchar(9)", "b": "int"})

    assert json.loads(snapshot_event(table, {"a": "x", "b": "2"})[0]) == {"b": 2, "a": "x"}
    assert json.loads(key_event(table, {"a": "x", "b": "2"})) == {"b": 2, "a": "x"}


def test_a_value_that_the_type_cannot_hold_is_told_without_the_value() -> None:
    """The column and what to do."""
    with pytest.raises(CheckFailed) as told:
        sent("tinyint", "secret")

    assert "shop.row.x" in str(told.value)
    assert "secret" not in str(told.value)


def test_a_key_that_a_person_misspells_is_told_with_the_value() -> None:
    """It is their own."""
    with pytest.raises(UsageFault, match="twelve"):
        key_event(Table("shop.row", ("id",), {"id": "int"}), {"id": "twelve"})
