"""What a cycle of reading follows, and what it leaves to the next one."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiokafka
import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest

from syncsvc.engine import clients, pace
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.fetches import Fetches
from syncsvc.engine.port import TP, RecordBatch
from syncsvc.engine.producer import Producer
from syncsvc.engine.settings import EngineSettings
from tests.engine.ledger import BookKeeper, Ledger, parts

pytestmark = [pytest.mark.servers, pytest.mark.timeout(60)]

PAUSE = 3.0  # of reading: whatever comes much sooner was followed
SOON = 1.5


class Reader:
    """Reads a source and the topic that is fed from it, in a loop that is never idle."""

    def __init__(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        settings: EngineSettings,
        topics: list[str],
        other: aiokafka.AIOKafkaProducer,
    ) -> None:
        self.consumer, self._other = consumer, other
        self.source, self.fed = (TopicPartition(topic, 0) for topic in topics)
        self.producer = Producer(settings)
        self.told: list[bool] = []
        given = dataclasses.replace(settings, pause_seconds=PAUSE, pause_below_records=3)
        consumer.assign([self.source, self.fed])
        for tp in (self.source, self.fed):
            consumer.seek(tp, 0)
        self._fetches = Fetches(consumer, given, Cycle(self.producer, self.told.append), load=lambda: 1.0)

    async def others_send(self, tp: TopicPartition, value: bytes) -> None:
        """By somebody else."""
        await self._other.send_and_wait(tp.topic, value, partition=tp.partition)

    async def send(self, tp: TopicPartition, *values: bytes) -> None:
        """By this worker."""
        await self.producer.send(tp.topic, {tp.partition: [(b"k", value) for value in values]})

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Meanwhile something else is sent that is not acknowledged."""
        place, unacknowledged = ("elsewhere", 0), asyncio.create_task(asyncio.Event().wait())
        self.producer._carriers[place] = unacknowledged  # type: ignore[assignment]
        try:
            yield
        finally:
            del self.producer._carriers[place]
            unacknowledged.cancel()

    async def rests(self) -> None:
        """Waits until the host was told that the cycle is over, soon; that is all it was told."""
        async with asyncio.timeout(SOON):
            while self.told[-1]:  # noqa: ASYNC110 (what is awaited is aiokafka's own task)
                await asyncio.sleep(0)
        assert self.told == [True, False]

    async def read(self) -> tuple[list[bytes], float]:
        """Values of the next read that brings something, and after how many seconds it did."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not (found := await self._fetches.take({self.source, self.fed}, 1.0)):
            pass
        return [record.value for records in found.values() for record in records], loop.time() - began


@pytest.fixture
async def reader(make_topic: Any, settings: EngineSettings) -> AsyncIterator[Reader]:
    """A reader that has taken one record of its source, just now."""
    topics = [await make_topic(1), await make_topic(1)]
    other = aiokafka.AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await other.start()
    await other.send_and_wait(topics[0], b"row", partition=0)
    async with clients.looking(settings) as consumer:
        reader = Reader(consumer, settings, topics, other)
        await reader.producer.start()
        assert (await reader.read())[0] == [b"row"]
        yield reader
        await reader.producer.stop()
    await other.stop()


async def test_what_a_read_makes_a_worker_send_is_read_at_once(reader: Reader) -> None:
    """A change does not wait for the pause again between its stages, however many it goes through."""
    for value in (b"keyed", b"copied on"):
        await reader.send(reader.fed, value)

        values, seconds = await reader.read()

        assert values == [value]
        assert seconds < SOON
    assert reader.told == [True]
    await reader.rests()


async def test_a_cycle_does_not_read_what_others_send_meanwhile(reader: Reader) -> None:
    """Else there would be a read for each of them: they come together, after the pause."""
    with reader.sending():
        await reader.others_send(reader.source, b"next row")
        await reader.send(reader.fed, b"keyed")

    first, soon = await reader.read()
    await reader.others_send(reader.source, b"and one more")
    second, _ = await reader.read()

    assert (first, second) == ([b"keyed"], [b"next row", b"and one more"])
    assert soon < SOON


async def test_the_host_is_told_when_a_cycle_is_over(reader: Reader) -> None:
    """Then the partitions take their turn, instead of waiting for a read that will not come."""
    assert reader.told == [True]

    await reader.rests()


async def test_a_cycle_ends_with_the_partitions_it_reads(reader: Reader) -> None:
    """Whoever holds them in a rebalance does not wait for what will be read by another."""
    with reader.sending():
        waiting = asyncio.create_task(reader.read())
        async with asyncio.timeout(SOON):
            while not reader.consumer._fetcher._pending_tasks:  # noqa: ASYNC110 (until aiokafka's next request)
                await asyncio.sleep(0)

            reader.consumer.assign([reader.source])

        await reader.rests()
        waiting.cancel()


async def test_a_busy_loop_does_not_hold_a_read_back(reader: Reader) -> None:
    """Where each turn of the loop takes long, a cycle does not take many of them beyond its pause."""
    loop, until = asyncio.get_running_loop(), 0.0

    async def busy() -> None:
        while True:
            time.sleep(0.01)  # noqa: ASYNC251 (a fold)
            await asyncio.sleep(0)

    folding = asyncio.create_task(busy())
    began = loop.time()
    following = await Cycle(reader.producer, reader.told.append).follow(FetchRequest(0, 1, 1, 1, []), until)
    folding.cancel()

    assert following is None
    assert loop.time() - began < 0.08  # 16 turns take 0.16 s


async def test_a_worker_with_much_to_read_has_no_cycles(reader: Reader) -> None:
    """A read that brought much is followed by one of all topics, without a pause."""
    with reader.sending():
        await reader.others_send(reader.source, b"next row")
        await reader.send(reader.fed, b"1", b"2", b"3")
    assert (await reader.read())[0] == [b"1", b"2", b"3"]

    values, seconds = await reader.read()

    assert values == [b"next row"]
    assert seconds < SOON
    assert reader.told[:2] == [True, False]


async def test_a_cycle_takes_no_longer_than_the_pause(reader: Reader) -> None:
    """Where sends are not acknowledged in time the source is read all the same, no later than without cycles."""
    with reader.sending():
        await reader.others_send(reader.source, b"next row")

        values, seconds = await reader.read()

    assert values == [b"next row"]
    assert PAUSE / 2 < seconds < PAUSE + SOON


@pytest.mark.parametrize("rows", [1, 2])
async def test_both_engines_follow_what_their_host_sends(
    make_topic: Any, make_engine: Any, settings: EngineSettings, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """From the fetch through all hands of an engine and back: no record of the keyed topic waits for a pause."""
    monkeypatch.setattr(pace.Pace, "pause", lambda self, records: PAUSE if records else 0.0)
    source, keyed = await make_topic(1), await make_topic(1)
    loop = asyncio.get_running_loop()

    class Router(BookKeeper):
        async def deliver(self, batch: RecordBatch, ack: Any) -> None:
            times.setdefault(batch.topic, loop.time())
            if batch.topic == source:
                await engine.send(keyed, {0: [(record.key, record.value) for record in batch.records]})
            await super().deliver(batch, ack)

        def reading(self, more: bool) -> None:
            told.append(more)

    told: list[bool] = []
    times: dict[str, float] = {}
    host = Router(Ledger())
    engine = make_engine(host, [source], keyed)
    await engine.start()
    await host.ledger.until(lambda: host.open == {*parts(source, 1), *parts(keyed, 1)})
    await engine.send(source, {0: [(b"k", b"row")] * rows})

    await host.ledger.reaches({TP(source, 0): rows, TP(keyed, 0): rows})

    assert times[keyed] - times[source] < SOON
    assert told[0] is True
