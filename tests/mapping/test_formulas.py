"""Expressions in a mapping: which names they may use, and where a mistake in one is told."""

from __future__ import annotations

import pytest

from syncsvc.expressions import parse
from syncsvc.mapping.model import Computed
from tests.mapping.texts import loaded, problem_of, problems_of, with_tables

LINES = "embed: {lines: {many: shop.line, on: order_id, fields: [id, amount]}}\n"


def order(**keys: str) -> str:
    """A document of orders with more keys of `root`."""
    return f"root: {{table: shop.order, {''.join(f'{key}: {text}, ' for key, text in keys.items())}fields: [status]}}\n"


@pytest.mark.parametrize(
    ("head", "place"),
    [
        pytest.param(order(where='"paid and"'), "2:43", id="behind the last character"),
        pytest.param(order(where="\"status = 'a' ) and paid\""), "2:48", id="a character in quotes"),
        pytest.param("root:\n  table: shop.order\n  fields: [status]\n  where: status = = paid\n", "5:19", id="plain"),
        pytest.param("root:\n  table: shop.order\n  fields: [status]\n  where: >\n    paid\n    and and paid\n",
                     "7:9", id="in the second line of a folded text"),
        pytest.param(order() + 'computed: {n: "amount \\x2b + 1"}\n', "3:15", id="an escape: the value's own place"),
        pytest.param(order() + "computed:\n  n: round(\n", "4:12", id="where it ends"),
    ],
)  # fmt: skip
def test_an_expression_that_is_not_well_written_is_told_at_its_character(head: str, place: str) -> None:
    """However YAML writes the text it stands in."""
    assert problem_of(head)[:2] == (place, "bad_expression")


