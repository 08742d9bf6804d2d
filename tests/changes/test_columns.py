"""Column types: what the connector sends for each, what it becomes, and what is refused by name."""

from __future__ import annotations

import json
import struct
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import bson
import msgspec
import pytest
from bson import Binary, Decimal128, Int64
from hypothesis import assume, given
from hypothesis import strategies as st

from syncsvc.changes import columns, values
from tests.changes.wire import encoded

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(text: str, wire: object) -> object:
    """The value a column of this type gets for a JSON value."""
    how = columns.column(text)
    found = msgspec.json.decode(json.dumps(wire), type=how.wire | None)
    return found if found is None or how.convert is None else how.convert(found)


def shape(start: str, numbers: tuple[float, ...], srid: int | None = None, end: str = "") -> dict[str, object]:
    """A shape as the connector sends it: the binary's order of bytes and kind in two bytes of hex, then coordinates."""
    head = bytes.fromhex(start)
    raw = head + bytes(3) + struct.pack(f"<{len(numbers)}d", *numbers) + bytes.fromhex(end)
    return {"x": 0, "y": 0, "wkb": encoded(raw), "srid": srid}


GOLDEN = [
    ("tinyint", -128, -128),
    ("tinyint unsigned", 255, 255),
    ("smallint(5) unsigned zerofill", 65535, 65535),
    ("mediumint unsigned", 16777215, 16777215),
    ("int(11)", -(2**31), -(2**31)),
    ("int(10) unsigned", 4294967295, Int64(4294967295)),
    ("bigint", -(2**63), Int64(-(2**63))),
    ("bigint unsigned", 2**63 - 1, Int64(2**63 - 1)),
    ("bigint unsigned as decimal", 2**64 - 1, Decimal128("18446744073709551615")),
    ("bigint unsigned as decimal", -1, Decimal128("18446744073709551615")),
    ("bigint unsigned as decimal", "AP//////////", Decimal128("18446744073709551615")),
    ("bigint unsigned as decimal", "AIA=", Decimal128("128")),
    ("tinyint(1)", 1, True),
    ("tinyint(1)", False, False),
    ("boolean", True, True),
    ("bool not null", 0, False),
    ("tinyint(1) as int", -7, -7),
    ("tinyint(1) unsigned", 200, 200),
    ("decimal(12,2)", "12.30", Decimal128("12.30")),
    ("decimal(12,2)", "-0.01", Decimal128("-0.01")),
    ("numeric(34,0)", "9" * 34, Decimal128("9" * 34)),
    ("decimal(65,30) as text", "-" + "9" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "9" * 30),
    ("float", 0.1, 0.1),
    ("float", 16777216.0, 16777200.0),
    ("float", 1000.365, 1000.36),
    ("float", 10110.15, 10110.2),
    ("float(24)", 3.4028235e38, 3.40282e38),
    ("float(53)", 16777217.25, 16777217.25),
    ("float(10,3)", 1.2339999675750732, 1.234),
    ("double(10,2)", 5, 5.0),
    ("char(3)", "äß😀", "äß😀"),
    ("varchar(20) character set utf8mb4 collate utf8mb4_bin null", "a\u0000b", "a\u0000b"),
    ("longtext", "", ""),
    ("enum('a','it''s',')')", "it's", "it's"),
    ("enum('a','c,d','it''s')", "c\\,d", "c,d"),
    ("enum('a','c,d','it''s')", "c,d", "c,d"),
    ("set('a','b')", "a,b", ["a", "b"]),
    ("set('a','b')", "", []),
    ("json", '{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
    ("json", "[]", []),
    ("json", '"text"', "text"),
    ("json", "null", None),
    ("json", "[18446744073709551615]", [Decimal128("18446744073709551615")]),
    ("json", "[100000000000000000000, 1e20]", [1e20, 1e20]),
    ("json", "[1000000000000000, 1e15, 5.0, 1e14]", [10**15, 10**15, 5.0, 1e14]),
    ("json", "[10000000000000000000, 1e19]", [Decimal128("10000000000000000000")] * 2),
    ("json", "[99999999999999991611392, 1e23]", [1e23, 1e23]),
    ("json", "9223372036854775807", 9223372036854775807),
    ("binary(4)", "AQIDAA==", b"\x01\x02\x03\x00"),
    ("varbinary(10)", "", b""),
    ("blob", "/w==", b"\xff"),
    ("binary(16) as uuid", encoded(bytes(range(16))), Binary(bytes(range(16)), 4)),
    ("bit", True, True),
    ("bit(1)", False, False),
    ("bit(8)", "BQ==", Int64(5)),
    ("bit(16)", "AgE=", Int64(258)),
    ("bit(64)", "/////////38=", Int64(2**63 - 1)),
    ("bit(64) as bytes", "AQAAAAAAAIA=", b"\x80\x00\x00\x00\x00\x00\x00\x01"),
    ("date", 17_702, datetime(2018, 6, 20, tzinfo=UTC)),
    ("date", -354_285, datetime(1000, 1, 1, tzinfo=UTC)),
    ("datetime", 1_529_476_623_000, datetime(2018, 6, 20, 6, 37, 3, tzinfo=UTC)),
    ("datetime(3)", -1, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ("datetime(3)", 253_402_300_799_999, datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ("datetime(3) as micros", 5, Int64(5000)),
    ("datetime(6) as micros", 1_529_476_623_123_456, Int64(1_529_476_623_123_456)),
    ("datetime(6) as date", 1_529_476_623_123_999, datetime(2018, 6, 20, 6, 37, 3, 123_000, tzinfo=UTC)),
    ("datetime(6) as date", -1, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ("timestamp", "2018-06-20T13:37:03Z", datetime(2018, 6, 20, 13, 37, 3, tzinfo=UTC)),
    ("timestamp(3) null", "2018-06-20T13:37:03.12Z", datetime(2018, 6, 20, 13, 37, 3, 120_000, tzinfo=UTC)),
    ("timestamp(6) as date", "2018-06-20T13:37:03.123999Z", datetime(2018, 6, 20, 13, 37, 3, 123_000, tzinfo=UTC)),
    ("timestamp(6) as micros", "1970-01-01T00:00:01.000001Z", Int64(1_000_001)),
    ("timestamp", "1970-01-01T00:00:00Z", None),
    ("timestamp(6) as micros", "1970-01-01T00:00:00Z", None),
    ("datetime in Europe/Berlin", 1_719_835_200_000, datetime(2024, 7, 1, 10, tzinfo=UTC)),
    ("datetime(3) in europe/berlin null", 1_704_110_400_001, datetime(2024, 1, 1, 11, 0, 0, 1000, tzinfo=UTC)),
    ("datetime in America/New_York as micros", -1, Int64(5 * 3600 * 10**6 - 1000)),
    ("datetime(6) in Asia/Kolkata as date", 19_800_000_999, datetime(1970, 1, 1, tzinfo=UTC)),
    ("vector(2)", [0.1, -3], [0.10000000149011612, -3.0]),
    ("point as geojson", shape("0101", (1, 2)), {"type": "Point", "coordinates": [1.0, 2.0]}),
    ("time(6)", -3_020_399_000_000, Int64(-3_020_399_000_000)),
    ("year(4)", 2155, 2155),
]


@pytest.mark.parametrize(("text", "wire", "value"), GOLDEN)
def test_a_wire_value_becomes_the_value_of_its_type(text, wire, value):
    """Golden values for every type, from Debezium's manual and source; the BSON type counts, not only equality."""
    found = read(text, wire)

    assert found == value
    assert type(found) is type(value)
    assert bson.encode({"value": found})


@pytest.mark.parametrize("text", dict.fromkeys(text for text, _, _ in GOLDEN))
def test_null_stays_null_in_every_type(text):
    """A converter is never asked about null."""
    assert read(text, None) is None


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("int", 2**31),
        ("int unsigned", -1),
        ("int", True),
        ("int", 1.5),
        ("int", "1"),
        ("bigint", 2**63),
        ("bigint unsigned", 2**63),
        ("bigint unsigned", -1),
        ("bigint unsigned", "/w=="),
        ("tinyint(1)", 2),
        ("tinyint(1) as int", True),
        ("decimal(12,2)", "1e5"),
        ("decimal(12,2)", "1_0"),
        ("decimal(12,2)", "NaN"),
        ("decimal(12,2)", 12.3),
        ("decimal(34,0)", "1" + "0" * 34),
        ("varchar(5)", 5),
        ("json", "{"),
        ("json", '{"a\\u0000": 1}'),
        ("json", "1" + "0" * 400),
        ("json", "[" * 200 + "]" * 200),
        ("blob", "not base64"),
        ("longtext", values.UNSENT),
        ("binary(16) as uuid", "AQ=="),
        ("bit(64)", "AAAAAAAAAIA="),
        ("date", 10**9),
        ("datetime", 10**17),
        ("timestamp", "2018-06-20T13:37:03"),
        ("timestamp(3)", "2018-06-20T13:37:03.000001Z"),
        ("timestamp", "0000-00-00T00:00:00Z"),
        ("time", 10**13),
        ("datetime in America/New_York", 253_402_300_799_000),
        ("vector(1)", [1e39]),
        ("point as geojson", shape("0101", (1, 2), srid=3857)),
        ("point as geojson", shape("0101", (1,))),
        ("point as geojson", shape("0108", (1, 2))),
        ("point as geojson", shape("0101", (1, 2), end="00")),
        ("point as geojson", {"wkb": ""}),
        ("geometry as geojson", {"wkb": encoded(bytes.fromhex("0102000000ffffffff"))}),
        ("geometry as geojson", {"wkb": encoded(bytes.fromhex("010700000001000000") * 40)}),
        ("year", 1900),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_an_error(text, wire):
    """Never another number, never null."""
    with pytest.raises((ValueError, OverflowError, msgspec.MsgspecError)):
        read(text, wire)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**29), max_value=10**29))
def test_decimals_come_through_digit_for_digit(number: Decimal):
    """Trailing zeros included; the same bytes as the driver's own, slower conversion.  SQL has no minus zero."""
    text = f"{number or abs(number):f}"

    assert read("decimal(34,4)", text) == Decimal128(text)


@given(st.dates())
def test_dates_come_through(day: date):
    """Days since 1970, for every year a date has."""
    assert read("date", (day - date(1970, 1, 1)).days) == datetime(day.year, day.month, day.day, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59, 999_999)))
