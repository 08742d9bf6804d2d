"""
What a person is told about a file of cases that is wrong: place, code, and what to write instead.
"""

from __future__ import annotations

import pytest

from tests.specs import shelf

GOOD = """\
cases:
  - name: one
    given:
      - insert: shop.book
        row: {id: 1, title: a}
      - update: shop.book
        key: {id: 1}
        set: {price: 1.50}
      - delete: shop.book
        key: {id: 1}
    expect: []
"""


def test_a_good_file_has_no_problem() -> None:
    """What the other tests break is right before."""
    assert shelf.problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "code", "fix"),
    [
        pytest.param("given:", "givn:", "3:5", "cases.unknown_key", 'did you mean "given"?', id="a misspelt key"),
        pytest.param("    expect: []\n", "", "2:5", "cases.missing_key", "add  expect: …", id="a missing key"),
        pytest.param("insert:", "inserts:", "4:9", "cases.unknown_change", 'did you mean "insert"?', id="a change"),
        pytest.param("- delete: shop.book", "- delete: shop.bok", "9:17", "cases.unknown_table",
                     'did you mean "shop.book"?', id="a table"),
        pytest.param("title: a", "titel: a", "5:22", "cases.unknown_column", 'did you mean "title"?', id="a column"),
        pytest.param("{id: 1, title: a}", "{id: 1}", "5:14", "cases.missing_value", "add  title: …", id="not null"),
        pytest.param("title: a", "title: null", "5:29", "cases.missing_value", "declare the column  null", id="null"),
        pytest.param("price: 1.50", "price: 1.505", "8:22", "cases.bad_value", "as the database prints", id="digits"),
        pytest.param("price: 1.50", "price: dear", "8:22", "cases.bad_value", "as the database prints", id="a word"),
        pytest.param("row: {id: 1", "row: {id: 3000000000", "5:19", "cases.bad_value", "as the database", id="range"),
        pytest.param("key: {id: 1}\n        set", "key: {title: a}\n        set", "7:15", "cases.unknown_column",
                     "known: id", id="a key of other columns"),
        pytest.param("expect: []", "expect: [{title: a}]", "11:14", "cases.bad_value", "whole document",
                     id="a document without _id"),
        pytest.param("name: one", "name: one\n    in_any_order: often", "3:19", "cases.bad_value", "true  or  false",
                     id="a flag"),
        pytest.param("      - insert", "      - truncate: shop.book\n        insert", "4:9", "cases.unknown_change",
                     "changes of their own", id="two changes in one"),
        pytest.param("expect: []", "expect: [", "12:1", "mapping.syntax", "correct the YAML", id="no YAML"),
    ],
)  # fmt: skip
def test_one_mistake_is_told_with_its_place(old: str, new: str, where: str, code: str, fix: str) -> None:
    """Line and column of the mistake, and a fix."""
    assert old in GOOD

    found = shelf.problems(GOOD.replace(old, new, 1))

    assert [(place, name) for place, name, told in found if fix in told] == [(where, code)]


def test_all_problems_are_told_at_once() -> None:
    """In the order of the file."""
    text = GOOD.replace("title: a", "titel: a").replace("price: 1.50", "price: dear").replace("- delete", "- remove")

    codes = [code for _, code, _ in shelf.problems(text)]

    assert codes == [
        "cases.unknown_column", "cases.bad_value", "cases.unknown_change",
    ]  # fmt: skip


def test_two_cases_cannot_have_one_name() -> None:
    """A report names a case."""
    second = "  - name: one\n    given: []\n    expect: []\n"

    assert shelf.problems(GOOD + second) == [("12:11", "cases.duplicate_name", "give each its own name")]