@pytest.mark.parametrize(
    ("head", "place", "near"),
    [
        pytest.param(order(where="paid and statsu = 'a'"), "2:43", "status", id="where of the root"),
        pytest.param(order() + LINES.replace("fields", "where: amuont > 1, fields"), "3:55", "amount", id="where"),
        pytest.param(order() + LINES.replace("fields", "when: statuss = 'a', fields"), "3:54", "status",
                     id="when is over the parent's columns"),
        pytest.param(order() + "computed: {n: upper(statsu)}\n", "3:21", "status", id="computed"),
        pytest.param(order() + LINES + "computed: {n: 'sum(lines, amuont)'}\n", "4:27", "amount", id="in an element"),
        pytest.param(order() + LINES.replace("fields", "computed: {n: amuont * 2}, fields"), "3:62", "amount",
                     id="computed of a relation"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_there_is_told_with_the_nearest_one(head: str, place: str, near: str) -> None:
    """At its character."""
    found = problem_of(head)

    assert found[:2] == (place, "bad_expression")
    assert near in found[2]


@pytest.mark.parametrize(
    ("head", "place"),
    [
        pytest.param(order(where="status"), "2:34", id="a text"),
        pytest.param(order(where="1"), "2:34", id="a number"),
        pytest.param(order() + LINES.replace("fields", "where: amount + 1, fields"), "3:55", id="a sum"),
        pytest.param(order() + LINES.replace("fields", "when: concat(status), fields"), "3:54", id="a function"),
    ],
)
def test_a_condition_must_be_true_or_false(head: str, place: str) -> None:
    """`where` and `when` choose rows."""
    assert problem_of(head) == (place, "no_condition", "compare it with something")


def test_a_truth_value_is_a_condition_as_it_is() -> None:
    """A column of tinyint(1), or the word."""
    assert loaded(order(where="paid")).root.where == parse("paid")
    assert loaded(order(where="true")).root.where == parse("true")


def test_a_value_that_comes_later_cannot_be_used() -> None:
    """Values are computed in the order of the file, so there is no circle."""
    head = order() + LINES + "computed:\n  twice: count_of * 2\n  count_of: count(lines)\n"

    assert problem_of(head) == ("5:10", "unknown_name", 'write "count_of" above it')


def test_a_value_is_not_made_from_itself() -> None:
    """It is not there yet."""
    head = order() + LINES + "computed: {n: n + count(lines)}\n"

    assert problem_of(head) == ("4:15", "unknown_name", "use other names, or give it another one")


def test_a_value_may_be_made_from_the_column_whose_name_it_takes() -> None:
    """The column is there before it."""
    assert loaded(order() + "computed: {total: round(total)}\n").computed == (
        Computed("total", parse("round(total)"), of_row=True),
    )


def test_a_column_that_nothing_shows_is_not_there_for_a_value_made_from_what_is_shown() -> None:
    """The document is rendered from what it holds."""
    head = order() + LINES + 'computed: {n: "if(count(lines) > 1, total, 0)"}\n'

    assert problem_of(head) == ("4:37", "unknown_name", "show it as a field:  fields: [total]")


def test_the_place_of_a_name_is_not_that_of_a_text_that_reads_the_same() -> None:
    """Texts and names in backquotes are told apart."""
    head = order() + LINES + "computed: {n: \"if(count(lines) > 1, 'total', `total`)\"}\n"

    assert problem_of(head)[0] == "4:46"


@pytest.mark.parametrize(
    "text",
    [
        "sum(lines, amount) > 3 and any(lines, product.sku = 'a')",
        "customer.name",
        "coalesce(customer.name, '?')",
        "first(lines, product.sku)",
        "max(amounts, it)",
        "count(amounts, it > 3)",
        "length(about.sku)",
        "country",
        "sum(below_lines, amount)",
    ],
)
def test_what_a_level_shows_can_be_used(text: str) -> None:
    """Lists and their elements, single rows, arrays of values, cases of a switch, what a merged relation brings."""
    head = f"""\
root: {{table: shop.order, fields: [status]}}
embed:
  lines:
    many: shop.line
    on: order_id
    fields: [amount]
    embed: {{product: {{one: shop.product, on: product_id, fields: [sku]}}}}
  amounts: {{many: shop.line, on: order_id, value: amount, fields: [amount]}}
  customer: {{one: shop.customer, on: customer_id, fields: [name]}}
  again:
    one: shop.customer
    on: customer_id
    merge: true
    fields: [country]
    embed: {{below_lines: {{many: shop.line, on: order_id, fields: [amount]}}}}
  about:
    switch: state
    cases:
      open: {{one: shop.customer, on: customer_id, fields: [{{name: sku}}]}}
      it's paid: {{one: shop.product, on: customer_id, fields: [sku, name]}}
computed:
  x: {text}
"""
    assert [value.of_row for value in loaded(head).computed] == [False]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("status + 1", 0, id="a text is no number"),
        pytest.param("lines > 3", 0, id="a list is no number"),
        pytest.param("customer = 3", 0, id="an object is no number"),
        pytest.param("customer.nmae", 9, id="a field that the row does not show"),
        pytest.param("lines.amount", 6, id="a list has no fields"),
        pytest.param("uper(status)", 0, id="misspelt function"),
    ],
)
def test_nonsense_is_refused_before_a_row_is_seen(text: str, at: int) -> None:
    """By the types of columns and of what is shown."""
    head = order() + LINES.replace("}}\n", "}, customer: {one: shop.customer, on: customer_id, fields: [name]}}\n")
    place, code, _ = problem_of(f"{head}computed: {{x: {text}}}\n")

    assert code == "bad_expression"
    assert place == f"4:{15 + at}"


def test_the_short_form_of_a_count_names_a_list_of_its_own_level() -> None:
    """In a relation too."""
    head = order() + (
        "embed:\n  lines:\n    many: shop.line\n    on: order_id\n    fields: [id]\n"
        "    embed: {more: {many: shop.stock, on: product_id, to: product_id, fields: [amount]}}\n"
        "    computed: {n: {count: NAME}}\n"
    )

    assert loaded(head.replace("NAME", "more")).embed[0].computed[0].expression.counted == "more"
    assert problem_of(head.replace("NAME", "mroe")) == ("9:27", "unknown_list", 'did you mean "more"?')
    assert problem_of(head.replace("NAME", "lines"))[1] == "unknown_list"


def test_an_expression_is_read_from_a_number_or_a_truth_value_too() -> None:
    """What YAML takes for one is one."""
    first, second = loaded(order() + "computed: {a: 42, b: true}\n").computed

    assert (first.expression, second.expression) == (parse("42"), parse("true"))


@pytest.mark.parametrize("written", ["", "''", "[a]", "null", "{cuont: lines}"])
def test_what_is_no_expression_is_refused(written: str) -> None:
    """With one problem."""
    assert len(problems_of(with_tables(order() + LINES + f"computed:\n  n: {written}\n"))) == 1


@pytest.mark.parametrize(
    "computed",
    ["{n: sum(lines, amount), m: 1}", "{m: 1, n: sum(lines, if(amount > 1, 2, 3))}"],
)
def test_an_expression_that_a_comma_tears_apart_is_told_once(computed: str) -> None:
    """Inside {…} a comma ends a value of YAML; the way out is a pair of quotes."""
    place, code, fix = problem_of(order() + LINES + f"computed: {computed}\n")

    assert (place, code) == (f"4:{11 + computed.index(',', computed.index('('))}", "bad_expression")
    assert "put it in quotes" in fix


def test_texts_in_a_list_inside_of_braces_are_told_to_need_quotes() -> None:
    """There it is no YAML any more."""
    _, code, fix = problem_of(order() + LINES.replace("fields", "where: note in ('a', 'b'), fields"))

    assert code == "syntax"
    assert "put a value with commas or quotes in quotes" in fix


def test_mistakes_in_several_expressions_are_told_in_one_run() -> None:
    """None hides another."""
    head = order(where="statsu = 1") + LINES + "computed: {a: upper(statsu), b: 1 +, c: 2}\n"

    assert [problem.where for problem in problems_of(with_tables(head))] == [
        "orders.yaml:2:34", "orders.yaml:4:21", "orders.yaml:4:36",
    ]  # fmt: skip
