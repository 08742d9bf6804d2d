"""Topics are asked for in the version that the broker knows, and none is made by asking."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.protocol.metadata import MetadataResponse_v5

from syncsvc.engine import topic_metadata
from syncsvc.engine.topic_metadata import MetadataResponse_v10, TopicsRequest

METADATA = 3
PART = (0, 0, 1, [1, 2], [1, 2], [])
ID = bytes(range(16))


class Broker:
    """Answers one question."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get_random_node(self) -> int:
        """The one there is."""
        return 1

    async def send(self, node: int, request: TopicsRequest) -> Any:
        """The answer."""
        return self._answer


def newer(*topics: Any) -> Broker:
    """One of Kafka 2.8 or later."""
    answer = MetadataResponse_v10(0, [], "cluster", 1, list(topics), 0, {})
    assert MetadataResponse_v10.decode(answer.encode()) == answer
    return Broker(answer)


def topic(name: str, error: int = 0, topic_id: bytes = ID) -> Any:
    """A topic of one partition in its answer."""
    return (error, name, topic_id, False, [(0, 0, 1, 7, [1, 2], [1, 2], [], {})], 0, {})


@pytest.mark.parametrize(("newest", "asked"), [(4, 4), (5, 5), (9, 5), (10, 10), (13, 10)])
def test_a_broker_is_asked_in_the_newest_version_both_know(newest: int, asked: int) -> None:
    """Kafka 0.11 knows 4, 2.7 knows 9, and 2.8 the first one with ids; asking makes no topic in any of them."""
    request = TopicsRequest(["b", "a"]).prepare({METADATA: (0, newest)})

    assert asked == request.API_VERSION
    assert request.to_object()["allow_auto_topic_creation"] is False
    assert request.encode()


async def test_an_older_broker_gives_no_ids_and_all_else() -> None:
    """Its topics are not told apart from those of the same name; nothing else changes."""
    broker = Broker(MetadataResponse_v5(0, [], "cluster", 1, [(0, "a", False, [PART])]))

    (found,) = await topic_metadata.ask(broker, ["a"])

    assert (found["topic"], found["topic_id"]) == ("a", "")
    assert found["partitions"][0]["replicas"] == [1, 2]


async def test_ids_are_printed_as_kafkas_own_tools_do() -> None:
    """So that `kafka-topics --describe` shows the same; zeros are no id."""
    found = await topic_metadata.ask(newer(topic("b", topic_id=bytes(16)), topic("a")), ["a", "b"])

    assert [(one["topic"], one["topic_id"]) for one in found] == [("a", "AAECAwQFBgcICQoLDA0ODw"), ("b", "")]


async def test_a_topic_that_is_not_there_is_not_in_the_answer_and_a_missing_right_is_told() -> None:
    """One that is being deleted or made is not there."""
    assert await topic_metadata.ask(newer(topic("gone", 3), topic("coming", 5)), ["gone", "coming"]) == []
    assert await topic_metadata.ask(Broker(None), []) == []

    with pytest.raises(TopicAuthorizationFailedError):
        await topic_metadata.ask(newer(topic("hidden", 29)), ["hidden"])
