"""
A row that no document can be made of is a difference of its own document; a query that is refused is told as such.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pymysql
import pytest
from bson import Int64

from syncsvc import mapping, verify
from syncsvc.errors import SyncError
from syncsvc.mapping.model import Pipeline
from syncsvc.verify import values
from syncsvc.verify.report import Report
from tests.verify.printed import Collection, Row, Source

SHOP = """
pipeline: orders
collection: orders
source: {topic_prefix: shop}
root: {table: shop.order, key: id, fields: [day, at]%s}
embed:
  items: {many: shop.item, on: order_id, identity: id, fields: [q]%s}
tables:
  shop.order: {key: id, columns: {id: %s, day: date null, at: datetime in Asia/Tokyo null, q: double null}}
  shop.item: {key: id, columns: {id: int, order_id: %s, q: double, day: date null}}
"""
HUGE = "1e300"


def shop(root: str = "", items: str = "", key: str = "int") -> Pipeline:
    """Orders with their items; `root` and `items` are more of what stands there."""
    return mapping.load_text(SHOP % (root, items, key, key), "orders.yaml")


def order(number: str, **values: str) -> Row:
    """A row as it is printed."""
    return {"id": number, "day": None, "at": None, "q": None, **values}


def item(number: str, of: str, q: str = "4", day: str | None = None) -> Row:
    """A row as it is printed."""
    return {"id": number, "order_id": of, "q": q, "day": day}


def document(number: Any, *items: float, **values: Any) -> dict[str, Any]:
    """What a worker wrote of an order."""
    return {"_id": number, "day": None, "at": None, **values, "items": [{"q": q} for q in items]}


def compared(
    pipeline: Pipeline, orders: list[Row], items: list[Row], *documents: dict[str, Any], **more: Any
) -> Report:
    """The report of one comparison."""
    source = Source({"shop.order": orders, "shop.item": items})
    return verify.compare(pipeline, source, Collection(*documents), **more)


def told(report: Report) -> list[tuple[str, Any, str]]:
    """`(kind, id, path)` of each difference."""
    return [(found.kind, found.id, found.path) for found in report.differences]


@pytest.mark.parametrize(
    ("column", "printed"),
    [("day", "0000-05-05"), ("at", "0001-01-01 00:00:00")],
    ids=["a day of the year 0", "a wall time before the year 1 in UTC"],
)
@pytest.mark.parametrize("chunk", [1, 500])
def test_a_value_outside_of_what_bson_holds_is_a_difference_at_its_place(column: str, printed: str, chunk: int) -> None:
    """The other documents are compared all the same; the value is not told."""
    orders = [order("1"), order("2", **{column: printed}), order("3")]

    report = compared(shop(), orders, [], document(1), document(2), chunk=chunk)

    assert told(report) == [("different", 2, column), ("missing", 3, "")]
    assert report.documents == 3
    assert printed not in str(report.differences[0].as_dict(with_values=True))
    assert column in report.differences[0].what


def test_such_a_value_in_a_key_is_a_difference_and_reading_goes_on_behind_it() -> None:
    """The row is named by its key as the server prints it, also when it is looked at again."""
    orders = [order("0000-05-05"), order("0000-05-06"), order("2024-01-01")]
    there = document(datetime(2024, 1, 1, tzinfo=UTC))

    report = compared(shop(key="date"), orders, [], there, chunk=1, wait_seconds=0.05)

    assert [(found["kind"], found["id"]) for found in report.as_dict()["differences"]] == [
        ("different", "'0000-05-05'"), ("different", "'0000-05-06'"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column_type", "printed"),
    [
        ("bigint unsigned", str(1 << 63)),
        ("bit(64)", b"\xff" * 8),
        ("json", '{"a\\u0000b": [1]}'),
        ("json", '["\\ud800"]'),
        ("date", "0000-05-05"),
    ],
    ids=["above 2**63 - 1", "64 bits", "a name with a zero", "half a character", "a day of the year 0"],
)
def test_the_column_of_such_a_value_is_named(column_type: str, printed: str | bytes) -> None:
    """With its table, wherever in the document it stands and whatever the field is called."""
    text = SHOP.replace("q: double, day: date null", f"q: double, day: {column_type}") % ("", "", "int", "int")
    pipeline = mapping.load_text(text.replace("fields: [q]", "fields: [q, {day: shown}]"), "orders.yaml")
    items: list[Any] = [item("1", "1", day="0001-01-01") | {"day": printed}]

    report = compared(pipeline, [order("1")], items, document(1))

    assert told(report) == [("different", 1, "items[0].shown")]
    assert report.differences[0].what.startswith("shop.item.day has a value that no document can hold")


def test_a_number_that_no_id_can_be_is_a_difference_and_reading_goes_on_behind_it() -> None:
    """Also while it is looked at again, and when its row has gone meanwhile; it is asked for as a number."""
    orders = [order(str(1 << 63)), order("7")]
    source = Source({"shop.order": orders, "shop.item": []})
    pipeline, there = shop(key="bigint unsigned"), Collection(document(Int64(7)))

    report = verify.compare(pipeline, source, there, chunk=1, wait_seconds=0.05)
    gone = verify.compare(
        pipeline, source, there, chunk=1, wait_seconds=0.3,
        progress=lambda done, total: orders.clear() if done == 2 else None,
    )  # fmt: skip

    (found,) = report.differences
    assert (found.kind, str(found.id)) == ("different", f"'{1 << 63}'")
    assert values.argument("bigint unsigned", found.id) == 1 << 63
    assert gone.missing == gone.different == 0


def test_such_a_row_that_is_gone_when_it_is_looked_at_again_is_no_difference() -> None:
    """Its key is asked for in the source only: no document could have it."""
    orders = [order("0000-05-05")]

    report = compared(shop(key="date"), orders, [], wait_seconds=0.3, progress=lambda done, total: orders.clear())

    assert (report.documents, report.equal) == (1, True)


def test_a_filter_without_a_result_is_a_difference_of_that_document() -> None:
    """A worker parks such a row; filters of the others hold."""
    orders = [order("1", q="4"), order("2", q=HUGE), order("3", q="1"), order("4", q="4")]

    report = compared(shop(root=', where: "q * q > 10"'), orders, [], document(1), document(9))

    assert told(report) == [("different", 2, ""), ("missing", 4, ""), ("extra", 9, "")]


@pytest.mark.parametrize("chunk", [2, 500])
def test_a_child_whose_filter_has_no_result_is_a_difference_of_its_own_document(chunk: int) -> None:
    """Documents that were read with it are compared; the row's own document is not extra, though it cannot be told."""
    orders = [order(str(number)) for number in range(1, 6)]
    items = [item(str(number), str(number), HUGE if number == 4 else "4") for number in range(1, 6)]
    documents = [document(number, 4.0) for number in (1, 2, 4, 7)]

    report = compared(shop(items=', where: "q * q > 10"'), orders, items, *documents, chunk=chunk)

    assert {(kind, key) for kind, key, _ in told(report)} == {
        ("missing", 3), ("different", 4), ("missing", 5), ("extra", 7),
    }  # fmt: skip


