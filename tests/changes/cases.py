"""
One column of each type, with what is inserted and what it must become: the contract's examples.

Used by the recording of golden events (`golden`), by the tests that read them, and by `docs/types.md` (`types_page`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bson import Binary, Decimal128, Int64


@dataclass(frozen=True)
class Case:
    """One column: its type, and what is inserted with what it must become; every column may be NULL too."""

    #: As declared in the mapping; without ` as …` also the type of the column.
    text: str
    #: `{SQL: value}`, at most four.
    values: dict[str, object]
    #: Type of the column where it is not that of `text`.
    column: str = ""
    #: Behind the type of the column.
    default: str = ""
    #: The server that has it; "": both.
    only: str = ""

    @property
    def sql(self) -> str:
        """Type of the column."""
        return self.column or re.split(" (?:as|in) ", self.text)[0]


def moment(*parts: int) -> datetime:
    """A moment in UTC."""
    return datetime(*parts, tzinfo=UTC)


NINES = "9" * 30
UUID = "123e4567e89b12d3a456426655440000"
CASES = [
    Case("tinyint", {"-128": -128, "127": 127, "0": 0}),
    Case("tinyint unsigned", {"0": 0, "255": 255}),
    Case("smallint", {"-32768": -32768, "32767": 32767}),
    Case("smallint unsigned", {"65535": 65535}),
    Case("mediumint", {"-8388608": -8388608, "8388607": 8388607}),
    Case("mediumint unsigned", {"16777215": 16777215}),
    Case("int", {"-2147483648": -(2**31), "2147483647": 2**31 - 1}),
    Case("int(10) unsigned zerofill", {"0": Int64(0), "4294967295": Int64(2**32 - 1)}),
    Case("bigint", {"-9223372036854775808": Int64(-(2**63)), "9223372036854775807": Int64(2**63 - 1)}),
    Case("bigint unsigned", {"0": Int64(0), "100": Int64(100), "9223372036854775807": Int64(2**63 - 1)}),
    Case(
        "bigint unsigned as decimal",
        {"18446744073709551615": Decimal128(str(2**64 - 1)), "10": Decimal128("10"), "0": Decimal128("0")},
    ),
    Case("tinyint(1)", {"0": False, "1": True}),
    Case("boolean", {"false": False, "true": True}),
    Case("tinyint(1) as int", {"-7": -7, "1": 1}),
    Case("decimal(34,4)", {f"-{NINES}.9999": Decimal128(f"-{NINES}.9999"), "100": Decimal128("100.0000")}),
    Case("decimal(65,30) as text", {"0": "0." + "0" * 30, "9" * 35: "9" * 35 + "." + "0" * 30}),
    Case("float", {"0.1": 0.1, "16777217": 16777200.0, "3.4028234e38": 3.40282e38, "123456.789": 123457.0}),
    Case("float(10,3)", {"1.234": 1.234, "16777.217": 16777.217}),
    Case("double", {"0.1": 0.1, "1.7976931348623157e308": 1.7976931348623157e308, "5": 5.0, "-2.5e-308": -2.5e-308}),
    Case("char(5)", {"''": "", "'abcde'": "abcde", "'ß'": "ß"}),
    Case("varchar(20)", {"''": "", "'😀 '": "😀 ", "'x\\0y'": "x\0y"}),
    Case("varchar(20) character set latin1", {"'äß'": "äß"}),
    Case("text", {"''": "", "'😀'": "😀"}),
    Case("tinytext", {"''": "", "'ß'": "ß"}),
    Case("mediumtext", {"'x y'": "x y"}),
    Case("longtext", {"repeat('ä', 300)": "ä" * 300}),
    Case("enum('a','it''s','c,d')", {"'a'": "a", "'it''s'": "it's", "'c,d'": "c,d"}),
    Case("set('a','b','c')", {"''": [], "'b,a'": ["a", "b"], "'c'": ["c"]}),
    Case(
        "json",
        {
            """'{"a": [1, 2.5, null, true, "x"], "n": 18446744073709551615}'""": {
                "a": [1, 2.5, None, True, "x"], "n": Decimal128(str(2**64 - 1)),
            },
            "'[5.0, 1e-7, 1e15, 1e19, 1e20, 1.5e300, 1e23]'": [
                5.0, 1e-7, 10**15, Decimal128(str(10**19)), 1e20, 1.5e300, 1e23,
            ],
            "'[]'": [],
            "'\"s\"'": "s",
        },
    ),
    Case("binary(4)", {"x'01'": b"\x01\0\0\0", "x'ffffffff'": b"\xff" * 4, "x'20202020'": b"    "}),
    Case("binary(16) as uuid", {f"x'{UUID}'": Binary(bytes.fromhex(UUID), 4)}),
    Case("varbinary(8)", {"x''": b"", "x'ff00'": b"\xff\0"}),
    Case("blob", {"x''": b"", "x'ff00'": b"\xff\0"}),
    Case("tinyblob", {"x'00'": b"\0"}),
    Case("mediumblob", {"x'ff00'": b"\xff\0"}),
    Case("longblob", {"repeat(x'00ff', 40)": b"\0\xff" * 40}),
    Case("bit(1)", {"b'0'": False, "b'1'": True}),
    Case("bit(12)", {"0": Int64(0), "4095": Int64(4095), "258": Int64(258)}),
    Case("bit(64) as bytes", {"18446744073709551615": b"\xff" * 8, "258": b"\0" * 6 + b"\x01\x02"}),
    Case("date", {"'1000-01-01'": moment(1000, 1, 1), "'9999-12-31'": moment(9999, 12, 31)}),
    Case("date", {"'0017-01-02'": moment(17, 1, 2), "'2024-02-29'": moment(2024, 2, 29)}),
    Case("datetime", {"'1000-01-01'": moment(1000, 1, 1), "'9999-12-31 23:59:59'": moment(9999, 12, 31, 23, 59, 59)}),
    Case("datetime(3)", {"'1969-12-31 23:59:59.999'": moment(1969, 12, 31, 23, 59, 59, 999_000)}),
    Case("datetime as micros", {"'1970-01-01 00:00:01'": Int64(1_000_000)}),
    Case("datetime(6) as micros", {"'1969-12-31 23:59:59.999999'": Int64(-1), "'1970-01-01 00:00:01'": Int64(10**6)}),
    Case("datetime(6) as date", {"'2024-02-29 12:00:00.123999'": moment(2024, 2, 29, 12, 0, 0, 123_000)}),
    Case("timestamp", {"'1970-01-01 00:00:01'": moment(1970, 1, 1, 0, 0, 1), "'2024-02-29'": moment(2024, 2, 29)}),
    Case("timestamp", {"'2038-01-19 03:14:07'": moment(2038, 1, 19, 3, 14, 7)}),
    Case("timestamp(3)", {"'2024-06-01 12:00:00.5'": moment(2024, 6, 1, 12, 0, 0, 500_000)}),
    Case("timestamp(6) as date", {"'2024-06-01 12:00:00.123999'": moment(2024, 6, 1, 12, 0, 0, 123_000)}),
    Case("timestamp(6) as micros", {"'1970-01-01 00:00:01.000001'": Int64(1_000_001)}),
    Case("time", {"'-838:59:59'": Int64(-3_020_399_000_000), "'838:59:59'": Int64(3_020_399_000_000)}),
    Case("time(6)", {"'00:00:00.000001'": Int64(1), "'-00:00:01.5'": Int64(-1_500_000)}),
    Case("year", {"1901": 1901, "2155": 2155, "2000": 2000}),
    Case("varchar(9)", {"null": None, "'a'": "a"}, default=" DEFAULT 'zzz'"),
    Case("datetime(3) in Europe/Berlin", {
        "'2024-07-01 12:00:00.5'": moment(2024, 7, 1, 10, 0, 0, 500_000),
        "'2024-03-31 02:30:00'": moment(2024, 3, 31, 1, 30),  # skipped by the clock
        "'2024-10-27 02:30:00'": moment(2024, 10, 27, 0, 30),  # shown twice: the first
    }),
    Case("datetime(6) in America/New_York as micros", {"'1969-12-31 19:00:00.000001'": Int64(1)}),
    Case("timestamp", {"0": None, "'2024-02-29'": moment(2024, 2, 29)}),
    Case("date", {"'0000-00-00'": None}),
    Case("datetime", {"'0000-00-00 00:00:00'": None}),
    Case("point as geojson", {
        "ST_GeomFromText('POINT(1 -2.5)')": {"type": "Point", "coordinates": [1.0, -2.5]},
        "ST_GeomFromText('POINT(11.5 48.1)', 4326)": {"type": "Point", "coordinates": [11.5, 48.1]},
    }, only="mariadb"),
    Case("point as geojson", {
        "ST_GeomFromText('POINT(1 -2.5)')": {"type": "Point", "coordinates": [1.0, -2.5]},
        "ST_GeomFromText('POINT(48.1 11.5)', 4326)": {"type": "Point", "coordinates": [11.5, 48.1]},
    }, only="mysql"),
    Case("geometry as geojson", {
        "ST_GeomFromText('LINESTRING(0 0,1 2)')": {"type": "LineString", "coordinates": [[0.0, 0.0], [1.0, 2.0]]},
        "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')": {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "Point", "coordinates": [1.0, 2.0]},
                {"type": "LineString", "coordinates": [[0.0, 0.0], [1.0, 1.0]]},
            ],
        },
        "ST_GeomFromText('MULTIPOLYGON(((0 0,3 0,3 3,0 0)),((5 5,6 5,6 6,5 5)))')": {
            "type": "MultiPolygon",
            "coordinates": [
                [[[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [0.0, 0.0]]], [[[5.0, 5.0], [6.0, 5.0], [6.0, 6.0], [5.0, 5.0]]],
            ],
        },
    }),
    Case("polygon as geojson", {
        "ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))')": {
            "type": "Polygon",
            "coordinates": [
                [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]],
                [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]],
            ],
        },
    }),
    Case("linestring as geojson", {
        "ST_GeomFromText('LINESTRING(1 2,3 4)')": {"type": "LineString", "coordinates": [[1.0, 2.0], [3.0, 4.0]]},
    }),
    Case("multipolygon as geojson", {
        "ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))')": {
            "type": "MultiPolygon", "coordinates": [[[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]],
        },
    }),
    Case("geometrycollection as geojson", {
        "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')": {
            "type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1.0, 2.0]}],
        },
    }),
    Case("multipoint as geojson", {
        "ST_GeomFromText('MULTIPOINT(0 0,1 1)')": {"type": "MultiPoint", "coordinates": [[0.0, 0.0], [1.0, 1.0]]},
    }),
    Case("multilinestring as geojson", {
        "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')": {
            "type": "MultiLineString", "coordinates": [[[0.0, 0.0], [1.0, 1.0]], [[2.0, 2.0], [3.0, 3.0]]],
        },
    }),
    Case("vector(3)", {
        "string_to_vector('[0.1,3.14159274,16777217]')": [0.10000000149011612, 3.1415927410125732, 16777216.0],
        "string_to_vector('[-1.23456789e-7,3.4028234e38,0]')": [-1.234567861274627e-07, 3.4028234663852886e38, 0.0],
    }, only="mysql"),
]  # fmt: skip
