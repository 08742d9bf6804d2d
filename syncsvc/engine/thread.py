"""
aiokafka's consumer as Faust's consumer thread, but in the loop of the app.

A thread of its own, Faust's way, keeps a slow handler from delaying heartbeats.  Our folds take some 20 ms at most, and
two threads that hand the interpreter to each other at every fetch made each change wait 0.1 s on a busy core (decision
0009).

A partition is *wanted* here only between its seek to the host's offset and its revocation; both happen without an
await in between, so a record of an older generation cannot slip through.  `transport` is the other side, in the
loop of the app.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.drivers import aiokafka as driver
from mode import Service
from mode.utils.futures import maybe_async

from syncsvc.engine import clients
from syncsvc.engine.fetches import Fetches
from syncsvc.engine.port import TP, Record
from syncsvc.engine.settings import EngineSettings

#: Records of one partition from one fetch, where reading goes on after them, and the running number of that fetch for
#: the partition.  Without records it tells that only markers of transactions (or compacted records) were passed.
Chunk = tuple[int, list[Record], int]


class Wanted(set[tuple[str, int]]):
    """Partitions to take records of; true even when empty, because aiokafka reads an empty set as "all of them"."""

    def __bool__(self) -> bool:
        return True


class Passed:
    """
    How far each partition was read, markers of transactions and compacted records included.

    The last record's offset + 1 is not enough: behind a transaction comes its marker, and a log that ends with one
    would never seem read to its end.
    """

    def __init__(self) -> None:
        self._positions: dict[tuple[str, int], int] = {}

    def at(self, offsets: Mapping[TP, int]) -> None:
        """Reading begins at these offsets."""
        for tp, offset in offsets.items():
            self._positions[tp] = offset

    def since(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        wanted: Iterable[tuple[str, int]],
        records: Mapping[Any, list[Record]],
    ) -> Iterator[tuple[Any, list[Record], int]]:
        """`(partition, records, position)` of those that were read on since the last call."""
        assignment = consumer._subscription.subscription and consumer._subscription.subscription.assignment
        if assignment is None:
            return
        held = assignment.tps
        for tp in {*records, *(aiokafka.TopicPartition(*one) for one in wanted)}:
            state = assignment.state_value(tp) if tp in held else None
            if state is None or not state.has_valid_position:
                continue
            if tp in records or state.position > self._positions.get(tp, state.position):
                self._positions[tp] = state.position
                yield tp, records.get(tp, []), state.position


class Listener(driver.ConsumerRebalanceListener):
    """Faust's, but what is fetched stops to count at once."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Any:
        """Called by aiokafka when the group is about to be joined again."""
        # Before the first await: what is fetched from here on belongs to nobody.
        self._thread.forget_partitions()
        return super().on_partitions_revoked(revoked)


