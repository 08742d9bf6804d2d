"""
`syncsvc parked list` where more is parked than is listed.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from syncsvc.cli import parked, target
from tests.cli.conftest import Run

ENTRIES = [
    {"_id": f"p.g1/record/{number}", "pipeline": "p", "generation": 1, "kind": "record", "reason": "some.reason",
     "where": f"t[0]@{number}", "at": datetime(2024, 1, 1, tzinfo=UTC)}
    for number in range(3)
]  # fmt: skip


class Entries(list[dict[str, Any]]):
    """A collection and what is found in it."""

    def find(self, wanted: object) -> Entries:
        """All of them."""
        return self

    def sort(self, name: str, direction: int) -> Entries:
        """As they are."""
        return self

    def limit(self, most: int) -> list[dict[str, Any]]:
        """The first of them."""
        return self[:most]

    def count_documents(self, wanted: object) -> int:
        """How many there are."""
        return len(self)


class Mongo(io.BytesIO):
    """Can be closed."""

    database: Any = type("", (), {"__getitem__": lambda *_: Entries(ENTRIES)})()


@pytest.mark.parametrize(("most", "said"), [(2, True), (3, False), (1000, False)])
def test_a_list_that_is_cut_says_so(run: Run, monkeypatch: pytest.MonkeyPatch, most: int, said: bool) -> None:
    """How many there are in all: what is not listed is parked as well."""
    monkeypatch.setattr(target, "open_mongo", lambda _: Mongo())
    monkeypatch.setattr(parked, "MOST_LISTED", most)

    table, told = run("parked", "list"), run("parked", "list", "-o", "json").json

    assert ("the oldest 2 of 3" in table.out) is said
    assert (len(told["parked"]), told["total"]) == (min(most, 3), 3)
