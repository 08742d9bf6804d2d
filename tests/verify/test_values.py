"""
What a column shows, from what a real server prints: the second opinion on every type that is carried.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64

from syncsvc.devstack.stack import Stack
from syncsvc.mapping.model import Table
from syncsvc.source import connection as sql
from syncsvc.verify import session, values
from syncsvc.verify.rows import Rows

pytestmark = pytest.mark.servers

_UUID = bytes(range(16))
CASES = [
    ("tinyint(1)", "2", False),
    ("tinyint(1)", "1", True),
    ("tinyint(1) as int", "2", 2),
    ("int", "-5", -5),
    ("int unsigned", "4294967295", Int64(4294967295)),
    ("bigint", "-9223372036854775808", Int64(-(1 << 63))),
    ("bigint unsigned", "7", Int64(7)),
    ("bigint unsigned as decimal", "18446744073709551615", Decimal128("18446744073709551615")),
    ("decimal(12,2)", "12.30", Decimal128("12.30")),
    ("decimal(12,2)", "-0.00", Decimal128("0.00")),
    ("decimal(12,2) as text", "12.3", "12.30"),
    ("float", "16777217.0", 16777200.0),
    ("float", "1.1", 1.1),
    ("float", "123456.789", 123457.0),
    ("float", "1000.365", 1000.36),
    ("float(10,3)", "1234567.125", 1234567.125),
    ("double", "1.1", 1.1),
    ("year", "1999", 1999),
    ("char(5)", "'ab'", "ab"),
    ("varchar(5)", "'å\\\\😀'", "å\\😀"),
    ("text", "''", ""),
    ("enum('a','b')", "'b'", "b"),
    ("set('a','b','c')", "'c,a'", ["a", "c"]),
    ("set('a','b','c')", "''", []),
    ("json", '\'{"b": [1, 2.0, null, 12345678901234567890]}\'',
     {"b": [1, 2.0, None, Decimal128("12345678901234567890")]}),
    ("json", "'[1e15, -2e18, 1e300]'", [10**15, -2 * 10**18, 1e300]),
    ("binary(3)", "x'0102'", b"\x01\x02\x00"),
    ("binary(16) as uuid", f"x'{_UUID.hex()}'", Binary(_UUID, 4)),
    ("varbinary(9)", "x'00FF'", b"\x00\xff"),
    ("blob", "x'00FF'", b"\x00\xff"),
    ("bit(1)", "b'1'", True),
    ("bit(12)", "b'100000000001'", Int64(0x801)),
    ("bit(12) as bytes", "b'100000000001'", b"\x08\x01"),
    ("date", "'2024-02-29'", datetime(2024, 2, 29, tzinfo=UTC)),
    ("date null", "'0000-00-00'", None),
    ("datetime", "'1000-01-01 00:00:00'", datetime(1000, 1, 1, tzinfo=UTC)),
    ("datetime(3)", "'2024-01-02 03:04:05.678'", datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
    ("datetime(6) as date", "'2024-01-02 03:04:05.678901'", datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
    ("datetime(6) as micros", "'1970-01-01 00:00:01.000001'", Int64(1_000_001)),
    ("datetime as micros", "'1969-12-31 23:59:59'", Int64(-1_000_000)),
    ("timestamp(3)", "'2024-01-02 03:04:05.678'", datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
    ("time(6)", "'-838:59:58.000001'", Int64(-3_020_398_000_001)),
    ("time", "'00:00:01'", Int64(1_000_000)),
    ("uuid", f"'{'0' * 8}-0000-0000-0000-{'0' * 12}'", f"{'0' * 8}-0000-0000-0000-{'0' * 12}"),
    ("int null", "NULL", None),
    ("timestamp(3)", "'0000-00-00 00:00:00'", None),
    ("datetime in europe/berlin", "'2024-07-01 12:00:00'", datetime(2024, 7, 1, 10, tzinfo=UTC)),
    ("datetime in europe/berlin", "'2024-10-27 02:30:00'", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
    ("datetime in europe/berlin", "'2024-03-31 02:30:00'", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
    ("datetime(6) in europe/berlin as micros", "'1970-01-01 01:00:01.000001'", Int64(1_000_001)),
    ("point as geojson", "ST_GeomFromText('POINT(1 2.5)')", {"type": "Point", "coordinates": [1.0, 2.5]}),
    ("geometry as geojson", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')",
     {"type": "GeometryCollection", "geometries": [
         {"type": "Point", "coordinates": [1.0, 2.0]},
         {"type": "LineString", "coordinates": [[0.0, 0.0], [1.0, 1.0]]},
     ]}),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(servers: Stack) -> Iterator[sql.Connection]:
    """As the administrator, in a zone that is not UTC: the comparison must not care."""
    with contextlib.closing(sql.connect(servers.sql.admin_dsn)) as opened:
        with opened.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = ''")
            cursor.execute("CREATE DATABASE IF NOT EXISTS kinds CHARACTER SET utf8mb4")
        yield opened


def _skip_unknown(connection: sql.Connection, column_type: str) -> None:
    if column_type == "uuid" and sql.server_kind(connection) == "mysql":
        pytest.skip("MySQL has no UUID type")


@pytest.mark.parametrize(("column_type", "literal", "expected"), CASES, ids=[f"{t} {v}" for t, v, _ in CASES])
def test_a_column_shows_what_the_type_table_says(
    connection: sql.Connection, column_type: str, literal: str, expected: Any
) -> None:
    """Value and BSON type, for a literal stored by a real server."""
    _skip_unknown(connection, column_type)
    declared = column_type.partition(" as ")[0].partition(" in ")[0]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS kinds.one")
        cursor.execute(f"CREATE TABLE kinds.one (id INT PRIMARY KEY, v {declared})")
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(f"INSERT INTO kinds.one VALUES (1, {literal})".replace("%", "%%"))
        cursor.execute("SET SESSION time_zone = '+05:00'")
    table = Table("kinds.one", ("id",), {"id": "int", "v": column_type})

    with session.printing(connection) as cursor:
        ((found,),) = [row.values() for row in Rows({"kinds.one": table}, {"": cursor}).where("kinds.one", ["v"], "")]

    assert found == expected
    assert type(found) is type(expected)


_KEYS = [
    case for case in CASES
    if case[2] is not None and " as date" not in case[0] and case[1] != "-0.00" and "02:30" not in case[1]
    and not case[0].startswith(("float", "double", "json", "tinyint(1)", "bit(1)", "point", "geometry"))
]  # fmt: skip


@pytest.mark.parametrize(("column_type", "literal", "expected"), _KEYS, ids=[f"{t} {v}" for t, v, _ in _KEYS])
def test_a_document_value_finds_its_row_again(
    connection: sql.Connection, column_type: str, literal: str, expected: Any
) -> None:
    """A value of a document can be looked for in its column, whatever its form: extra documents are found so."""
    _skip_unknown(connection, column_type)
    declared = column_type.partition(" as ")[0].partition(" in ")[0]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS kinds.one")
        cursor.execute(f"CREATE TABLE kinds.one (id INT PRIMARY KEY, v {declared})")
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(f"INSERT INTO kinds.one VALUES (1, {literal})".replace("%", "%%"))
    table = Table("kinds.one", ("id",), {"id": "int", "v": column_type})

    with session.printing(connection) as cursor:
        wanted = [[values.argument(column_type, expected)]]
        found = Rows({"kinds.one": table}, {"": cursor}).among("kinds.one", ["id"], ["v"], wanted)

    assert found == [{"id": 1}]