def test_a_list_ordered_by_a_value_that_cannot_be_read_is_a_difference_of_its_document() -> None:
    """Its order is not known."""
    items = [item("1", "1"), item("2", "1", day="0000-05-05"), item("3", "2")]

    report = compared(
        shop(items=", order_by: [day]"), [order("1"), order("2")], items, document(1, 4.0, 4.0), document(2, 4.0)
    )

    assert told(report) == [("different", 1, "")]


def test_a_case_whose_condition_has_no_result_is_a_difference_of_its_document() -> None:
    """Which of the cases is shown is not known."""
    orders = [order("1", q=HUGE), order("2", q="4"), order("3", q="1")]
    items = [item("1", "2"), item("2", "3")]

    report = compared(shop(items=', when: "q * q > 10"'), orders, items, document(1), document(2, 4.0), document(3))

    assert told(report) == [("different", 1, "")]


@pytest.mark.parametrize("code", [1146, 1054, 1142], ids=["no such table", "no such column", "no right to read it"])
@pytest.mark.parametrize("table", ["order", "item"])
def test_a_table_that_cannot_be_read_is_told_as_preview_tells_it(code: int, table: str) -> None:
    """Exit code 2, with the name of the table and what the server says."""
    refusal = pymysql.err.ProgrammingError(code, "not for you")
    source = Source({"shop.order": [order("1")], "shop.item": []}, {f"`{table}`": refusal})

    with pytest.raises(SyncError, match="not for you") as fault:
        verify.compare(shop(), source, Collection(), progress=lambda done, total: None)

    problem = fault.value.problems[0]
    assert (problem.code, problem.where, fault.value.exit_code) == ("source.refused_query", f"shop.{table}", 2)


@pytest.mark.parametrize("first", ["`order`", "START TRANSACTION", "SET SESSION", "SELECT @@"])
def test_a_source_that_goes_away_under_way_is_told(first: str) -> None:
    """Exit code 4, whatever is asked of it when it goes, and though nothing can be tidied up any more."""
    gone = pymysql.err.OperationalError(2013, "Lost connection")
    over = pymysql.err.InterfaceError(0, "")
    source = Source({"shop.order": [order("1")], "shop.item": []}, {first: gone, "COMMIT": over, "SET ": over})

    with pytest.raises(SyncError) as fault:
        verify.compare(shop(), source, Collection())

    assert (fault.value.problems[0].code, fault.value.exit_code) == ("source.unreachable", 4)
