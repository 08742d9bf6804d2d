"""Foreign keys of the server against `on_parent_delete`: what goes without a word in the log must be declared."""

from __future__ import annotations

import dataclasses

import pytest

from syncsvc.errors import UsageFault
from syncsvc.mapping import delete_rules
from syncsvc.mapping.delete_rules import DeleteRules, ForeignKey
from syncsvc.mapping.load import read_with_places
from tests.mapping.texts import ORDERS, with_tables

MARIADB = "11.8.3-MariaDB"
#: The list hangs on its parent; the single row is what its parent refers to.
LINE_TO_ORDER = ForeignKey("line_order", "shop.line", "shop.order", frozenset({("order_id", "id")}), "CASCADE")
LINE_TO_PRODUCT = ForeignKey("line_product", "shop.line", "shop.product", frozenset({("product_id", "id")}), "CASCADE")


def told(text: str, *keys: ForeignKey, logged: bool = False) -> list[tuple[str, str, str]]:
    """`(line:column, code, fix)` of every difference."""
    pipeline, places = read_with_places(text, "orders.yaml")
    problems = delete_rules.differences(pipeline, DeleteRules(keys, logged, MARIADB), places)
    return [(problem.where.removeprefix("orders.yaml:"), problem.code, problem.fix) for problem in problems]


def with_policy(policy: str) -> str:
    """The orders with a policy for their lines."""
    return ORDERS.replace("    on: order_id\n", f"    on: order_id\n    on_parent_delete: {policy}\n")


def with_rule(key: ForeignKey, rule: str) -> ForeignKey:
    """The same key with another ON DELETE."""
    return dataclasses.replace(key, on_delete=rule)


@pytest.mark.parametrize(
    ("key", "place", "name"),
    [
        pytest.param(LINE_TO_ORDER, "7:3", "lines", id="rows of a list go with their parent"),
        pytest.param(LINE_TO_PRODUCT, "12:7", "product", id="the parent goes with the row it refers to"),
    ],
)
def test_rows_that_go_without_a_word_must_be_declared(key: ForeignKey, place: str, name: str) -> None:
    """ON DELETE CASCADE along a key that a relation follows, at the relation, with what to write."""
    assert told(ORDERS, key) == [
        (place, "source.unlogged_cascade", f'write  on_parent_delete: cascade  in "{name}"'),
    ]


@pytest.mark.parametrize("policy", ["orphan", "restrict"])
def test_another_policy_than_the_servers_is_told_at_its_value(policy: str) -> None:
    """It would leave rows behind."""
    assert told(with_policy(policy), LINE_TO_ORDER)[0][:2] == ("10:23", "source.unlogged_cascade")


def test_what_is_declared_is_no_difference() -> None:
    """And neither is a key that only forbids."""
    assert told(with_policy("cascade"), LINE_TO_ORDER) == []
    assert told(ORDERS, with_rule(LINE_TO_ORDER, "NO ACTION"), with_rule(LINE_TO_PRODUCT, "RESTRICT")) == []


def test_a_server_that_logs_what_its_keys_do_needs_no_policy() -> None:
    """MySQL from 9.6; declared all the same, nothing happens twice."""
    set_null = with_rule(LINE_TO_PRODUCT, "SET NULL")

    assert told(ORDERS, LINE_TO_ORDER, set_null, logged=True) == []
    assert told(with_policy("cascade"), LINE_TO_ORDER, logged=True) == []


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        pytest.param((with_rule(LINE_TO_ORDER, "NO ACTION"),), "says NO ACTION on the server", id="another rule"),
        pytest.param((), "does not exist on the server", id="no key"),
        pytest.param((LINE_TO_PRODUCT,), "does not exist on the server", id="another key"),
    ],
)
def test_a_policy_without_a_foreign_key_that_says_so_is_told(keys: tuple[ForeignKey, ...], what: str) -> None:
    """Documents would lose rows that the source keeps."""
    pipeline, places = read_with_places(with_policy("cascade"), "orders.yaml")

    problems = delete_rules.differences(pipeline, DeleteRules(keys, False, MARIADB), places)
    (problem,) = [problem for problem in problems if problem.code != "source.unlogged_cascade"]

    assert (problem.where, problem.code) == ("orders.yaml:10:23", "source.delete_rule_differs")
    assert what in problem.what


def test_values_that_become_null_without_a_word_are_told_until_somebody_says_it_is_all_right() -> None:
    """There is no policy for ON DELETE SET NULL; `orphan`, written out, says that the old value may stay."""
    set_null = with_rule(LINE_TO_ORDER, "SET NULL")

    ((place, code, fix),) = told(ORDERS, set_null)

    assert (place, code) == ("7:3", "source.unlogged_set_null")
    assert "on_parent_delete: orphan" in fix
    assert told(with_policy("orphan"), set_null) == []


def test_every_level_of_a_relation_that_follows_itself_is_told_once() -> None:
    """They are one relation of the file."""
    text = with_tables(
        "root: {table: shop.category, fields: [name]}\n"
        "embed: {below: {many: shop.category, on: parent_id, depth: 3, fields: [id]}}\n"
    )
    key = ForeignKey("up", "shop.category", "shop.category", frozenset({("parent_id", "id")}), "CASCADE")

    assert [found[:2] for found in told(text, key)] == [("3:9", "source.unlogged_cascade")]


