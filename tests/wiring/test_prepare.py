"""What a start finds of its generation, and what it never does to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import TopicState
from syncsvc.errors import Drift
from syncsvc.mongo import generations, published
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.generations import Generation, TopicFacts
from syncsvc.wiring import prepare
from tests.routing.tables import MEETING, meetings

PIPELINE = meetings(partitions=1)
SOURCE = PIPELINE.source_topic(MEETING)
KEYED = TopicFacts(PIPELINE.keyed_topic, "", 1)
HELD = Generation(
    PIPELINE.name, 1, PIPELINE.text_hash, prepare.formats(), KEYED, (TopicFacts(SOURCE, "", 2, (5, 7)),)
)  # fmt: skip


class Here:
    """A MongoDB without documents."""

    where = "here"


async def found(
    held: Generation, monkeypatch: pytest.MonkeyPatch, *, partitions: int = 2, source_id: str = "of now"
) -> Generation:
    """The generation of a start that finds this one and these topics."""

    def refused(*_: Any) -> Any:
        raise AssertionError("it was written anew")

    monkeypatch.setattr(generations, "read", lambda *_: held)
    monkeypatch.setattr(generations, "claim", refused)
    monkeypatch.setattr(published, "claim", lambda *_: None)
    monkeypatch.setattr(published, "offer", lambda *_, **__: None)
    there = {
        SOURCE: TopicState(SOURCE, partitions, 1, {}, source_id), KEYED.name: TopicState(KEYED.name, 1, 1, {}, "k"),
    }  # fmt: skip
    return await prepare.generation(PIPELINE, there, cast(Mongo, Here()), cast(EngineSettings, None))


async def test_a_generation_that_is_there_is_never_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `rebuild --drop-old` removed a generation between the look of a start and its claim.

    It was written once more, without the ends of its first copy, and every later start ended in a KeyError.
    """
    assert await found(HELD, monkeypatch) == HELD


async def test_a_topic_with_more_partitions_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is opened."""
    with pytest.raises(Drift, match=r"generation\.partitions_changed"):
        await found(HELD, monkeypatch, partitions=3)


async def test_a_generation_without_ends_is_told_and_not_met_as_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an earlier edition could write it: nobody knows where its first copy ends, so it is built anew."""
    endless = replace(HELD, sources=(TopicFacts(SOURCE, "", 2),))

    with pytest.raises(Drift, match=r"generation\.no_ends") as refused:
        await found(endless, monkeypatch)

    assert "raise `generation:` to 2" in refused.value.problems[0].fix


NAMED = replace(HELD, sources=(TopicFacts(SOURCE, "of then", 2, (5, 7)),))


async def test_a_topic_that_was_made_anew_is_refused_however_far_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its offsets mean other records: reading on would begin in the middle of them."""
    with pytest.raises(Drift, match=r"generation\.topic_recreated"):
        await found(NAMED, monkeypatch)


@pytest.mark.parametrize(
    ("held", "source_id"),
    [
        pytest.param(NAMED, "of then", id="the same topic"),
        pytest.param(NAMED, "", id="a broker that gives no ids"),
        pytest.param(HELD, "of now", id="a generation that began without"),
    ],
)
async def test_ids_are_compared_where_both_are_known(
    monkeypatch: pytest.MonkeyPatch, held: Generation, source_id: str
) -> None:
    """A generation of an earlier edition goes on, and one of a broker before 2.8."""
    assert await found(held, monkeypatch, source_id=source_id) == held
