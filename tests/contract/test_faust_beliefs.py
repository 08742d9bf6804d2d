"""
What we believe of faust-streaming 0.15.3 and aiokafka 0.14.0, without a broker.

Each test pins one reason for a line of `syncsvc.engine`.  One that fails after an upgrade says which line to look at
again: the fault may be gone, or the way around it may not work any more.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from importlib import metadata
from typing import Any

import aiokafka
import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v4
from faust import streams
from faust.tables.recovery import Recovery
from faust.transport import conductor
from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage

from syncsvc.engine import app as ours
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.producer import Producer
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.thread import Wanted

HERE = TP("t", 0)


@pytest.fixture
async def app() -> faust.App:
    """A stock app, not started."""
    app = faust.App(
        "beliefs", broker="aiokafka://127.0.0.1:1", store="memory://", web_enabled=False, table_standby_replicas=0,
        topic_disable_leader=True, loop=asyncio.get_running_loop(),
    )  # fmt: skip
    app.finalize()
    return app


def test_the_versions_are_those_that_were_examined() -> None:
    """Everything below was read and tried with these; `pyproject.toml` pins them."""
    assert metadata.version("faust-streaming") == "0.15.3"
    assert metadata.version("mode-streaming") == "0.7.1"
    assert metadata.version("aiokafka") == "0.14.0"


def test_the_compiled_parts_are_loaded() -> None:
    """Without them skipped records are acknowledged; `app.refuse_pure_python` looks at these two names."""
    assert streams._CStreamIterator is not None
    assert conductor.ConductorHandler is not None
    ours.refuse_pure_python()


async def test_faust_commits_past_an_unacknowledged_head(app: faust.App) -> None:
    """31 is still being worked on, 32 is acknowledged: Faust commits 33.  Why `lanes` keeps the positions."""
    consumer: Any = app.consumer
    consumer._committed_offset[HERE] = 31
    consumer._acked[HERE].append(32)

    assert consumer._new_offset(HERE) == 33


async def test_faust_commits_any_gap_when_nothing_is_committed_yet(app: faust.App) -> None:
    """A new group: offset 5 alone is acknowledged, 6 is committed."""
    consumer: Any = app.consumer
    consumer._acked[HERE].append(5)

    assert consumer._new_offset(HERE) == 6


async def test_faust_drops_what_lies_before_the_offset_it_read_last() -> None:
    """After a seek backwards the records would be dropped with a debug line.  Why the drain loop is ours."""
    source = inspect.getsource(Consumer._drain_messages)

    assert "wait_first(" in source  # and for its two tasks a message
    assert "get_read_offset = self._read_offset.__getitem__" in source
    assert "if r_offset is None or offset >= r_offset:" in source
    assert "DROPPED MESSAGE ROFF" in source


async def test_a_message_of_another_generation_never_reaches_the_agent(app: faust.App) -> None:
    """The compiled stream drops it silently, and the default generation is another.  Why every chunk carries it."""
    app.consumer_generation_id = 7
    app.flow_control.resume()
    topic = app.topic("t", key_serializer="raw", value_serializer="raw")
    channel = topic.clone(is_iterator=True)
    stream = app.stream(channel).noack()

    def message(value: bytes, **more: Any) -> ConsumerMessage:
        return ConsumerMessage("t", 0, 0, 0.0, 0, [], None, value, None, tp=HERE, **more)

    queue = stream.channel.queue
    for sent in (message(b"none"), message(b"old", generation_id=6), message(b"now", generation_id=7)):
        await queue.put(await channel.decode(sent))

    async with asyncio.timeout(10):
        async for event in stream.events():
            assert event.value == b"now"
            break


async def test_a_raw_topic_hands_a_list_of_records_through_unchanged(app: faust.App) -> None:
    """The value of our messages is a list; the raw serializer must not touch it."""
    topic = app.topic("t", key_serializer="raw", value_serializer="raw")
    records = [object(), object()]

    event = await topic.decode(ConsumerMessage("t", 0, 0, 0.0, 0, [], None, records, None, tp=HERE))

    assert event.value is records


async def test_stock_faust_reads_aborted_records_and_assigns_round_robin(
    app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    `read_uncommitted` and a wait of 1.5 s are hard-coded, which is why `thread` makes the consumer.  Without tables
    and standbys the assignor is plain round robin: partition 3 of two topics may land on two members.
    """
    taken: dict[str, Any] = {}
    monkeypatch.setattr(aiokafka, "AIOKafkaConsumer", lambda **arguments: taken.update(arguments))
    consumer: Any = app.consumer

    consumer._thread._create_worker_consumer(consumer.transport)

    assert taken["isolation_level"] == "read_uncommitted"
    assert taken["fetch_max_wait_ms"] == 1500
    assert "fetch_max_bytes" not in taken
    assert taken["partition_assignment_strategy"] == [RoundRobinPartitionAssignor]