def test_times_come_through(moment: datetime):
    """Milliseconds, microseconds and zoned text mean the same moment, exactly."""
    assume(moment != datetime(1970, 1, 1))  # as a TIMESTAMP that is the zero one
    micros = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    cut = EPOCH + timedelta(milliseconds=micros // 1000)

    assert read("datetime(3)", micros // 1000) == cut
    assert read("datetime(6) as micros", micros) == read("timestamp(6) as micros", f"{moment.isoformat()}Z") == micros
    assert read("datetime(6) as date", micros) == read("timestamp(6) as date", f"{moment.isoformat()}Z") == cut
    assert bson.decode(bson.encode({"v": cut}), bson.CodecOptions(tz_aware=True))["v"] == cut


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))
def test_a_wall_time_is_the_moment_that_its_zone_shows_it(wall: datetime):
    """Back in the zone the clock shows the wall time again, but for what it skipped: that is shown an hour later."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    wall = wall.replace(microsecond=wall.microsecond // 1000 * 1000)
    found = read("datetime(3) in Europe/Berlin", (wall.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1))
    shown = found.astimezone(berlin)

    assert shown.replace(tzinfo=None) in (wall, wall + shown.dst())
    assert shown.fold == 0


def test_a_time_shown_twice_is_the_first_and_a_skipped_one_is_read_with_the_offset_before():
    """The night summer time ends, and the night it begins."""
    twice = read("datetime in Europe/Berlin", 1_729_996_200_000)  # 2024-10-27 02:30
    skipped = read("datetime in Europe/Berlin", 1_711_852_200_000)  # 2024-03-31 02:30

    assert twice == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert skipped == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


@given(st.binary(max_size=40))
def test_bytes_come_through(raw: bytes):
    """Base64 and back."""
    assert read("varbinary(40)", encoded(raw)) == read("blob", encoded(raw)) == raw


@given(st.integers(2, 63).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 2**n - 1))))
def test_bits_come_through(bits):
    """Little-endian, in as many bytes as the column needs."""
    size, number = bits
    assert read(f"bit({size})", encoded(number.to_bytes((size + 7) // 8, "little"))) == number


@given(st.integers(0, 2**64 - 1))
def test_unsigned_64_bits_come_through_in_every_form_the_connector_has(number: int):
    """As a number, wrapped to a signed one, and as base64 of two's complement."""
    size = number.bit_length() // 8 + 1
    forms = [number, number - 2**64 if number >= 2**63 else number, encoded(number.to_bytes(size, "big", signed=True))]

    assert [read("bigint unsigned as decimal", form) for form in forms] == [Decimal128(str(number))] * 3
    if number < 2**63:
        assert [read("bigint unsigned", form) for form in forms] == [number] * 3


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text().filter(lambda name: "\0" not in name)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_comes_through(document):
    """A document reads back as it was, and BSON takes it."""
    found = read("json", json.dumps(document))

    assert found == document
    assert bson.decode(bson.encode({"v": found}))["v"] == document


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("decimal(35,2)", "34 digits"),
        ("datetime(6)", "milliseconds; add `as date`, `as micros`"),
        ("timestamp(4)", "milliseconds"),
        ("geometry", "add `as geojson`"),
        ("point", "add `as geojson`"),
        ("datetime in Atlantis/Poseidonis", "not a time zone"),
        ("timestamp in Europe/Berlin", "only a DATETIME"),
        ("varchar(20) collate utf8mb4_swedish_ci null", "utf8mb4_swedish_ci"),
        ("inet6", "cannot read a table"),
        ("uuid", "zero byte"),
        ("real", "double"),
        ("hstore", "not a type known"),
        ("int as uuid", "one form only"),
        ("datetime as text", "`as micros`"),
        ("int wide", '"wide"'),
        ("", "not a column type"),
        ("decimal(x)", "numbers"),
        ("bit(a)", "one number"),
    ],
)
def test_what_is_not_carried_is_refused_by_name_with_a_reason(text, why):
    """The reason says what to do; it is shown by the mapping's check."""
    found = columns.refusal(text)

    assert found is not None
    assert why in found


