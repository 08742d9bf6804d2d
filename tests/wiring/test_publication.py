"""Readers get to see a generation when all of it has written its first copy, whoever is slow or dead meanwhile."""

from __future__ import annotations

from typing import Any, cast

import pytest

from syncsvc.mongo import fences, generations
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.generations import Generation, TopicFacts
from syncsvc.wiring.publication import complete
from tests.routing.tables import MEETING, meetings

PIPELINE = meetings(partitions=4)
NAME, SOURCE = PIPELINE.name, PIPELINE.source_topic(MEETING)
HELD = Generation(
    NAME, 1, "hash", {}, TopicFacts(PIPELINE.keyed_topic, "", 4), (TopicFacts(SOURCE, "", 3, (5, 0, 7)),)
)  # fmt: skip
EVERY = [*(f"{NAME}/g1/router/{SOURCE}[{number}]" for number in range(3)), *(f"{NAME}/g1/joiner/{n}" for n in range(4))]


def copied(
    monkeypatch: pytest.MonkeyPatch, copied: list[str], others: list[str], held: Generation | None = HELD
) -> bool:
    """Whether the generation is complete when these fences have written their first copy, and the others have not."""
    found: list[dict[str, Any]] = [{"_id": one, "copied": True} for one in copied]
    found += [{"_id": one, "copied": False} for one in others]
    monkeypatch.setattr(generations, "read", lambda *_: held)
    monkeypatch.setattr(fences, "read_fences", lambda *_: found)
    return complete(PIPELINE, cast(Mongo, None))


def test_a_generation_is_complete_when_every_partition_of_both_stages_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of the source and four of the keyed topic."""
    assert copied(monkeypatch, EVERY, [])


@pytest.mark.parametrize("late", EVERY)
def test_a_partition_that_nobody_has_opened_yet_holds_the_generation_back(
    monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """
    A second worker died before it opened its partitions, so their fences did not exist, and nobody missed them.

    Readers were shown a collection without the documents of those partitions.
    """
    others = [one for one in EVERY if one != late]

    assert not copied(monkeypatch, others, [])
    assert not copied(monkeypatch, others, [late])


def test_three_router_and_two_joiner_fences_are_not_four_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are more fences than keyed partitions, and that says nothing."""
    assert not copied(monkeypatch, EVERY[:5], [])


def test_a_generation_that_was_never_begun_is_not_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that was removed."""
    assert not copied(monkeypatch, EVERY, [], held=None)