async def test_our_consumer_is_made_with_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What aiokafka is given: committed records only, no reset, quick heartbeats, our sizes, no commits."""
    taken: dict[str, Any] = {}
    settings = EngineSettings("127.0.0.1:1", fetch_partition_bytes=123_456, instance_id="pod-3")
    reading = Cycle(Producer(settings), lambda more: None)
    built: Any = ours.build("group", ["t"], "k", None, settings, lambda error: None, reading)  # type: ignore[arg-type]
    built.finalize()
    thread = built.consumer._thread
    monkeypatch.setattr(aiokafka, "AIOKafkaConsumer", lambda **arguments: taken.update(arguments))

    thread._create_worker_consumer(built.transport)

    assert taken["group_id"] == "group"
    assert taken["isolation_level"] == "read_committed"
    assert taken["auto_offset_reset"] == "none"
    assert taken["enable_auto_commit"] is False
    assert taken["max_partition_fetch_bytes"] == 123_456
    assert taken["group_instance_id"] == "pod-3"
    assert taken["heartbeat_interval_ms"] == 200
    assert taken["partition_assignment_strategy"] == [RoundRobinPartitionAssignor]
    assert sorted(agent.rsplit(".")[-1] for agent in built.agents) == ["joiner", "router"]


def test_faust_clears_its_queues_before_it_lets_the_consumer_go_on() -> None:
    """`transport.Consumer.resume_flow` opens partitions; a queue cleared after it would lose their first records."""
    source = inspect.getsource(Recovery._resume_streams)

    assert 0 < source.index("flow_control.resume()") < source.index("consumer.resume_flow()")
    assert source.index("perform_seek()") < source.index("flow_control.resume()")


def test_aiokafka_reads_an_empty_set_of_partitions_as_all() -> None:
    """`Wanted` is true when it is empty; the other names are what `thread` and `plain` take from the fetcher."""
    source = inspect.getsource(Fetcher.fetched_records)

    assert "if partitions and tp not in partitions:" in source
    assert bool(Wanted()) is True
    assert ("t", 0) not in Wanted()
    made = inspect.getsource(Fetcher.__init__)
    assert "self._prefetch_backoff = prefetch_backoff" in made
    assert "self._fetch_waiters = set()" in made


def test_a_fetch_request_of_aiokafka_can_be_narrowed() -> None:
    """`cycles` reads some topics of a request alone, for a short time; all else of it stays."""
    request = FetchRequest(500, 1, 1000, 1, [("a", [(0, 7, 10)]), ("b", [(1, 8, 10)])], "rack")
    narrowed = copy.copy(request)
    narrowed._topics, narrowed._max_wait_ms = [("b", [(1, 8, 10)])], 5

    built = narrowed.build(FetchRequest_v4)

    assert (built.max_wait_time, built.min_bytes, built.max_bytes) == (5, 1, 1000)
    assert built.topics == narrowed.topics == [("b", [(1, 8, 10)])]
    assert request.topics == [("a", [(0, 7, 10)]), ("b", [(1, 8, 10)])]


def test_faust_has_no_joins(app: faust.App) -> None:
    """Why the join is ours."""
    from faust.joins import RightJoin

    with pytest.raises(NotImplementedError):
        asyncio.run(RightJoin(stream=None, fields=()).process(None))  # type: ignore[arg-type]
