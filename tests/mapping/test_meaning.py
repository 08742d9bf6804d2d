"""The hash a generation is made with: what counts as another mapping, and what does not."""

from __future__ import annotations

import re

import pytest

from syncsvc.mapping import load_text
from tests.mapping.texts import ORDERS, broken


def hash_of(text: str) -> str:
    """The mapping's hash."""
    return load_text(text, "orders.yaml").text_hash


def test_a_hash_is_16_hex_digits_and_the_same_in_every_process() -> None:
    """It is stored in MongoDB: this value may only change together with `meaning.FORM`."""
    assert re.fullmatch("[0-9a-f]{16}", hash_of(ORDERS))
    assert hash_of(ORDERS) == "7f3411358516a6ca"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("root:", "# a comment\n\nroot:", id="comment and blank line"),
        pytest.param("{topic_prefix: shop}", "\n  topic_prefix: 'shop'", id="layout and quotes"),
        pytest.param("root:", "partitions: 8\npublish: view\ncollection: orders\nroot:", id="a default written out"),
        pytest.param("    on: order_id", "    on: [order_id]\n    to: id\n    identity: id\n    order_by: id",
                 id="relation's defaults"),
        pytest.param("total: decimal(12,2)", "total: NUMERIC(12, 2) not null", id="another text of the same type"),
        pytest.param("      total: decimal(12,2)", "      total: decimal(12,2)\n      note: text",
                 id="a column nothing uses"),
        pytest.param("root:", "freshness_objective_seconds: 60\nroot:", id="freshness objective"),
        pytest.param("root:", "source_partitions: 3\nroot:", id="partitions of topics that may be created"),
        pytest.param("root:", "generation: 2\nroot:", id="the generation's number"),
    ],
)  # fmt: skip
def test_what_changes_no_document_and_no_address_keeps_the_hash(old: str, new: str) -> None:
    """Editing these under a running generation is no drift."""
    assert hash_of(broken(old, new)) == hash_of(ORDERS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("pipeline: orders", "pipeline: sales\ncollection: orders", id="name"),
        pytest.param("root:", "collection: sales\nroot:", id="collection"),
        pytest.param("root:", "publish: direct\nroot:", id="publish"),
        pytest.param("topic_prefix: shop", "topic_prefix: mart", id="source topics"),
        pytest.param("root:", "partitions: 9\nroot:", id="partitions of the keyed topic"),
        pytest.param("[status, total]", "[status]", id="a field fewer"),
        pytest.param("[status, total]", "[total, status]", id="order of fields"),
        pytest.param("[status, total]", "[status, {total: sum}]", id="name of a field"),
        pytest.param("      product:", "      item:", id="name of a relation"),
        pytest.param("    on: order_id", "    on: order_id\n    order_by: [id desc]", id="order of a list"),
        pytest.param("    on: order_id", "    on: amount", id="column of a relation"),
        pytest.param("        on: product_id", "        on: product_id\n        to: weight",
                 id="other side of a relation"),
        pytest.param("  line_count:", "  lines_total:", id="name of a count"),
        pytest.param("total: decimal(12,2)", "total: decimal(12,3)", id="type of a field"),
        pytest.param("product_id: int null", "product_id: bigint null", id="type of a join column"),
        pytest.param("total: decimal(12,2)", "total: decimal(12,2) null", id="null"),
        pytest.param("    key: id\n    columns:\n      id: int\n", "    key: name\n    columns:\n      id: int\n",
                 id="key of a table"),
    ],
)  # fmt: skip
def test_what_changes_a_document_or_an_address_changes_the_hash(old: str, new: str) -> None:
    """Editing these needs another generation, and a forgotten one is refused as drift."""
    base = ORDERS + "      weight: int\n"
    if "key: name" in new:
        base = base.replace("        on: product_id", "        on: product_id\n        to: id")
    assert old in base

    assert hash_of(base.replace(old, new, 1)) != hash_of(base)


def test_swapping_two_relations_changes_the_hash() -> None:
    """The order of values in a document is part of the document."""
    one = "  a: {many: shop.line, on: order_id, fields: [id]}\n"
    other = "  b: {many: shop.line, on: order_id, fields: [id]}\n"

    assert hash_of(broken("embed:\n", f"embed:\n{one}{other}")) != hash_of(broken("embed:\n", f"embed:\n{other}{one}"))


def test_swapping_two_tables_or_columns_of_tables_keeps_the_hash() -> None:
    """`tables` says what exists; its order says nothing."""
    status, total = "      status: varchar(20)\n", "      total: decimal(12,2)\n"

    assert hash_of(broken(status + total, total + status)) == hash_of(ORDERS)
