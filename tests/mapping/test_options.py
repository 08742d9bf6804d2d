"""What does not go together in a relation, told at its line with what to write instead."""

from __future__ import annotations

import pytest

from tests.mapping.texts import problem_of

ORDER = "root: {table: shop.order, fields: [status]}\nembed:\n"
LINES = ORDER + "  lines: {many: shop.line, on: order_id, fields: [id, amount]EXTRA}\n"
CUSTOMER = ORDER + "  customer: {one: shop.customer, on: customer_id, fields: [name]EXTRA}\n"
NAMES = (
    "root: {table: shop.product, fields: [sku]}\nembed:\n"
    "  names: {many: shop.translation, on: product_id, fields: [name]EXTRA}\n"
)
NOTE = """\
root: {table: shop.note, fields: [body]}
embed:
  about:
    switch: about_type
    cases:
      order: {one: shop.order, on: about_id, fields: [status]}
"""


def extra(head: str, text: str) -> tuple[str, str, str]:
    """The only problem of a relation with one more option."""
    return problem_of(head.replace("EXTRA", f", {text}"))


@pytest.mark.parametrize(
    ("head", "text", "code", "fix"),
    [
        pytest.param(CUSTOMER, "limit: 3", "not_allowed", 'or use "many"', id="limit of one"),
        pytest.param(CUSTOMER, "map_by: id", "not_allowed", 'or use "many"', id="map_by of one"),
        pytest.param(LINES, "merge: true", "not_allowed", 'or use "one"', id="merge of many"),
        pytest.param(LINES, "required: true", "not_allowed", 'or use "one"', id="required of many"),
        pytest.param(LINES, "limit: 0", "bad_value", "from 1", id="limit of nothing"),
        pytest.param(LINES, "depth: 9", "bad_value", "from 1 to 8", id="too deep"),
        pytest.param(CUSTOMER, "merge: yes", "bad_value", "true or false", id="yes is a text in YAML 1.2"),
        pytest.param(LINES, "on_parent_delete: casacde", "bad_value", 'did you mean "cascade"?', id="misspelt policy"),
        pytest.param(LINES, "value: amuont", "unknown_name", 'did you mean "amount"?', id="misspelt value"),
        pytest.param(LINES, "value: price", "unknown_name", "known: id, amount", id="value that is not shown"),
        pytest.param(CUSTOMER, "merge: true, value: name", "not_allowed", "remove value or merge", id="merged value"),
        pytest.param(NAMES, "map_by: langauge", "unknown_column", 'did you mean "language"?', id="misspelt key"),
        pytest.param(NAMES, "map_by: shape", "bad_map_key", "whole numbers", id="json for a key"),
        pytest.param(NAMES, "map_by: kind", "bad_map_key", "whole numbers", id="boolean for a key"),
        pytest.param(CUSTOMER, "depth: 2", "not_allowed", "refer to rows of their own table", id="not to itself"),
        pytest.param(LINES, "many_: 1", "unknown_key", 'did you mean "many"?', id="misspelt key of a relation"),
        pytest.param(LINES, "switch: status", "not_allowed", "keep one", id="switch and many"),
        pytest.param(LINES, "cases: {a: {one: shop.order, on: customer_id, fields: [id]}}", "not_allowed",
                     'use "switch"', id="cases without a switch"),
    ],
)  # fmt: skip
def test_an_option_that_does_not_belong_is_told_once(head: str, text: str, code: str, fix: str) -> None:
    """Each gives one problem, at the option, with the way out."""
    place, found, told = extra(head, text)
    option, column = text.split(",")[-1].strip(), head.replace("EXTRA", ", ").splitlines()[2].index("}")
    line = head.replace("EXTRA", f", {text}").splitlines()[2]
    key = line.index(option) + 1
    value = key + option.index(":") + 2

    assert found == code
    assert fix in told
    assert place in {f"4:{key}", f"4:{value}", f"4:{line.index(', ' + text) + 3}"}
    assert column < len(line)


@pytest.mark.parametrize("column", ["language", "product_id", "born", "seen"])
def test_texts_whole_numbers_and_dates_are_keys_of_an_object(column: str) -> None:
    """What has one text for one value."""
    with pytest.raises(ValueError, match="not enough values"):
        extra(NAMES, f"map_by: {column}")


@pytest.mark.parametrize(
    ("old", "new", "place", "code", "fix"),
    [
        pytest.param("switch: about_type", "switch: about_typ",
                     "5:13", "unknown_column", 'did you mean "about_type"?', id="column that switches"),
        pytest.param("about_type", "body", "", "", "", id="a text of any length"),
        pytest.param("switch: about_type", "switch: kind",
                     "7:7", "bad_value", "write one of whole numbers", id="text for a number"),
        pytest.param("fields: [status]", "fields: [status], merge: true",
                     "7:64", "not_allowed", "remove it", id="merge of a case"),
        pytest.param("fields: [status]", "fields: [status], required: true",
                     "7:64", "not_allowed", "remove it", id="required in a switch"),
        pytest.param("one: shop.order", "many: shop.order", "7:15", "not_allowed", "write one", id="list in a switch"),
        pytest.param("    switch: about_type\n", "",
                     "4:3", "missing_key", "add  many: database.table", id="cases alone"),
        pytest.param("      order: {one: shop.order, on: about_id, fields: [status]}\n", "",
                     "6:5", "bad_value", "one entry a name", id="no case"),
        pytest.param("    switch: about_type\n", "    switch: about_type\n    merge: true\n",
                     "6:5", "not_allowed", 'or use "one"', id="merge of a switch"),
        pytest.param("    switch: about_type\n", "    switch: about_type\n    on: about_id\n",
                     "6:5", "not_allowed", '"many" or "one"', id="on of a switch"),
        pytest.param("on: about_id", "on: about_idd",
                     "7:36", "unknown_column", 'did you mean "about_id"?', id="column of a case"),
    ],
)  # fmt: skip
def test_a_switch_that_is_wrong_is_told_at_its_place(old: str, new: str, place: str, code: str, fix: str) -> None:
    """The column, the cases and what each of them holds."""
    assert old in NOTE
    if not place:
        with pytest.raises(ValueError, match="not enough values"):
            problem_of(NOTE.replace(old, new))
        return
    found = problem_of(NOTE.replace(old, new))

    assert found[:2] == (place, code)
    assert fix in found[2]