def test_a_case_of_a_switch_is_told_at_the_case() -> None:
    """Each case follows a key of its own."""
    text = with_tables(
        "root: {table: shop.note, fields: [body]}\nembed:\n  about:\n    switch: about_type\n    cases:\n"
        "      order: {one: shop.order, on: about_id, fields: [status]}\n"
        "      product: {one: shop.product, on: about_id, fields: [sku]}\n"
    )
    key = ForeignKey("about", "shop.note", "shop.product", frozenset({("about_id", "id")}), "CASCADE")

    assert [found[:2] for found in told(text, key)] == [("8:7", "source.unlogged_cascade")]


def test_pairs_of_a_composite_key_may_be_written_in_any_order() -> None:
    """A key is a set of pairs."""
    text = with_tables(
        "root: {table: shop.shelf, fields: [name]}\n"
        "embed: {stock: {many: shop.stock, on: [shelf_id, shop_id], to: [shelf_id, shop_id], fields: [amount]}}\n"
    )
    pairs = frozenset({("shop_id", "shop_id"), ("shelf_id", "shelf_id")})

    assert told(text, ForeignKey("shelf", "shop.stock", "shop.shelf", pairs, "CASCADE"))[0][0] == "3:9"


def test_without_a_file_the_relation_is_named() -> None:
    """A model that was not read from a file is compared in the same way."""
    pipeline, _ = read_with_places(ORDERS, "orders.yaml")

    (problem,) = delete_rules.differences(pipeline, DeleteRules((LINE_TO_ORDER,), False, MARIADB))

    assert problem.where == "embed"
    assert MARIADB in problem.what


@pytest.mark.parametrize(
    ("key", "places"),
    [
        pytest.param(LINE_TO_ORDER, {}, id="the parent of a list"),
        pytest.param(LINE_TO_PRODUCT, {}, id="what a row looks up"),
        pytest.param(with_rule(ForeignKey("f", "shop.line", "shop.owner", frozenset({("owner_id", "id")}), ""),
                               "CASCADE"), {"f": ["orders.lines"]}, id="a table that the mapping does not have"),
        pytest.param(ForeignKey("f", "shop.order", "shop.product", frozenset({("gift_id", "id")}), "CASCADE"),
                     {"f": ["orders"]}, id="a table that stands elsewhere"),
        pytest.param(ForeignKey("f", "shop.product", "shop.owner", frozenset({("owner_id", "id")}), "CASCADE"),
                     {"f": ["orders.lines.product"]}, id="of a row that is looked up"),
        pytest.param(ForeignKey("f", "shop.line", "shop.owner", frozenset({("owner_id", "id")}), "RESTRICT"),
                     {}, id="nothing goes"),
    ],
)  # fmt: skip
def test_rows_that_go_without_a_word_and_no_relation_follows_are_told_by_place(
    key: ForeignKey, places: dict[str, list[str]]
) -> None:
    """A relation is compared with its key; a key without a relation is found as well, in each place of its table."""
    pipeline, _ = read_with_places(ORDERS, "orders.yaml")

    found = delete_rules.unseen(pipeline, DeleteRules((key,), False, MARIADB))

    assert {one.name: where for one, where in found.items()} == places
    assert delete_rules.unseen(pipeline, DeleteRules((key,), True, "9.7.0")) == {}


@pytest.mark.parametrize("more", ["where: name = 'x'", "where: name = 'x'\n        required: true"])
def test_what_is_to_be_written_is_what_validate_takes(more: str) -> None:
    """A single row with a filter cannot cascade: neither command tells to write what the other refuses."""
    filtered = ORDERS.replace("        fields: [name]\n", f"        fields: [name]\n        {more}\n")
    cascading = filtered.replace("        where", "        on_parent_delete: cascade\n        where")
    unfiltered = cascading.replace("        where: name = 'x'\n", "")

    ((_, code, fix),) = told(filtered, LINE_TO_PRODUCT)
    with pytest.raises(UsageFault, match="cascade cannot be told") as refused:
        read_with_places(cascading, "orders.yaml")

    assert code == "source.unlogged_cascade"
    for advice in (fix, refused.value.problems[0].fix):
        assert "remove where" in advice
        assert "make the foreign key RESTRICT" in advice
    assert told(unfiltered, LINE_TO_PRODUCT) == []
    assert told(filtered, with_rule(LINE_TO_PRODUCT, "RESTRICT")) == []


def test_a_list_with_a_filter_may_cascade() -> None:
    """Its rows are those that go; whether they were filtered out makes no difference."""
    filtered = ORDERS.replace("    on: order_id\n", "    on: order_id\n    where: amount > 1\n")

    ((_, _, fix),) = told(filtered, LINE_TO_ORDER)

    assert fix == 'write  on_parent_delete: cascade  in "lines"'
    assert told(filtered.replace("    where", "    on_parent_delete: cascade\n    where"), LINE_TO_ORDER) == []
