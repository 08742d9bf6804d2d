"""What expressions give: one line a rule of the manual."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from bson import Decimal128, Int64

from syncsvc.expressions import ComputeError, evaluate, holds, parse, row_function

NOON = datetime.datetime(2024, 1, 31, 12, 5, 6, 125_000, tzinfo=datetime.UTC)
LINES = [
    {"qty": 2, "price": Decimal128("1.50"), "tags": ["a", "b"], "when": NOON},
    {"qty": None, "price": Decimal128("9.00"), "tags": [], "when": None},
    {"qty": 3, "price": Decimal128("0.10"), "tags": None, "when": NOON},
]
LEVEL: dict[str, Any] = {
    "one": 1, "big": Int64(1 << 62), "price": Decimal128("1.50"), "half": 0.5, "name": "Ada", "empty": "",
    "no": None, "yes": True, "off": False, "noon": NOON, "lines": LINES, "none": [], "absent": None,
    "tags": ["x", None, "y"], "byKey": {"k1": {"qty": 5}, "k2": {"qty": 6}}, "user": {"name": "Bo",
    "cars": [{"hp": 9}]},
    "id": uuid.UUID(int=7), "json": {"a": {"b": 3}, "t": "4"},
}  # fmt: skip


def number(text: str) -> Decimal128:
    """A decimal as documents have it."""
    return Decimal128(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # three-valued logic
        ("no = 1 or true", True), ("no = 1 or false", None), ("no = 1 and false", False), ("no = 1 and true", None),
        ("not (no = 1)", None), ("no is null", True), ("name is not null", True), ("null = null", None),
        # comparisons
        ("one = 1.00", True), ("price = 1.5e0", True), ("half < one", True), ("name = 'ada'", False),
        ("'B' < 'a'", True),
        ("name <> empty", True), ("noon > date '2024-01-31'", True),
        ("noon = timestamp '2024-01-31T12:05:06.125Z'", True),
        ("yes = true", True), ("id = id", True), ("json.t = 4", None), ("json.a = json.a", None),
        # in, between, like
        ("one in (2, 1)", True), ("one in (2, null)", None), ("one not in (2, null)", None), ("one in (1, null)", True),
        ("no in (1)", None), ("price between 1 and 2", True), ("one between 2 and null", False),
        ("one between null and 0", False), ("one not between 2 and 3", True), ("name like 'A%'", True),
        ("name like 'a%'", False), ("name like '_d_'", True), ("'50%' like '50\\%'", True),
        ("'505' like '50\\%'", False),
        ("name like no", None), ("'a\nb' like 'a_b'", True), ("'abab' like '%ab'", True), ("'ab' like 'ab%ab'", False),
        # arithmetic
        ("one + 1", Int64(2)), ("7 / 2", number("3.5")), ("1 / 3", number("0." + "3" * 34)), ("1 / 0", None),
        ("1 % 0", None), ("-7 % 3", Int64(-1)), ("7 % -3", Int64(1)), ("price * 2", number("3.00")),
        ("price + half", 2.0), ("5.5 % 2", number("1.5")), ("no + 1", None), ("2 / 3.0", number("0." + "6" * 33 + "7")),
        ("1e0 / 0", None), ("-price", number("-1.50")), ("2 + 3 * 4 - 1", Int64(13)), ("10 - 2 - 3", Int64(5)),
        ("0.1 + 0.2", number("0.3")), ("json.t + 1", None),
        # functions
        ("concat(name, '-', one, '-', price)", "Ada-1-1.50"), ("concat(name, no)", None), ("lower(name)", "ada"),
        ("upper(name)", "ADA"), ("trim('  a b ')", "a b"), ("length('é€')", Int64(2)), ("substring(name, 2)", "da"),
        ("substring(name, 1, 1)", "A"), ("substring(name, -2, 1)", "d"), ("substring(name, 0)", ""),
        ("substring(name, 9)", ""), ("coalesce(no, name)", "Ada"), ("coalesce(no, null)", None),
        ("if(no = 1, 1, 2)", Int64(2)),
        ("if(one = 1, 'a', 'b')", "a"), ("abs(-2)", Int64(2)), ("abs(-1.5)", number("1.5")),
        ("round(2.5)", number("3")),
        ("round(-2.5)", number("-3")), ("round(2.5e0)", 3.0), ("round(1.005, 2)", number("1.01")),
        ("round(1250, -2)", Int64(1300)),
        ("round(1.5, 4)", number("1.5")), ("floor(-1.5)", number("-2")), ("ceil(-1.5)", number("-1")),
        ("floor(7)", Int64(7)),
        ("year(noon)", Int64(2024)), ("month(noon)", Int64(1)), ("day(noon)", Int64(31)), ("hour(noon)", Int64(12)),
        ("minute(noon)", Int64(5)), ("second(noon)", Int64(6)), ("weekday(noon)", Int64(2)),
        ("date(noon) = date '2024-01-31'", True), ("text(noon)", "2024-01-31T12:05:06.125Z"), ("text(1.50)", "1.50"),
        ("text(true)", "true"), ("text(id)", "00000000-0000-0000-0000-000000000007"), ("text(1.5e0)", "1.5"),
        # names
        ("user.name", "Bo"), ("absent.name", None), ("json.a.b + 1", Int64(4)), ("`name`", "Ada"), ("nowhere", None),
        # aggregates
        ("count(lines)", 3), ("count(lines, qty > 2)", 1), ("sum(lines, qty)", Int64(5)),
        ("sum(lines, qty * price)", number("3.30")),
        ("min(lines, price)", number("0.10")), ("max(lines, qty)", 3), ("avg(lines, qty)", number("2.5")),
        ("first(lines, qty)", 2), ("last(lines, qty)", 3), ("first(tags, it)", "x"), ("any(tags, it = 'y')", True),
        ("all(lines, qty > 0)", False), ("all(tags, it is null or it > 'a')", True), ("max(lines, when) = noon", True),
        ("count(none)", 0), ("sum(none, it)", None), ("min(none, it)", None), ("avg(none, it)", None),
        ("first(none, it)", None), ("any(none, it = 1)", False), ("all(none, it = 1)", True), ("count(absent)", 0),
        ("sum(byKey, qty)", Int64(11)), ("count(byKey)", 2), ("sum(lines, count(tags))", Int64(2)),
        ("sum(user.cars, hp)", Int64(9)), ("count(tags)", 3), ("count(tags, it is null)", 1),
        ("last(lines, null)", None),
        ("any(lines, any(tags, it = 'b'))", True), ("sum(lines, qty) / count(lines, qty is not null)", number("2.5")),
    ],
)  # fmt: skip
def test_an_expression_gives_what_the_manual_says(text: str, expected: Any) -> None:
    """Value and BSON type of each rule."""
    found = evaluate(parse(text), LEVEL)

    assert (type(found) if type(found) is not int else Int64, str(found), found) == (
        type(expected) if type(expected) is not int else Int64, str(expected), expected,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [("count(lines)", int), ("count(lines, true)", int), ("count(lines) + 0", Int64), ("one", int), ("one + 0", Int64),
     ("if(true, one, 2)", Int64), ("first(lines, qty)", Int64), ("sum(lines, qty)", Int64)],
)  # fmt: skip
def test_whole_numbers_are_int64_but_columns_and_counts(text: str, kind: type) -> None:
    """A field keeps its BSON type whatever the values are."""
    assert type(evaluate(parse(text), LEVEL)) is kind


@pytest.mark.parametrize(
    "text",
    ["big + big", "big * 4", "-(big * -2)", "sum(lines, 9223372036854775807)", "1e308 * 10",
     f"{'9' * 34} + 0.1", f"{'9' * 34} * {'9' * 34} * {'9' * 34}", "abs(-9223372036854775808)",
     "round(9223372036854775807, -1)",
     "sum(lines, 1e308)"],
)  # fmt: skip
def test_a_number_that_fits_nowhere_is_said_so(text: str) -> None:
    """No result is cut or wraps around; the document parks with the reason."""
    with pytest.raises(ComputeError) as failed:
        evaluate(parse(text), LEVEL)

    assert failed.value.code == "computed.overflow"
    assert failed.value.what


def test_a_long_product_can_be_rounded() -> None:
    """Exact in between, so that rounding sees every digit."""
    value = evaluate(parse("round(a * a, 4)"), {"a": Decimal128("12345678901234.5678901234")})

    assert value == Decimal128("152415787532388367504952113.4278")


def test_a_row_is_read_by_position() -> None:
    """The router's functions take a row's values in the order of its columns."""
    compute = row_function(parse("b > 1 and a = 'x'"), ("a", "unused", "b"))

    assert [compute(("x", None, 2)), compute(("x", None, None)), compute(("y", None, None))] == [True, None, False]
    with pytest.raises(ValueError, match="no column c"):
        row_function(parse("c"), ("a", "b"))


def test_only_true_holds() -> None:
    """A condition that is null does not hold."""
    assert [holds(value) for value in (True, False, None, 1)] == [True, False, False, False]


def test_branches_that_are_not_taken_cannot_fail() -> None:
    """`if`, `coalesce`, `and` and `or` evaluate no more than they need."""
    overflowing = "9223372036854775807 + one"

    assert evaluate(parse(f"if(true, 1, {overflowing})"), LEVEL) == 1
    assert evaluate(parse(f"coalesce(1, {overflowing})"), LEVEL) == 1
    assert evaluate(parse(f"false and {overflowing} = 1"), LEVEL) is False


def test_a_pattern_takes_no_longer_than_its_length_times_the_text() -> None:
    """There is no pattern that stops the service."""
    pattern = "%a" * 400 + "b"

    assert evaluate(parse(f"s like '{pattern}'"), {"s": "a" * 100_000}) is False
