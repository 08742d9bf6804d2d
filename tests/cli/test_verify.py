"""
`syncsvc verify`: the exit code is the verdict.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.devstack.stack import Stack
from syncsvc.mongo import names
from tests.cli.conftest import Run
from tests.verify import world

pytestmark = pytest.mark.servers

SUCCESS = "syncsvc_verify_last_success_timestamp_seconds{"


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


def test_the_outcome_is_left_for_prometheus_whatever_it_is(
    run: Run, documents: Any, named: Path, tmp_path: Path
) -> None:
    """A nightly run on a host is watched by the node exporter; a difference keeps the last success in the past."""
    path = tmp_path / "syncsvc.prom"
    assert run("verify", named, "--metrics", path).code == 0
    succeeded = [line for line in path.read_text().splitlines() if line.startswith(SUCCESS)]
    documents.delete_one({"_id": 1})

    assert run("verify", named, "--metrics", path).code == 1
    assert [line for line in path.read_text().splitlines() if line.startswith(SUCCESS)] == succeeded != []
    assert 'result="missing"} 1.0' in path.read_text()
    assert run("verify", named, "--metrics", tmp_path / "syncsvc.txt").code == 2


def test_waiting_ends_when_readers_see_the_documents(run: Run, stack: Stack, documents: Any, named: Path) -> None:
    """Documents are complete a moment before a name shows them: what reads behind `verify --wait` finds them."""
    collection = mapping.load(named).collection
    with MongoClient[dict[str, Any]](stack.mongod.uri) as client:
        held = client["meetup"][names.COLLECTIONS]
        held.replace_one({"_id": collection}, {"owner": "meetings", "highest": 0}, upsert=True)
        show = {"$set": {"generation": 1, "highest": 1}}

        early = run("verify", named)
        late = threading.Timer(1.0, held.update_one, ({"_id": collection}, show))
        late.start()
        waited = run("verify", named, "--wait", "60", "-o", "json")
        late.join()

    assert early.code == 0
    assert f"{collection}: readers do not see it before the first copy is done" in early.out
    assert (waited.code, waited.json["unseen"]) == (0, [])
