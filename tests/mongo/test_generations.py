"""A generation is written once; every later start is held against it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from syncsvc.errors import Drift
from syncsvc.mongo import generations, namespaces
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.generations import Generation, TopicFacts

pytestmark = pytest.mark.servers

KEYED = TopicFacts("syncsvc.meetings.g1.keyed", "id-k", 8)
SOURCE = TopicFacts("meetup.meetup.user", "id-u", 4, (10, 0, 3, 7), (0, 0, 2, 0))


def a_generation() -> Generation:
    """As a process finds it at its start."""
    return Generation("meetings", 1, "hash-1", {"routing": 1, "fold": 1}, KEYED, (SOURCE,))


def test_the_first_start_writes_the_generation(mongo: Mongo) -> None:
    """What is read later is what was written."""
    wanted = a_generation()

    assert generations.claim(mongo, wanted) == wanted
    assert generations.read(mongo, "meetings", 1) == wanted
    assert generations.of_pipeline(mongo, "meetings") == [wanted]


def test_the_first_of_many_processes_wins(mongo: Mongo) -> None:
    """All get the same lineage and the same recorded ends, though each saw later ones."""
    many = [replace(a_generation(), sources=(replace(SOURCE, ends=(n, n, n, n)),)) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(lambda wanted: generations.claim(mongo, wanted), many))

    assert len({one.lineage for one in held}) == 1
    assert len({one.sources for one in held}) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"mapping_hash": "hash-2"}, "generation.mapping_changed", id="another mapping"),
        pytest.param({"formats": {"routing": 2, "fold": 1}}, "generation.code_changed", id="other routing code"),
        pytest.param({"keyed": replace(KEYED, partitions=9)}, "generation.partitions_changed", id="partitions added"),
        pytest.param({"sources": (replace(SOURCE, id="x"),)}, "generation.topic_recreated", id="a topic made anew"),
        pytest.param({"sources": ()}, "generation.topics_changed", id="a topic less"),
    ],
)
def test_a_changed_fact_is_refused_with_the_way_out(mongo: Mongo, change: dict[str, object], code: str) -> None:
    """Exit code 3: going on would mix two states that are not of one making."""
    generations.claim(mongo, a_generation())

    with pytest.raises(Drift) as drift:
        generations.claim(mongo, replace(a_generation(), **change))  # type: ignore[arg-type]
    assert [problem.code for problem in drift.value.problems] == [code]
    assert "raise `generation:` to 2" in drift.value.problems[0].fix


def test_all_differences_are_told_at_once(mongo: Mongo) -> None:
    """Not one a start."""
    generations.claim(mongo, a_generation())
    wanted = replace(a_generation(), mapping_hash="x", keyed=replace(KEYED, id="y", partitions=1))

    with pytest.raises(Drift) as drift:
        generations.claim(mongo, wanted)
    assert len(drift.value.problems) == 3


def test_a_removed_generation_can_begin_anew(mongo: Mongo) -> None:
    """With another lineage, so that no local cache of the old one is taken for the new one's."""
    first = generations.claim(mongo, a_generation())
    generations.remove(mongo, "meetings", 1)

    assert generations.read(mongo, "meetings", 1) is None
    assert generations.claim(mongo, a_generation()).lineage != first.lineage


def test_collections_may_be_made_twice_and_by_many(mongo: Mongo) -> None:
    """A start that died half-way is no obstacle to the next; two workers may start together."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: namespaces.ensure(mongo, ["new__g1", "syncsvc_state.new.g1"]), range(4)))

    assert {"new__g1", "syncsvc_state.new.g1", "syncsvc_fences"} <= set(mongo.database.list_collection_names())


def test_readers_see_the_published_collection(mongo: Mongo) -> None:
    """One name for readers; it is switched in one step, and back."""
    mongo.database["docs__g1"].insert_one({"_id": "old"})
    mongo.database["docs__g2"].insert_one({"_id": "new"})

    assert namespaces.publish(mongo, "readers", "docs__g1") is None
    assert namespaces.publish(mongo, "readers", "docs__g1") == "docs__g1"
    assert namespaces.publish(mongo, "readers", "docs__g2") == "docs__g1"
    assert namespaces.view_target(mongo, "readers") == "docs__g2"
    assert mongo.database["readers"].find_one() == {"_id": "new"}


def test_a_view_never_takes_the_name_of_a_collection(mongo: Mongo) -> None:
    """Somebody's documents are there."""
    mongo.database["readers"].insert_one({})

    with pytest.raises(Drift, match=r"mongo\.name_taken"):
        namespaces.publish(mongo, "readers", "docs__g1")