@pytest.mark.parametrize("text", dict.fromkeys(text for text, _, _ in GOLDEN))
def test_what_is_carried_is_not_refused(text):
    """In capitals too."""
    assert columns.refusal(text) is None
    assert columns.refusal(text.upper()) is None


@pytest.mark.parametrize(
    ("declared", "found", "same"),
    [
        ("int unsigned null", "int(10) unsigned", True),
        ("json", "longtext", True),
        ("boolean", "tinyint(1)", True),
        ("decimal", "decimal(10,0)", True),
        ("datetime(6) as micros", "datetime(6)", True),
        ("varchar(20)", "varchar(20) /* mariadb-5.3 */", True),
        ("int", "int unsigned", False),
        ("tinyint", "tinyint(1)", False),
        ("tinyint unsigned", "tinyint(1) unsigned", True),
        ("datetime(3)", "datetime(6)", False),
        ("decimal(12,2)", "decimal(12,4)", False),
        ("varchar(20)", "no type at all", False),
    ],
)
def test_types_are_the_same_when_their_bytes_mean_the_same(declared, found, same):
    """Display widths and nullability do not count, sign and fractional digits do."""
    assert columns.same_type(declared, found) is same


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("varchar(20) collate utf8mb4_0900_ai_ci null", "Ä", "a"),
        ("CHAR(3) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL", "É", "e "),
        ("text collate utf8mb4_bin", "a ", "a"),
    ],
)
def test_keys_of_a_column_with_a_collation_are_folded(text, one, other):
    """To one text, where the collation calls two equal."""
    fold = columns.folding(text)

    assert fold is not None
    assert fold(one) == fold(other)


@pytest.mark.parametrize("text", ["text", "char(2) collate utf8mb4_0900_bin", "int", "set('a') collate no_ci"])
def test_other_keys_are_compared_as_they_are(text):
    """Undeclared means byte by byte."""
    assert columns.folding(text) is None
