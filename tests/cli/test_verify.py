"""
`syncsvc verify`: the exit code is the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from tests.cli.conftest import Run
from tests.verify import world

pytestmark = pytest.mark.servers


@pytest.fixture
def documents(stack: Stack, named: Path) -> Iterator[Any]:
    """A collection that is right."""
    with MongoClient[dict[str, Any]](stack.mongod.uri) as client:
        found = client["meetup"][mapping.load(named).target_collection]
        found.insert_many(world.documents())
        yield found


def test_equal_documents_end_with_0(run: Run, documents: Any, named: Path) -> None:
    """The same report for people and for programs."""
    outcome = run("verify", named, "-o", "json")

    assert outcome.code == 0
    assert outcome.json["equal"] is True
    assert (outcome.json["pipelines"][0]["documents"], outcome.json["pipelines"][0]["different"]) == (3, 0)
    assert "equal" in run("verify", named).out


def test_a_difference_ends_with_1_and_shows_no_value(run: Run, documents: Any, named: Path) -> None:
    """The place is shown; the values only when asked for."""
    documents.update_one({"_id": 1}, {"$set": {"applications.2.user.name": "Rear Admiral"}})

    closed, open_ = run("verify", named), run("verify", named, "--show-values")

    assert (closed.code, open_.code) == (1, 1)
    assert "1: different at applications[2].user.name  the values differ" in closed.out
    assert "Admiral" not in closed.out
    assert "found    'Rear Admiral'" in open_.out
