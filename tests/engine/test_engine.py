"""What the actors can rely on, whichever engine runs them: order, places to start from, room, rebalances, an end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import threading
from collections.abc import Callable
from typing import Any

import aiokafka
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from syncsvc import errors
from syncsvc.engine.lanes import Lane
from syncsvc.engine.port import TP, RecordBatch
from tests.engine.ledger import BookKeeper, Ledger, numbered, numbers, parts

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]


async def test_records_of_a_partition_arrive_in_order_from_both_kinds_of_topics(
    make_topic: Any, make_engine: Any
) -> None:
    """Source topics and the keyed topic are read by one engine; every partition is complete and in order."""
    source, keyed = await make_topic(3), await make_topic(2)
    ledger = Ledger()
    keeper = BookKeeper(ledger)
    engine = make_engine(keeper, [source], keyed)
    await engine.start()

    for chunk in range(5):
        await engine.send(source, {p: numbered(400, chunk * 400) for p in range(3)})
        await engine.send(keyed, {p: numbered(300, chunk * 300) for p in range(2)})
    await ledger.reaches({**dict.fromkeys(parts(source, 3), 2000), **dict.fromkeys(parts(keyed, 2), 1500)})

    assert ledger.violations == []
    assert all(numbers(ledger.values[tp]) == list(range(2000)) for tp in parts(source, 3))
    assert keeper.failures == []


async def test_reading_passes_the_markers_of_transactions(make_topic: Any, make_engine: Any, kafka: Any) -> None:
    """
    A log that ends with a transaction's marker is read to its very end, so lag becomes 0 and a first copy ends.

    The marker takes an offset but is no record; Debezium with exactly-once delivery writes one behind each batch.
    """
    topic = await make_topic(1)
    ledger = Ledger()
    engine = make_engine(BookKeeper(ledger), [topic], None)
    await engine.start()

    writer = aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=topic)
    await writer.start()
    try:
        for value in (b"0", b"1"):
            async with writer.transaction():
                await writer.send_and_wait(topic, value, partition=0)
    finally:
        await writer.stop()
    await ledger.reaches({TP(topic, 0): 4})  # two records, two markers

    assert numbers(ledger.values[TP(topic, 0)]) == [0, 1]
    assert await engine.end_offsets([TP(topic, 0)]) == {TP(topic, 0): 4}


async def test_reading_starts_where_the_host_says_whatever_kafka_has_committed(
    make_topic: Any, make_engine: Any
) -> None:
    """Fences are the truth: after a restart with fences behind and ahead of the committed offsets, fences win."""
    topic = await make_topic(2)
    first, second = parts(topic, 2)
    ledger = Ledger()
    engine = make_engine(BookKeeper(ledger), [topic], group="g." + topic)
    await engine.start()
    await engine.send(topic, {0: numbered(100), 1: numbered(100)})
    await ledger.reaches({first: 100, second: 100})
    await engine.stop()

    later = Ledger({first: 40, second: 100})
    engine = make_engine(BookKeeper(later), [topic], group="g." + topic)
    await engine.start()
    await engine.send(topic, {1: numbered(10, 100)})
    await later.reaches({first: 100, second: 110})

    assert numbers(later.values[first]) == list(range(40, 100))
    assert numbers(later.values[second]) == list(range(100, 110))
    assert later.violations == []


class HeldBack(BookKeeper):
    """Takes nothing of one partition until it is let go."""

    def __init__(self, ledger: Ledger, held: TP) -> None:
        super().__init__(ledger)
        self.held = held
        self.go = asyncio.Event()

    async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
        """Wait for `go` with the held partition."""
        if (batch.topic, batch.partition) == self.held:
            await self.go.wait()
        await super().deliver(batch, ack)


async def test_a_partition_that_is_held_back_fills_its_own_lane_only(
    make_topic: Any, make_engine: Any, settings: Any
) -> None:
    """
    While the host takes nothing of one partition, the other goes on, and what waits in memory is bounded: here 40 MB
    lie in the topic, and its lane holds what fills it and what was fetched when it was full.
    """
    small = dataclasses.replace(
        settings, lane_bytes=400_000, fetch_partition_bytes=200_000, batch_records=100, send_batch_bytes=100_000
    )
    topic = await make_topic(2)
    held, free = parts(topic, 2)
    ledger = Ledger()
    keeper = HeldBack(ledger, held)
    engine = make_engine(keeper, [topic], with_settings=small)
    await engine.start()

    await engine.send(topic, {0: numbered(20_000, size=2000)})
    for chunk in range(20):
        await engine.send(topic, {1: numbered(50, chunk * 50)})
        await ledger.reaches({free: (chunk + 1) * 50})

    gc.collect()
    lanes = [thing for thing in gc.get_objects() if isinstance(thing, Lane) and thing.tp == held]
    kept = sum(len(records) for lane in lanes for records, *_ in lane._waiting)
    assert ledger.next[held] == 0
    assert 0 < kept * 2000 < 1_000_000
    keeper.go.set()
    await ledger.reaches({held: 20_000})
    assert ledger.violations == []


async def test_two_members_share_and_hand_over_under_load_and_nothing_is_lost(
    make_topic: Any, make_engine: Any
) -> None:
    """
    A member joins and leaves while records pour in.  Each time all partitions are taken away and given again; the
    books stay gapless, and no record is delivered to a host that has let go.
    """
    topic = await make_topic(6)
    group = f"g.{topic}"
    ledger = Ledger()
    first, second = BookKeeper(ledger), BookKeeper(ledger)
    one = make_engine(first, [topic], group=group)
    two = make_engine(second, [topic], group=group)
    await one.start()

    async def pour() -> int:
        sent = 0
        while not enough.is_set():
            await one.send(topic, {p: numbered(100, sent) for p in range(6)})
            sent += 100
        return sent

    enough = asyncio.Event()
    pouring = asyncio.create_task(pour())
    await ledger.reaches(dict.fromkeys(parts(topic, 6), 500))
    await two.start()
    await ledger.until(lambda: len(first.open) == len(second.open) == 3)
    shared = dict(ledger.next)
    await ledger.reaches({tp: offset + 500 for tp, offset in shared.items()})
    assert first.open | second.open == set(parts(topic, 6))
    await two.stop()
    await ledger.until(lambda: len(first.open) == 6)
    enough.set()
    sent = await pouring
    await ledger.reaches(dict.fromkeys(parts(topic, 6), sent))

    assert ledger.violations == []
    assert all(numbers(ledger.values[tp]) == list(range(sent)) for tp in parts(topic, 6))
    assert second.open == set()
    assert first.failures == second.failures == []


async def test_offsets_are_committed_up_to_the_first_batch_that_is_not_durable(
    make_topic: Any, make_engine: Any, settings: Any
) -> None:
    """Acknowledgements may come in any order; lag tools see the durable prefix, at most a second late."""
    topic = await make_topic(1)
    (tp,) = parts(topic, 1)
    acks: dict[int, Callable[[], None]] = {}
    ledger = Ledger()

    class LateAcks(BookKeeper):
        async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
            acks[batch.next_offset] = ack
            await ledger.notify()

    engine = make_engine(LateAcks(ledger), [topic], with_settings=dataclasses.replace(settings, batch_records=10))
    await engine.start()
    await engine.send(topic, {0: numbered(30)})
    await ledger.until(lambda: len(acks) == 3)

    async def committed_is(offset: int) -> None:
        async with asyncio.timeout(20):
            while (await engine.committed([tp])).get(tp) != offset:  # noqa: ASYNC110 (a lag tool asks, too)
                await asyncio.sleep(0.05)

    acks[10]()
    acks[30]()
    await committed_is(10)
    acks[20]()
    await committed_is(30)


async def test_stopping_leaves_nothing_behind_and_commits_what_is_durable(make_topic: Any, make_engine: Any) -> None:
    """After `stop` the host holds nothing, no task and no thread of the engine runs, and it may be called again."""
    topic = await make_topic(2)
    before_tasks, before_threads = asyncio.all_tasks(), threading.active_count()
    ledger = Ledger()
    keeper = BookKeeper(ledger)
    engine = make_engine(keeper, [topic], group=f"g.{topic}")
    await engine.start()
    await engine.send(topic, {0: numbered(50), 1: numbered(70)})
    await ledger.reaches({TP(topic, 0): 50, TP(topic, 1): 70})

    await engine.stop()
    await engine.stop()

    assert keeper.open == set()
    assert keeper.failures == []
    assert asyncio.all_tasks() == before_tasks
    assert threading.active_count() == before_threads
    again = make_engine(BookKeeper(Ledger({TP(topic, 0): 50, TP(topic, 1): 70})), [topic], group=f"g.{topic}")
    await again.start()
    assert await again.committed(parts(topic, 2)) == {TP(topic, 0): 50, TP(topic, 1): 70}


async def test_what_the_host_raises_reaches_failed_once(make_topic: Any, make_engine: Any) -> None:
    """Nothing is swallowed or retried: the process is told, and leaves."""
    topic = await make_topic(4)
    ledger = Ledger()

    class Breaking(BookKeeper):
        async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
            raise OverflowError("a bug")

        def failed(self, error: BaseException) -> None:
            super().failed(error)
            told.set()

    told = asyncio.Event()
    keeper = Breaking(ledger)
    engine = make_engine(keeper, [topic])
    await engine.start()
    await engine.send(topic, {p: numbered(10) for p in range(4)})
    await asyncio.wait_for(told.wait(), 30)
    await engine.stop()

    assert [type(error) for error in keeper.failures] == [OverflowError]


async def test_a_host_that_cannot_open_a_partition_is_a_failure(make_topic: Any, make_engine: Any) -> None:
    """A fence beyond the end of the log, for example, is refused by the host and ends the process."""
    topic = await make_topic(1)

    class Refusing(BookKeeper):
        async def assigned(self, tps: set[TP]) -> dict[TP, int]:
            raise errors.Drift(code="fence.beyond_log", where="x", what="x", fix="x")

        def failed(self, error: BaseException) -> None:
            super().failed(error)
            told.set()

    told = asyncio.Event()
    keeper = Refusing(Ledger())
    engine = make_engine(keeper, [topic])
    with contextlib.suppress(errors.Drift):  # when it fails before the group is joined, `start` says so too
        await engine.start()
    await asyncio.wait_for(told.wait(), 30)

    assert [type(error) for error in keeper.failures] == [errors.Drift]


async def test_records_that_are_gone_from_the_log_are_reported_not_skipped(
    make_topic: Any, make_engine: Any, settings: Any
) -> None:
    """When retention has passed a fence, records are lost for good: exit as drift, with the way out."""
    topic = await make_topic(1)
    (tp,) = parts(topic, 1)
    sender = make_engine(BookKeeper(Ledger()), [topic])
    await sender.start()
    await sender.send(topic, {0: numbered(100)})
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(*tp): RecordsToDelete(before_offset=60)})
    await admin.close()
    assert (await sender.beginning_offsets([tp]), await sender.end_offsets([tp])) == ({tp: 60}, {tp: 100})

    told = asyncio.Event()

    class Told(BookKeeper):
        def failed(self, error: BaseException) -> None:
            super().failed(error)
            told.set()

    keeper = Told(Ledger({tp: 20}))
    engine = make_engine(keeper, [topic], group="other")
    await engine.start()
    await asyncio.wait_for(told.wait(), 30)

    (failure,) = keeper.failures
    assert isinstance(failure, errors.Drift)
    assert failure.problems[0].code == "kafka.offset_out_of_range"
    assert f"{topic}[0]@20" in failure.problems[0].where


async def test_a_host_that_does_not_let_go_in_time_is_a_failure(
    make_topic: Any, make_engine: Any, settings: Any
) -> None:
    """Another member waits for the partitions; a host that hangs is ended, and its fences keep it harmless."""
    topic = await make_topic(1)

    class Clinging(BookKeeper):
        async def revoked(self, tps: set[TP]) -> None:
            await asyncio.Event().wait()

    keeper = Clinging(Ledger())
    engine = make_engine(keeper, [topic], with_settings=dataclasses.replace(settings, revoke_timeout_seconds=0.2))
    await engine.start()
    await keeper.ledger.until(lambda: bool(keeper.open))
    await engine.stop()

    assert [type(error) for error in keeper.failures] == [TimeoutError]


async def test_a_topic_that_does_not_exist_is_refused_at_the_start(make_engine: Any) -> None:
    """Subscribing to it would wait for ever; exit 3 says which."""
    engine = make_engine(BookKeeper(Ledger()), ["not.there"], "not.there.either")

    with pytest.raises(errors.Drift) as raised:
        await engine.start()

    assert [problem.where for problem in raised.value.problems] == ["topic not.there", "topic not.there.either"]


async def test_a_broker_that_dies_and_comes_back_is_waited_for(make_topic: Any, make_engine: Any, kafka: Any) -> None:
    """Sending and reading go on after a kill of the broker, in order, without a failure or a lost record."""
    topic = await make_topic(3)
    ledger = Ledger()
    keeper = BookKeeper(ledger)
    engine = make_engine(keeper, [topic])
    await engine.start()

    async def pour() -> None:
        for chunk in range(60):
            await engine.send(topic, {p: numbered(50, chunk * 50) for p in range(3)})
            await asyncio.sleep(0.01)

    pouring = asyncio.create_task(pour())
    await ledger.reaches(dict.fromkeys(parts(topic, 3), 500))
    kafka.kill()
    await asyncio.to_thread(kafka.start)
    await pouring
    await ledger.reaches(dict.fromkeys(parts(topic, 3), 3000), 90)

    assert ledger.violations == []
    assert all(numbers(ledger.values[tp]) == list(range(3000)) for tp in parts(topic, 3))
    assert keeper.failures == []


async def test_stopping_while_the_broker_is_away_ends_and_leaves_nothing_behind(
    make_topic: Any, make_engine: Any, kafka: Any
) -> None:
    """A pod is stopped in an outage: the last commit and the farewell to the group are given up, not waited for."""
    topic = await make_topic(2)
    before = asyncio.all_tasks(), threading.active_count()
    ledger = Ledger()
    keeper = BookKeeper(ledger)
    engine = make_engine(keeper, [topic])
    await engine.start()
    await engine.send(topic, {0: numbered(10)})
    await ledger.reaches({TP(topic, 0): 10})
    kafka.kill()
    try:
        async with asyncio.timeout(60):
            await engine.stop()
        left = asyncio.all_tasks(), threading.active_count()
    finally:
        await asyncio.to_thread(kafka.start)

    assert keeper.open == set()
    assert keeper.failures == []
    assert left == before
