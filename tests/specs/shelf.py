"""
A small pipeline and its cases as text, for tests of what is wrong with them.
"""

from __future__ import annotations

from syncsvc import cases, mapping
from syncsvc.cases import Case, Outcome
from syncsvc.errors import UsageFault

MAPPING = """\
pipeline: shelf
source: {topic_prefix: shop}
partitions: 2
root: {table: shop.book, key: id, fields: [title, price]}
embed:
  author: {one: shop.author, on: author_id, fields: [name]}
tables:
  shop.book: {key: id, columns: {id: int, author_id: int null, title: varchar(20), price: "decimal(8,2) null"}}
  shop.author: {key: id, columns: {id: int, name: varchar(20)}}
"""
PIPELINE = mapping.load_text(MAPPING, "shelf.yaml")


def read(given: str, expect: str = "[]", *, name: str = "one", any_order: bool = False) -> tuple[Case, ...]:
    """A file with one case."""
    text = f"cases:\n- name: {name}\n  in_any_order: {str(any_order).lower()}\n  given: {given}\n  expect: {expect}\n"
    return cases.load_text(text, "shelf.cases.yaml", PIPELINE)


def run(given: str, expect: str = "[]", *, any_order: bool = False) -> Outcome:
    """What comes of that case."""
    (case,) = read(given, expect, any_order=any_order)
    return cases.run(PIPELINE, case)


def problems(text: str) -> list[tuple[str, str, str]]:
    """`(line:column, code, fix)` of everything that is wrong with a file of cases."""
    try:
        cases.load_text(text, "shelf.cases.yaml", PIPELINE)
    except UsageFault as fault:
        return [
            (problem.where.removeprefix("shelf.cases.yaml:"), problem.code, problem.fix) for problem in fault.problems
        ]
    return []
