"""
Faust's aiokafka transport, fed with all that a fetch brought of a topic instead of single records.

Stock Faust makes four asyncio tasks a record (65 to 80 µs) and its acknowledgements lose data in several reproduced
ways; here one Faust event carries all records fetched of a topic's partitions, and `lanes` keeps what is acknowledged.
What is overridden, and why, is told at each method; `tests/contract` pins what we believe of the pinned versions.

aiokafka's consumer lives in the loop of the app, like all else (`thread`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from faust.transport import consumer as stock
from faust.transport.drivers import aiokafka as driver
from faust.types import TP as FaustTP
from faust.types import ConsumerMessage
from mode import Service

from syncsvc.engine import lanes, thread
from syncsvc.engine.cycles import Cycle
from syncsvc.engine.port import TP, Host, Record
from syncsvc.engine.settings import EngineSettings


class Chunks:
    """What goes from the thread to the agents of one lane; refuses a chunk that does not follow the last one."""

    def __init__(self, lane: lanes.Lane) -> None:
        self.lane = lane
        self._next = 0

    def offer(self, number: int, records: list[Record], position: int) -> None:
        """Give records to the lane; a chunk lost inside Faust (see `faust` decision) is fatal, not silent."""
        if self.lane.closed:
            return
        if number != self._next:
            raise RuntimeError(f"{self.lane.tp}: fetched chunk {number} arrived, {self._next} was expected")
        self._next += 1
        self.lane.offer(records, position)


class Offer(NamedTuple):
    """What was fetched of one partition, and where it goes."""

    chunks: Chunks
    number: int
    records: list[Record]
    position: int


class TopicMessage(ConsumerMessage):
    """A Faust message that carries all that one fetch brought of a topic."""

    __slots__ = ("offers",)


class Consumer(driver.Consumer):
    """Faust's consumer with our reading, positions and rebalances."""

    RebalanceListener = thread.Listener

    def __init__(self, transport: Transport, *args: Any, **kwargs: Any) -> None:
        self.settings, self.reading = transport.settings, transport.reading
        self.lanes = lanes.Lanes(transport.host, transport.settings, self._press, transport.failed)
        self._chunks: dict[tuple[str, int], Chunks] = {}
        self._to_open: tuple[set[TP], int] | None = None
        super().__init__(transport, *args, **kwargs)

    def _new_consumer_thread(self) -> thread.Thread:
        return thread.Thread(
            self, loop=self.loop, thread_loop=self.loop, Worker=thread.InLoop, beacon=self.beacon
        )  # fmt: skip

    def _press(self, tp: TP, pressed: bool) -> None:
        self._thread.press(tp, pressed)

    async def _drain_messages(self, fetcher: Any) -> None:
        """
        Hand on what is read until stopped.

        Faust's own drops records that lie before the offset it read last, so all of them after a seek back.  And it
        makes two tasks for each message and gives way to the loop five times, on a busy loop most of what a record
        waits for; it does so to get out of a full queue, and `agents` never let one fill.
        """
        try:
            while not (self.should_stop or fetcher.should_stop):
                async for _, message in self.getmany(1.0):
                    await self.callback(message)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, ConsumerMessage]]:
        """One message a topic; Faust's own yields records one by one and sleeps 1 s when all are paused."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        generation, fetched = await self._thread.fetch(timeout)
        topics: dict[str, list[Offer]] = {}
        for tp, (number, chunk, position) in fetched.items():
            topics.setdefault(tp.topic, []).append(Offer(self._chunks_of(tp), number, chunk, position))
        for topic, offers in topics.items():
            # What came for an older generation is dropped: its next owner starts from the host's offset.
            if generation != self._thread.generation or self.should_stop:
                return
            message = self._message(topic, offers)
            yield message.tp, message
        await asyncio.sleep(0)

    def _message(self, topic: str, offers: list[Offer]) -> TopicMessage:
        """Of a topic's partitions one stands for all: Faust needs a partition and an offset, and uses neither here."""
        first = offers[0]
        tp = FaustTP(topic, first.chunks.lane.tp.partition)
        # Without generation_id the Cython conductor drops the message and says nothing.
        message = TopicMessage(
            topic, tp.partition, first.position - 1, 0.0, 0, [], None, first.records, None,
            tp=tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        message.offers = offers
        return message

    def _chunks_of(self, tp: tuple[str, int]) -> Chunks:
        lane = self.lanes.lane(tp)
        if lane is None:
            raise RuntimeError(f"records of {tp} were fetched, but no lane is open for it")
        chunks = self._chunks.get(tp)
        if chunks is None or chunks.lane is not lane:
            chunks = self._chunks[tp] = Chunks(lane)
        return chunks

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Remember what to open; it is opened in `resume_flow`, when Faust has cleared its queues."""
        self._to_open = {TP(*tp) for tp in assigned}, self._thread.generation
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_flow(self) -> None:
        """Last thing Faust does in a rebalance: now nothing clears a queue any more, so partitions can be opened."""
        super().resume_flow()
        if self._to_open is not None:
            tps, generation = self._to_open
            self._to_open = None
            self.lanes.open(tps, lambda offsets: self._thread.start_reading(offsets, generation))

    async def perform_seek(self) -> None:
        """Nothing: Faust would seek to the committed offsets, we to those of the host."""

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """The host lets go, its last positions are committed, then Faust goes on; Faust forgets them first."""
        self._to_open = None
        await self.let_go()
        await super().on_partitions_revoked(revoked)

    async def let_go(self) -> None:
        """End all work on the partitions held now; a host that cannot is fatal."""
        try:
            await self.lanes.close()
            await self.force_commit()
        except Exception as error:  # aiokafka would log it and go on
            self.transport.failed(error)
        finally:
            self.lanes.forget()

    async def wait_empty(self) -> None:
        """Faust waits for ever for acknowledgements here; ours have been waited for in `let_go`."""

    async def on_stop(self) -> None:
        """Nothing is committed here: `let_go` has done it."""

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit the durable prefixes; Faust's own bookkeeping commits past unacknowledged heads and gaps."""
        offsets = self.lanes.uncommitted()
        if not offsets or not await self._thread.commit(offsets):
            return False
        self.lanes.committed(offsets)
        return True

    def close(self) -> None:
        """Nothing: Faust would close the thread's client from the wrong loop."""


class Fetcher(stock.Fetcher):
    """Runs `Consumer._drain_messages`; Faust's own takes being stopped in a rebalance for a crash of the app."""

    @Service.task
    async def _fetcher(self) -> None:
        try:
            await self.app.consumer._drain_messages(self)
        finally:
            self.set_shutdown()


class Transport(driver.Transport):
    """Makes the consumer; carries what it needs to the place where Faust makes it."""

    Consumer = Consumer
    Fetcher = Fetcher

    def __init__(
        self,
        urls: Any,
        app: Any,
        host: Host,
        settings: EngineSettings,
        failed: Callable[[BaseException], None],
        reading: Cycle,
    ) -> None:
        self.host, self.settings, self.failed, self.reading = host, settings, failed, reading
        super().__init__(urls, app)
