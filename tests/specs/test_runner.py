"""
What becomes of a case: it passes, or it says where the documents part and in which order of the changes.
"""

from __future__ import annotations

import pytest

from syncsvc.cases import orders, runner, source
from syncsvc.errors import UsageFault
from syncsvc.flow import Flow
from tests.specs import shelf

BOOK = "{insert: shop.book, row: {id: 1, author_id: 7, title: a, price: 12.30}}"
AUTHOR = "{insert: shop.author, row: {id: 7, name: Ada}}"


def test_a_difference_has_its_path_and_both_values() -> None:
    """Values, missing fields, fields too many: each at its own place."""
    outcome = shelf.run(f"[{BOOK}, {AUTHOR}]", "[{_id: 1, title: b, author: {name: Ada, born: 1815}}]")

    assert [difference.as_dict() for difference in outcome.differences] == [
        {"id": "1", "path": "title", "expected": '"b"', "got": '"a"'},
        {"id": "1", "path": "author.born", "expected": "1815", "got": "(absent)"},
        {"id": "1", "path": "price", "expected": "(absent)", "got": '"12.30"'},
    ]
    assert (outcome.passed, outcome.where, outcome.order) == (False, "shelf.cases.yaml:5:11", ())


def test_documents_that_miss_or_are_too_many_are_told_whole() -> None:
    """Documents are paired by their `_id`."""
    outcome = shelf.run(f"[{BOOK}]", "[{_id: 2, title: a}]")

    assert [(one.id, one.path, one.expected, one.got) for one in outcome.differences] == [
        ("2", "", "this document", "(absent)"),
        ("1", "", "(absent)", '{"_id": 1, "title": "a", "price": "12.30", "author": null}'),
    ]


@pytest.mark.parametrize(
    ("expected", "passes"),
    [
        ("12.30", True), ('"12.30"', True), ("{$numberDecimal: '12.30'}", True), ("12.3", False), ("null", False),
        ("12.31", False), ("{$numberDouble: '12.30'}", False), ("[12.30]", False), ("true", False),
    ],
)  # fmt: skip
def test_a_decimal_is_equal_with_all_its_digits_alone(expected: str, passes: bool) -> None:
    """Also where the type is pinned."""
    outcome = shelf.run(f"[{BOOK}]", f"[{{_id: 1, title: a, price: {expected}, author: null}}]")

    assert outcome.passed is passes


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (f"[{BOOK}, {BOOK}]", "is there already"),
        ("[{delete: shop.book, key: {id: 1}}]", "there is no row"),
        ("[{update: shop.book, key: {id: 1}, set: {title: b}}]", "there is no row"),
        (f"[{BOOK}, {BOOK.replace('id: 1', 'id: 2', 1)}, {{update: shop.book, key: {{id: 1}}, set: {{id: 2}}}}]",
         "is there already"),
    ],
)  # fmt: skip
def test_what_no_database_would_do_is_refused(given: str, what: str) -> None:
    """A case that contradicts itself proves nothing."""
    with pytest.raises(UsageFault, match=what) as caught:
        shelf.run(given)

    assert caught.value.problems[0].code == "cases.impossible"
    assert caught.value.problems[0].where.startswith("shelf.cases.yaml:4:")


def test_every_interleaving_is_run_when_they_are_few() -> None:
    """Two records of one row and one of another: three orders, each row's own order kept."""
    (case,) = shelf.read(f"[{BOOK}, {{update: shop.book, key: {{id: 1}}, set: {{title: b}}}}, {AUTHOR}]")
    events = source.rounds(case, shelf.PIPELINE.tables)

    found = [
        [arrival.event.said for arrival in order[0] if not arrival.again] for order in orders.any_order(events, "")
    ]

    book, changed, author = (event.said for event in events[0])
    assert sorted(found) == sorted([[book, changed, author], [book, author, changed], [author, book, changed]])


def test_at_most_fifty_orders_are_run_and_always_the_same() -> None:
    """Seeded by the case: a failure can be run again."""
    given = ", ".join(BOOK.replace("id: 1", f"id: {number}", 1) for number in range(1, 9))
    (case,) = shelf.read(f"[{given}]")
    events = source.rounds(case, shelf.PIPELINE.tables)

    found = list(orders.any_order(events, "one"))

    assert len(found) == 50
    assert found == list(orders.any_order(events, "one"))
    assert found != list(orders.any_order(events, "two"))


def test_a_tombstone_is_never_repeated_without_its_delete() -> None:
    """They are one event of the source; a connector that starts again sends both."""
    (case,) = shelf.read(
        f"[{BOOK}, {{delete: shop.book, key: {{id: 1}}}}, {BOOK.replace('title: a', 'title: b')}, {AUTHOR}]"
    )
    events = source.rounds(case, shelf.PIPELINE.tables)

    for seed in range(300):
        for order in orders.any_order(events, str(seed)):
            said = [(arrival.event.value is None, arrival.again) for arrival in order[0]]
            for before, (tombstone, again) in zip([(False, False), *said], said, strict=False):
                assert not (tombstone and again and before == (False, False)), order


class Forgetful(Flow):
    """A core with a fault: an author that comes before its book is lost."""

    def put(self, table: str, key: bytes, value: bytes | None, timestamp: int = 0) -> None:
        """Loses it."""
        if table == "shop.author" and not self.documents:
            return
        super().put(table, key, value, timestamp)
        self.settle()


def test_an_order_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case holds in the order of the file, and is still found wrong."""
    monkeypatch.setattr(runner, "Flow", Forgetful)
    expect = "[{_id: 1, title: a, price: 12.30, author: {name: Ada}}]"

    in_order, any_order = (shelf.run(f"[{BOOK}, {AUTHOR}]", expect, any_order=flag) for flag in (False, True))

    assert in_order.passed
    assert not any_order.passed
    assert any_order.order[:2] == ('insert shop.author {"id":7}', 'insert shop.book {"id":1}')
    assert any_order.differences[0].path == "author"


def test_a_fault_inside_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """One case must not keep the others from running."""

    def fail(self: Flow) -> None:
        if self.plan.pipeline.name == "shelf" and self._offsets["shop.book"]:
            raise RuntimeError("broken\nat many places")

    monkeypatch.setattr(Flow, "settle", fail)

    assert shelf.run(f"[{BOOK}]").error == "RuntimeError: broken"
