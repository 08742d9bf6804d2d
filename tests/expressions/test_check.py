"""What the check refuses before anything starts, and the kinds it tells."""

from __future__ import annotations

import pytest

from syncsvc.expressions import (
    ListOf,
    MapOf,
    ObjectOf,
    Scalar,
    Type,
    check,
    expression_type,
    parse,
    type_of_column,
)

LINE = ObjectOf({"qty": Scalar.INTEGER, "note": Scalar.TEXT, "tags": ListOf(Scalar.TEXT)})
SCOPE: dict[str, Type] = {
    "title": Scalar.TEXT, "qty": Scalar.INTEGER, "price": Scalar.DECIMAL, "ratio": Scalar.DOUBLE, "open": Scalar.FLAG,
    "at": Scalar.MOMENT, "raw": Scalar.BINARY, "id": Scalar.UUID, "json": Scalar.ANY, "lines": ListOf(LINE),
    "byKey": MapOf(LINE), "tags": ListOf(Scalar.TEXT), "user": ObjectOf({"name": Scalar.TEXT, "lines": ListOf(LINE)}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at", "what", "fix"),
    [
        ("titel = 'x'", 0, 'no "titel"', 'did you mean "title"?'),
        ("1 + zzz", 4, 'no "zzz"', "use one of"),
        ("title + 1", 0, "takes a number, not text", "use a number"),
        ("1 + title", 4, "takes a number, not text", "use a number"),
        ("-title", 1, "a number, not text", "use a number"),
        ("open = 1", 5, "never compared", "true  or  false"),
        ("at > '2024-01-01'", 3, "never compared", "date '2024-01-31'"),
        ("title in ('a', 1)", 6, "never compared", "text(…)"),
        ("qty between 1 and 'b'", 4, "never compared", "quotes"),
        ("id = raw", 3, "never compared", "one kind"),
        ("lines = 1", 0, "a list cannot be compared", "count(…)"),
        ("user = 1", 0, "one object cannot be compared", "fields"),
        ("qty and open", 0, "a condition, not a whole number", "> 0"),
        ("not title", 4, "a condition, not text", "> 0"),
        ("qty like 'a%'", 0, "text, not a whole number", "text(…)"),
        ("if(qty, 1, 2)", 3, "takes a condition", "> 0"),
        ("if(open, 1, 'a')", 0, "either a whole number and text", "text(…)"),
        ("coalesce(title, qty)", 0, "either text and a whole number", "text(…)"),
        ("year(title)", 5, "takes a moment, not text", "column of dates"),
        ("upper(qty)", 6, "takes text", "text(…)"),
        ("round(price, ratio)", 13, "takes a whole number, not a double", "whole number"),
        ("concat(lines)", 7, "not a list", "use text"),
        ("sum(qty, qty)", 4, "takes a list, not a whole number", "many"),
        ("count(user)", 6, "takes a list, not one object", "many"),
        ("sum(lines, note)", 11, "takes a number, not text", "number"),
        ("sum(lines, price)", 11, 'no "price"', "use one of"),
        ("any(lines, qty)", 11, "takes a condition", "> 0"),
        ("min(lines, it)", 11, "with an order, not one object", "use a value"),
        ("lines.qty", 6, "is a list", "first(lines, qty)"),
        ("title.x", 6, "is text", "alone"),
        ("user.nam", 5, 'no "nam"', 'did you mean "name"?'),
        ("sum(lines, count(tags, it = 1))", 26, "never compared", "quotes"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, at: int, what: str, fix: str) -> None:
    """One mistake, one problem: what is wrong, what to write, and the character."""
    (found,) = check(parse(text), SCOPE)

    assert what in found[0]
    assert fix in found[1]
    assert found[2] == at


def test_every_mistake_is_reported_at_once() -> None:
    """In the order of the text."""
    found = check(parse("titel = 1 and year(title) = qyt"), SCOPE)

    assert [at for _, _, at in found] == [0, 19, 28]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qty + 1", Scalar.INTEGER), ("qty / 2", Scalar.DECIMAL), ("qty + price", Scalar.DECIMAL),
        ("qty * ratio", Scalar.DOUBLE),
        ("ratio / 2", Scalar.DOUBLE), ("null", Scalar.NULL), ("coalesce(null, price, 1)", Scalar.DECIMAL),
        ("if(open, at, null)", Scalar.MOMENT),
        ("count(lines)", Scalar.INTEGER), ("sum(lines, qty)", Scalar.INTEGER), ("avg(lines, qty)", Scalar.DECIMAL),
        ("first(lines, note)", Scalar.TEXT), ("first(lines, it)", LINE), ("min(tags, it)", Scalar.TEXT),
        ("max(byKey, qty)", Scalar.INTEGER),
        ("any(lines, qty > 1)", Scalar.FLAG), ("json.a + 1", Scalar.ANY), ("json = 'x'", Scalar.FLAG),
        ("user.name", Scalar.TEXT),
        ("sum(user.lines, count(tags))", Scalar.INTEGER), ("title like 'a'", Scalar.FLAG),
        ("round(price)", Scalar.DECIMAL),
        ("floor(ratio)", Scalar.DOUBLE), ("tags", ListOf(Scalar.TEXT)), ("concat(qty, at)", Scalar.TEXT),
        ("date(at)", Scalar.MOMENT),
        ("sum(json, x)", Scalar.ANY), ("json.list is null", Scalar.FLAG), ("-price", Scalar.DECIMAL),
    ],
)  # fmt: skip
def test_the_kind_of_a_result_is_known(text: str, expected: Type) -> None:
    """Computed values nest: those below are checked with the kind of those above."""
    assert check(parse(text), SCOPE) == []
    assert expression_type(parse(text), SCOPE) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("int unsigned", Scalar.INTEGER), ("bigint null", Scalar.INTEGER), ("decimal(12,2) null", Scalar.DECIMAL),
        ("datetime(3)", Scalar.MOMENT), ("datetime(6) null as micros", Scalar.INTEGER),
        ("datetime(6) as date", Scalar.MOMENT),
        ("datetime in europe/berlin", Scalar.MOMENT), ("tinyint(1)", Scalar.FLAG), ("tinyint(1) null", Scalar.FLAG),
        ("tinyint(1) as int", Scalar.INTEGER), ("tinyint", Scalar.INTEGER), ("bit(1)", Scalar.FLAG),
        ("bit(8)", Scalar.INTEGER),
        ("bit(8) as bytes", Scalar.BINARY), ("json null", Scalar.ANY), ("set('a','b') null", ListOf(Scalar.TEXT)),
        ("enum('a b','null') null", Scalar.TEXT), ("varchar(20)", Scalar.TEXT), ("binary(16) as uuid", Scalar.UUID),
        ("binary(16)", Scalar.BINARY), ("double", Scalar.DOUBLE), ("float(7,2)", Scalar.DOUBLE),
        ("time", Scalar.INTEGER),
        ("year null", Scalar.INTEGER), ("bigint unsigned as decimal", Scalar.DECIMAL),
        ("decimal(40,2) as text", Scalar.TEXT),
        ("point as geojson", Scalar.ANY), ("vector(3)", ListOf(Scalar.DOUBLE)), ("date", Scalar.MOMENT),
        ("unheard", Scalar.ANY),
    ],
)  # fmt: skip
def test_the_kind_of_a_column_is_that_of_its_values(column: str, expected: Type) -> None:
    """Canonical type texts of mapping files, in the form that the mapping asks for."""
    assert type_of_column(column) == expected
