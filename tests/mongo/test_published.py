"""A name that readers use has one owner, and never goes back to an older generation by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from syncsvc.errors import Drift
from syncsvc.mongo import generations, names, namespaces, published
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.generations import Generation, TopicFacts

pytestmark = pytest.mark.servers


def begun(mongo: Mongo, pipeline: str = "a", number: int = 1) -> Generation:
    """A generation that is written."""
    keyed = TopicFacts(f"syncsvc.{pipeline}.g{number}.keyed", "", 1)
    return generations.claim(mongo, Generation(pipeline, number, "hash", {}, keyed, ()))


@pytest.fixture
def name(mongo: Mongo) -> str:
    """A name that pipeline `a` owns, with documents of three generations."""
    for number in (1, 2, 3):
        mongo.database[f"docs__g{number}"].insert_one({"_id": number})
        published.claim(mongo, "docs", begun(mongo, number=number))
    return "docs"


@pytest.fixture(autouse=True)
def _without_docs(mongo: Mongo) -> None:
    """The fixture of the folder makes a plain collection of that name."""
    mongo.database.drop_collection("docs")


def offer(mongo: Mongo, number: int) -> str | None:
    """A worker of that generation has its copy; why it is not shown."""
    return published.offer(mongo, "docs", number, f"docs__g{number}", view=True).withheld(number)


def choose(mongo: Mongo, number: int) -> None:
    """A person wants that generation."""
    published.choose(mongo, "docs", number, f"docs__g{number}", view=True)


def seen(mongo: Mongo) -> int:
    """The generation whose document readers find."""
    found = mongo.database["docs"].find_one()
    assert found is not None
    return int(found["_id"])


def test_an_older_generation_is_kept_and_not_shown(mongo: Mongo, name: str) -> None:
    """A worker of generation 1 that starts late, or again, does not take readers back."""
    assert offer(mongo, 1) is None
    assert offer(mongo, 2) is None
    assert offer(mongo, 1) == "older"
    assert seen(mongo) == 2


def test_what_a_person_took_back_stays_back(mongo: Mongo, name: str) -> None:
    """A worker of the newer one starts again: readers stay; a still newer one is shown again by itself."""
    for number in (1, 2):
        offer(mongo, number)
    choose(mongo, 1)
    assert seen(mongo) == 1
    assert offer(mongo, 2) == "taken_back"
    assert seen(mongo) == 1
    assert offer(mongo, 3) is None
    assert seen(mongo) == 3
    assert offer(mongo, 2) == "older"


def test_workers_that_switch_at_the_same_time_end_at_the_newest(mongo: Mongo, name: str) -> None:
    """Whoever is last to touch the view, what it shows is what the document says."""
    with ThreadPoolExecutor(9) as pool:
        for _ in range(5):
            list(pool.map(lambda number: offer(mongo, number), [1, 2, 3] * 3))
            assert seen(mongo) == 3
            mongo.database[names.COLLECTIONS].update_one({"_id": name}, {"$set": {"highest": 0}})
            mongo.database.drop_collection("docs")


def test_a_worker_that_died_between_document_and_view_is_finished_by_the_next(mongo: Mongo, name: str) -> None:
    """Also by one of an older generation, which itself is not shown."""
    offer(mongo, 2)
    mongo.database.command({"collMod": "docs", "viewOn": "docs__g1", "pipeline": []})

    assert offer(mongo, 1) == "older"
    assert seen(mongo) == 2


def test_a_view_from_before_keeps_what_it_shows(mongo: Mongo, name: str) -> None:
    """After an upgrade of syncsvc the first worker to start may be one of the older generation."""
    namespaces.publish(mongo, "docs", "docs__g2")

    assert offer(mongo, 1) == "older"
    assert seen(mongo) == 2


def test_a_second_pipeline_is_refused(mongo: Mongo, name: str) -> None:
    """Code, place, what and fix; asked before anything is made, and once more when the name is taken."""
    problem = published.taken(mongo, name, "b")
    assert problem is not None
    assert problem.code == "mongo.other_pipeline"
    assert problem.where.endswith(".docs")
    assert "pipeline a writes this collection" in problem.what
    assert "another `collection:`" in problem.fix
    with pytest.raises(Drift, match=r"mongo\.other_pipeline"):
        published.claim(mongo, name, begun(mongo, "b"))
    assert published.taken(mongo, name, "a") is None


def test_one_of_many_pipelines_gets_a_name(mongo: Mongo) -> None:
    """However many ask in the same moment."""

    def claim(pipeline: str) -> bool:
        try:
            published.claim(mongo, "docs", begun(mongo, pipeline))
        except Drift:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(claim, "abcdefgh")).count(True) == 1


def test_a_pipeline_without_a_generation_owns_nothing(mongo: Mongo, name: str) -> None:
    """A pipeline that was given up is no obstacle, and what it had shown does not bind the next owner."""
    offer(mongo, 3)
    for number in (1, 2, 3):
        generations.remove(mongo, "a", number)

    published.claim(mongo, name, begun(mongo, "b"))

    assert published.read(mongo, name) == published.Published(name, "b", None, 0, None)
    held = generations.read(mongo, "b", 1)
    assert held is not None
    published.claim(mongo, name, replace(held))  # as the next worker of the same pipeline
