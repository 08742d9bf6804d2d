"""The declared tables against what a server has: every difference with its line and what to write instead."""

from __future__ import annotations

import dataclasses

import pytest

from syncsvc.changes import columns
from syncsvc.mapping import live
from syncsvc.mapping.load import read_with_places
from syncsvc.mapping.model import Table
from tests.mapping.texts import ORDERS

PIPELINE, PLACES = read_with_places(ORDERS, "orders.yaml")
LINE = PIPELINE.tables["shop.line"]


def server_with(**changes: str | None) -> dict[str, Table]:
    """The server as declared, but for columns of `shop.line`: another type, or None: the column is not there."""
    changed: dict[str, str | None] = {**LINE.columns, **changes}
    line = Table(LINE.name, LINE.key, {name: text for name, text in changed.items() if text is not None})
    return {**PIPELINE.tables, LINE.name: line}


def told(server: dict[str, Table], captured: set[str] | None = None) -> list[tuple[str, str, str]]:
    """`(line:column, code, fix)` of every difference."""
    problems = live.differences(PIPELINE.tables, server, columns, PLACES, captured)
    return [(problem.where.removeprefix("orders.yaml:"), problem.code, problem.fix) for problem in problems]


def test_a_server_that_is_as_declared_has_no_differences() -> None:
    """Also when it has more tables and columns than are used."""
    server = {**server_with(note="text"), "shop.audit": Table("shop.audit", ("id",), {"id": "int"})}

    assert told(server) == []


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        pytest.param(server_with(amount=None, amounts="int"),
                     ("31:7", "source.unknown_column", 'did you mean "amounts"?'), id="column of another name"),
        pytest.param(server_with(amount="bigint"), ("31:15", "source.type_differs", "write  amount: bigint"),
                 id="wider type"),
        pytest.param(server_with(amount="int unsigned"),
                     ("31:15", "source.type_differs", "write  amount: int unsigned"), id="sign"),
        pytest.param(server_with(amount="int null"), ("31:15", "source.null_differs", "write  amount: int null"),
                 id="null"),
        pytest.param({**PIPELINE.tables, LINE.name: dataclasses.replace(LINE, key=("id", "order_id"))},
                     ("26:10", "source.key_differs", "write  key: [id, order_id]"), id="another key"),
        pytest.param({**PIPELINE.tables, LINE.name: dataclasses.replace(LINE, key=())},
                     ("26:10", "source.no_key", "give the table a primary key, or leave it out"), id="no key"),
        pytest.param({name: table for name, table in PIPELINE.tables.items() if name != LINE.name}
                     | {"shop.lines": dataclasses.replace(LINE, name="shop.lines")},
                     ("25:3", "source.unknown_table", 'did you mean "shop.lines"?'), id="table of another name"),
    ],
)  # fmt: skip
def test_a_difference_is_told_at_its_line_with_what_to_write(
    server: dict[str, Table], expected: tuple[str, str, str]
) -> None:
    """The fix can be copied into the file."""
    assert told(server) == [expected]


def test_what_a_server_does_not_print_stays_in_the_fix() -> None:
    """The collation, the zone and the form that the mapping says."""
    text = ORDERS.replace("varchar(100)", "varchar(100) collate utf8mb4_bin as text")
    pipeline, places = read_with_places(text, "orders.yaml")
    product = pipeline.tables["shop.product"]
    server = {**pipeline.tables, product.name: dataclasses.replace(product, columns={"id": "int", "name": "char(9)"})}

    found = [problem.fix for problem in live.differences(pipeline.tables, server, columns, places)]

    assert "write  name: char(9) collate utf8mb4_bin as text" in found


def test_a_column_that_never_is_null_may_be_declared_as_one_that_may_be() -> None:
    """The wider declaration loses nothing."""
    assert told(server_with(product_id="int")) == []


def test_a_column_that_the_connector_leaves_out_is_told() -> None:
    """Every declared column must be on the wire."""
    sent = {f"{table.name}.{column}" for table in PIPELINE.tables.values() for column in table.columns}

    ((place, code, _),) = told(dict(PIPELINE.tables), captured=sent - {"shop.line.amount"})

    assert (place, code) == ("31:7", "source.not_captured")


def test_a_table_of_another_server_is_not_missed_on_this_one() -> None:
    """It has a `topic_prefix` of its own; where it is here all the same, it is compared."""
    text = ORDERS.replace("  shop.product:\n", "  shop.product:\n    topic_prefix: catalog\n")
    pipeline, places = read_with_places(text, "orders.yaml")
    here = {name: table for name, table in pipeline.tables.items() if name != "shop.product"}

    assert live.differences(pipeline.tables, here, columns, places) == []


def test_a_type_that_is_not_carried_is_refused_by_name() -> None:
    """Before anything starts, with the reason and the way out that the conversion knows."""
    text = ORDERS.replace("      amount: int\n", "      amount: uuid\n")
    pipeline, places = read_with_places(text, "orders.yaml")

    (problem,) = live.differences(pipeline.tables, pipeline.tables, columns, places)

    assert (problem.code, problem.where) == ("source.refused_type", "orders.yaml:31:15")
    assert problem.fix == "leave the column out"
    assert "uuid" in problem.what


def test_without_a_file_the_table_and_column_are_named() -> None:
    """A model that was not read from a file is compared in the same way."""
    (problem,) = live.differences(PIPELINE.tables, server_with(amount="bigint"), columns)

    assert problem.where == "tables"
    assert '"amount" of "shop.line"' in problem.what
