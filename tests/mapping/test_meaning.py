"""The hash a generation is made with: what counts as another mapping, and what does not."""

from __future__ import annotations

import re

import pytest

from syncsvc.mapping import load_text, meaning
from tests.mapping.texts import HEADS, ORDERS, broken, loaded


def hash_of(text: str) -> str:
    """The mapping's hash."""
    return load_text(text, "orders.yaml").text_hash


def test_a_hash_is_16_hex_digits_and_the_same_in_every_process() -> None:
    """It is stored in MongoDB: this value may only change together with `meaning.FORM`."""
    assert re.fullmatch("[0-9a-f]{16}", hash_of(ORDERS))
    assert hash_of(ORDERS) == "7f3411358516a6ca"


def test_the_hash_of_every_option_together_stays_what_it_is() -> None:
    """Also the text that an expression is kept as is stored with it."""
    assert [loaded(head).text_hash for head in HEADS] == [
        "16e0645a14fdfba2", "a19ce3e9ef1ac3b0", "8cef18660e9c7845", "1f8650c6c32b050e", "aea6cd691cf323eb",
    ]  # fmt: skip


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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("  fields: [status", "  where: total > 1\n  fields: [status", id="filter of the root"),
        pytest.param("    on: order_id", "    on: order_id\n    where: amount > 1", id="filter of a relation"),
        pytest.param("    on: order_id", "    on: order_id\n    when: total > 1", id="condition of a relation"),
        pytest.param("    on: order_id", "    on: order_id\n    limit: 3", id="limit"),
        pytest.param("    on: order_id", "    on: order_id\n    value: amount", id="value"),
        pytest.param("    on: order_id", "    on: order_id\n    map_by: id", id="map"),
        pytest.param("        on: product_id", "        on: product_id\n        merge: true", id="merge"),
        pytest.param("        on: product_id", "        on: product_id\n        required: true", id="required"),
        pytest.param("    on: order_id", "    on: order_id\n    on_parent_delete: cascade", id="policy"),
        pytest.param("    on: order_id", "    on: order_id\n    computed: {twice: amount * 2}", id="computed element"),
        pytest.param("{count: lines}", "count(lines) + 1", id="expression"),
        pytest.param("root:", "publish: direct\nwrite: merge\nroot:", id="who owns the fields"),
        pytest.param("  shop.product:\n", "  shop.product:\n    topic_prefix: catalog\n", id="another server"),
    ],
)
def test_every_option_of_the_language_counts(old: str, new: str) -> None:
    """Each changes documents, or which rows make them."""
    base = ORDERS.replace("root:", "publish: direct\nroot:", 1) if "write:" in new else ORDERS
    assert old in ORDERS

    assert hash_of(broken(old, new)) != hash_of(base)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("{count: lines}", "count( lines )", id="another way to write a count"),
        pytest.param("    on: order_id", "    on: order_id\n    on_parent_delete: restrict", id="up to the source"),
        pytest.param("        on: product_id", "        on: product_id\n        merge: false", id="off, written out"),
        pytest.param("    on: order_id", "    on: order_id\n    depth: 1", id="one level"),
        pytest.param("  shop.product:\n", "  shop.product:\n    topic_prefix: shop\n", id="the same server"),
        pytest.param("root:", "write: replace\nroot:", id="the default of write"),
    ],
)
def test_an_option_that_changes_nothing_keeps_the_hash_of_before(old: str, new: str) -> None:
    """Mappings that were written before an option existed keep their hash, so no generation is refused for it."""
    assert hash_of(broken(old, new)) == hash_of(ORDERS)


def test_views_count() -> None:
    """What they show, and their names; the order of a file's views is the order of their numbers."""
    view = "views:\n  a: {root: {table: shop.order, fields: [status]}}\n"
    other = view.replace("views:\n  a", "  b")

    texts = [view, view.replace("  a:", "  b:"), view.replace("status", "total"), view + other]
    texts.append(f"views:\n{other}{view.removeprefix('views:')}".replace("\n\n", "\n"))
    hashes = [hash_of(broken("tables:\n", f"{text}tables:\n")) for text in ["", *texts]]

    assert len(set(hashes)) == len(hashes)


def test_two_texts_of_one_expression_are_one_mapping() -> None:
    """Blanks and case of words say nothing."""
    one = broken("  fields: [status", "  where: \"status = 'a' AND total>1\"\n  fields: [status")

    assert hash_of(one) == hash_of(one.replace("AND total>1", "and  total > 1"))


def test_columns_in_use_are_all_that_anything_names() -> None:
    """Keys, relations, fields, orders, filters, conditions, computed values, keys of objects, switches."""
    used = meaning.used_columns(
        loaded(
            """\
root: {table: shop.order, where: status <> 'x'}
embed:
  lines: {many: shop.line, on: order_id, where: amount > 1, when: paid, map_by: note, computed: {c: price * 2}}
  about: {switch: state, cases: {open: {one: shop.customer, on: customer_id, fields: [name]}}}
computed:
  late: year(placed_at)
"""
        )
    )

    assert used == {
        "shop.order": {"id", "status", "paid", "state", "customer_id", "placed_at"},
        "shop.line": {"id", "order_id", "amount", "note", "price"},
        "shop.customer": {"id", "name"},
    }


def test_swapping_two_relations_changes_the_hash() -> None:
    """The order of values in a document is part of the document."""
    one = "  a: {many: shop.line, on: order_id, fields: [id]}\n"
    other = "  b: {many: shop.line, on: order_id, fields: [id]}\n"

    assert hash_of(broken("embed:\n", f"embed:\n{one}{other}")) != hash_of(broken("embed:\n", f"embed:\n{other}{one}"))


def test_swapping_two_tables_or_columns_of_tables_keeps_the_hash() -> None:
    """`tables` says what exists; its order says nothing."""
    status, total = "      status: varchar(20)\n", "      total: decimal(12,2)\n"

    assert hash_of(broken(status + total, total + status)) == hash_of(ORDERS)