def test_a_case_of_an_enum_must_be_one_of_its_values() -> None:
    """With the nearest one; a quote in it is a quote."""
    head = "root: {table: shop.order, fields: [status]}\nembed: {a: {switch: state, cases: {CASE: CONTENT}}}\n"
    head = head.replace("CONTENT", "{one: shop.customer, on: customer_id, fields: [name]}")

    place, code, fix = problem_of(head.replace("CASE", "opne"))

    assert (place, code, fix) == ("3:36", "bad_value", 'did you mean "open"?')
    with pytest.raises(ValueError, match="not enough values"):
        problem_of(head.replace("CASE", '"it\'s paid"'))


def test_a_column_that_no_case_can_tell_apart_cannot_switch() -> None:
    """A floating point number is never exactly a value that somebody wrote."""
    head = (
        "root: {table: shop.order, fields: [status]}\n"
        "embed: {a: {switch: weight, cases: {1: {one: shop.customer, on: customer_id, fields: [name]}}}}\n"
    )

    assert problem_of(head) == ("3:21", "bad_switch", "use a column of text or whole numbers")


def test_a_relation_that_follows_itself_cannot_be_merged() -> None:
    """Every level would bring the same names."""
    _, code, fix = problem_of(
        "root: {table: shop.category, fields: [id]}\n"
        "embed: {up: {one: shop.category, on: parent_id, merge: true, depth: 2, fields: [name]}}\n"
    )

    assert (code, fix) == ("not_allowed", "remove depth or merge")


def test_the_name_of_a_relation_that_follows_itself_is_taken_in_its_element() -> None:
    """There it stands again."""
    place, code, fix = problem_of(
        "root: {table: shop.category, fields: [id]}\n"
        "embed: {below: {many: shop.category, on: parent_id, depth: 2, fields: [{name: below}]}}\n"
    )

    assert (place, code, fix) == ("3:72", "duplicate_name", "rename it: {name: another_name}")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        pytest.param("[{name: status}]", "3:66", id="the parent's field"),
        pytest.param("[{name: _id}]", "3:66", id="the document's key"),
        pytest.param("[{name: later}]", "4:12", id="a computed value of the parent"),
    ],
)
def test_a_merged_relations_names_count_in_the_level_of_its_parent(fields: str, place: str) -> None:
    """They stand there."""
    head = (
        "root: {table: shop.order, fields: [status]}\n"
        f"embed: {{customer: {{one: shop.customer, on: customer_id, fields: {fields}, merge: true}}}}\n"
        "computed: {later: 1}\n"
    )

    assert problem_of(head)[:2] == (place, "duplicate_name")


def test_two_merged_relations_may_not_bring_the_same_name() -> None:
    """The second one is told, with the line of the first."""
    head = ORDER + (
        "  a: {one: shop.customer, on: customer_id, merge: true, fields: [name]}\n"
        "  b: {one: shop.customer, on: customer_id, merge: true, fields: [name]}\n"
    )

    assert problem_of(head) == ("5:66", "duplicate_name", "rename it: {name: another_name}")


@pytest.mark.parametrize(
    ("head", "place", "fix"),
    [
        pytest.param("root: {table: shop.order}\n", "2:1", "fields: [column", id="document"),
        pytest.param(ORDER + "  c: {one: shop.customer, on: customer_id}\n", "4:3", "fields: [column", id="element"),
        pytest.param(ORDER + "  c: {one: shop.customer, on: customer_id, computed: {}}\n",
                     "4:3", "fields: [column", id="computed without content"),
    ],
)  # fmt: skip
def test_what_shows_nothing_is_refused(head: str, place: str, fix: str) -> None:
    """A document or an element without fields, relations and computed values."""
    found = problem_of(head)

    assert found[:2] == (place, "missing_key")
    assert fix in found[2]


def test_fields_of_applications_need_a_plain_collection() -> None:
    """Behind a view a generation's collection is replaced as a whole."""
    found = problem_of("write: merge\nroot: {table: shop.order, fields: [status]}\n")

    assert found == ("2:8", "not_allowed", "add  publish: direct")


def test_a_mapping_that_would_become_huge_is_refused_before_it_does() -> None:
    """Depth within depth multiplies."""
    lines, indent = [], 0
    for level in range(4):
        lines += ["  " * indent + "embed:", "  " * (indent + 1) + f"r{level}:"]
        indent += 2
        lines += ["  " * indent + text for text in ("many: shop.category", "on: parent_id", "depth: 8", "fields: [id]")]
    text = "root: {table: shop.category, fields: [id]}\n" + "\n".join(lines) + "\n"

    place, code, fix = problem_of(text)

    assert (place, code, fix) == ("3:1", "too_large", "lower depth, or split the mapping")