class InLoop:
    """What Faust starts a thread with, without the thread: the service is a task of the loop it is started in."""

    def __init__(self, service: driver.AIOKafkaConsumerThread) -> None:
        self._service = service
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to serve."""
        self._task = asyncio.get_running_loop().create_task(self._service._serve())
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # told by the service's crash

    def stop(self) -> None:
        """Nothing: the service has been waited for."""


class Thread(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer."""

    abstract = False
    _consumer: aiokafka.AIOKafkaConsumer | None
    _taking: Fetches

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settings: EngineSettings = self.consumer.settings
        self.generation = 0
        self.wanted = Wanted()
        #: Partitions that this generation has begun to read.
        self._reading: set[tuple[str, int]] = set()
        self._fetches: dict[tuple[str, int], int] = collections.defaultdict(int)
        self.passed = Passed()

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Calls it: there is no other thread, so nothing has to be handed over."""
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """Nothing: the other tasks of this loop are not ours to cancel."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        # Faust hard-codes read_uncommitted and a fetch wait of 1.5 s, and has no setting for the fetch sizes.
        self._assignor = RoundRobinPartitionAssignor
        return clients.member(self.settings, self.app.conf.id)

    async def on_start(self) -> None:
        """Make the consumer and connect."""
        await super().on_start()
        self._taking = Fetches(self._ensure_consumer(), self.settings, self.consumer.reading)

    @Service.task
    async def _listen(self) -> None:
        """aiokafka tells of what ends its own tasks only to who asks, and while it waits nobody does."""
        while not self.should_stop:
            await self.sleep(1.0)
            if (consumer := self._consumer) is None or consumer._closed:
                continue
            for task in (consumer._coordinator._coordination_task, consumer._fetcher._fetch_task):
                if task.done():
                    error = None if task.cancelled() else task.exception()
                    raise RuntimeError("a task of the client library has ended") from error
            consumer._coordinator.check_errors()

    async def on_thread_stop(self) -> None:
        """Leave the group and disconnect."""
        consumer, self._consumer = self._consumer, None
        await super().on_thread_stop()
        if consumer is not None:
            await clients.stop(consumer)

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Nothing on stderr: the error goes to the host."""

    def forget_partitions(self) -> None:
        """From here on no record of any partition is taken, until `start_reading` of the next generation."""
        self.generation += 1
        self.wanted.clear()
        self._reading.clear()
        self._fetches.clear()
        self.passed = Passed()

    async def start_reading(self, offsets: Mapping[TP, int], generation: int) -> None:
        """Seek and read; nothing when the partitions were taken away meanwhile. Called from the app's loop."""
        await self.call_thread(self._start_reading, offsets, generation)

    async def _start_reading(self, offsets: Mapping[TP, int], generation: int) -> None:
        if generation == self.generation:
            for tp, offset in offsets.items():
                self._ensure_consumer().seek(aiokafka.TopicPartition(*tp), offset)
            self.passed.at(offsets)
            self._reading.update(offsets)
            self._want(offsets, generation)

    def press(self, tp: TP, pressed: bool) -> None:
        """Stop or go on reading a partition; called from the app's loop."""
        if pressed:
            self.wanted.discard(tp)
        elif tp in self._reading:
            self._want((tp,), self.generation)

    def _want(self, tps: Iterable[TP], generation: int) -> None:
        if generation == self.generation:
            self.wanted.update(tps)
            # A read that waits for the network must look again: what is wanted now may have been fetched long ago.
            fetcher = self._ensure_consumer()._fetcher
            for waiter in list(fetcher._fetch_waiters):
                fetcher._notify(waiter)

    async def fetch(self, timeout: float) -> tuple[int, dict[Any, Chunk]]:
        """`(generation, {partition: chunk})` of what has arrived; waits `timeout` seconds when nothing has."""
        return await self.call_thread(self._fetch, timeout)

    async def _fetch(self, timeout: float) -> tuple[int, dict[Any, Chunk]]:
        consumer = self._ensure_consumer()
        if consumer._closed:
            raise ConsumerStoppedError()
        with consumer._fetcher._subscriptions.fetch_context():
            records = await self._taking.take(self.wanted, timeout)
        chunks = {}
        for tp, found, position in self.passed.since(consumer, self.wanted, records):
            chunks[tp] = self._fetches[tp], found, position
            self._fetches[tp] += 1
        return self.generation, chunks

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        # Faust leaves the process when a commit fails; ours are for lag tools, so the next one may do.
        consumer = self._ensure_consumer()
        held = consumer.assignment()
        found = {aiokafka.TopicPartition(*tp): offset for tp, offset in offsets.items() if tp in held}
        try:
            await asyncio.wait_for(consumer.commit(found), self.settings.commit_timeout_seconds)
        except (KafkaError, TimeoutError) as error:
            self.log.warning("offsets were not committed to Kafka, lag tools see old ones: %r", error)
            return False
        return True

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's "stream is slow" report: it cannot tell a slow host from a stuck stream; `telemetry` does."""
