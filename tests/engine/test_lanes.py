"""Lanes without a broker: batch sizes, pressure, the durable prefix, and what is left after the host let go."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from syncsvc.engine.lanes import RECORD_OVERHEAD_BYTES, Lane, Lanes
from syncsvc.engine.port import TP, RecordBatch
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.transport import Chunks

HERE = TP("t", 0)
SETTINGS = EngineSettings("nowhere:1", batch_records=10, lane_bytes=20 * (RECORD_OVERHEAD_BYTES + 1))


def records(first: int, count: int) -> list[Any]:
    """Records of one byte."""
    return [SimpleNamespace(offset=n, key=None, value=b"x") for n in range(first, first + count)]


class Taker:
    """A host that takes a batch each time it is asked to."""

    def __init__(self) -> None:
        self.batches: asyncio.Queue[tuple[RecordBatch, Callable[[], None]]] = asyncio.Queue()
        self.room = asyncio.Semaphore(0)
        self.let_go: list[set[TP]] = []

    async def assigned(self, tps: set[TP]) -> dict[TP, int]:
        """All from 0."""
        return dict.fromkeys(tps, 0)

    async def revoked(self, tps: set[TP]) -> None:
        """Note it."""
        self.let_go.append(tps)

    async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
        """Keep the batch, then wait for room."""
        self.batches.put_nowait((batch, ack))
        await self.room.acquire()

    def reading(self, more: bool) -> None:
        """Of no interest: whoever asks gets a batch."""

    def failed(self, error: BaseException) -> None:
        """Not expected."""
        raise error


async def opened(taker: Taker, pressure: list[bool]) -> tuple[Lanes, Lane]:
    """Lanes with one partition open."""
    reading = asyncio.Event()

    async def seek(offsets: dict[TP, int]) -> None:
        reading.set()

    lanes = Lanes(taker, SETTINGS, lambda tp, pressed: pressure.append(pressed), taker.failed)
    lanes.open({HERE}, seek)
    await reading.wait()
    lane = lanes.lane(HERE)
    assert lane is not None
    return lanes, lane


async def test_what_waits_is_given_in_batches_as_large_as_allowed() -> None:
    """Small fetches are merged while the host is busy, large ones are cut; order stays."""
    taker = Taker()
    lanes, lane = await opened(taker, [])

    lane.offer(records(0, 1), 1)
    first, _ = await taker.batches.get()
    for start in range(1, 7):
        lane.offer(records(start, 1), start + 1)
    lane.offer(records(7, 25), 32)
    sizes = []
    for _ in range(4):
        taker.room.release()
        batch, _ = await taker.batches.get()
        sizes.append([record.offset for record in batch.records])

    assert [record.offset for record in first.records] == [0]
    assert [len(size) for size in sizes] == [6, 10, 10, 5]
    assert list(itertools.chain(*sizes)) == list(range(1, 32))
    await lanes.close()


async def test_a_full_lane_presses_and_releases_at_half() -> None:
    """Twenty records fit; the partition is not read again before ten are left."""
    taker, pressure = Taker(), []
    lanes, lane = await opened(taker, pressure)

    lane.offer(records(0, 1), 1)
    await taker.batches.get()
    lane.offer(records(1, 19), 20)
    assert pressure == []
    lane.offer(records(20, 1), 21)
    assert pressure == [True]
    taker.room.release()
    await taker.batches.get()

    assert pressure == [True, False]
    await lanes.close()


async def test_only_the_unbroken_prefix_of_acknowledged_batches_is_durable() -> None:
    """Invariant 4: a batch that is done while an earlier one is not, does not move the position."""
    taker = Taker()
    taker.room = asyncio.Semaphore(9)
    lanes, lane = await opened(taker, [])
    lane.offer(records(0, 30), 30)
    acks = [(await taker.batches.get())[1] for _ in range(3)]

    acks[1]()
    acks[2]()
    assert lanes.uncommitted() == {}
    acks[0]()
    acks[0]()
    assert lanes.uncommitted() == {HERE: 30}
    lanes.committed({HERE: 30})
    assert lanes.uncommitted() == {}
    await lanes.close()


async def test_after_letting_go_nothing_is_delivered_or_acknowledged() -> None:
    """The next owner may be at work already: records and acks of the old generation come to nothing."""
    taker = Taker()
    lanes, lane = await opened(taker, [])
    lane.offer(records(0, 5), 5)
    _, ack = await taker.batches.get()

    await lanes.close()
    lanes.forget()
    lane.offer(records(5, 5), 10)
    ack()

    assert taker.let_go == [{HERE}]
    assert taker.batches.empty()
    assert lane.position is None
    assert lanes.lane(HERE) is None


async def test_partitions_taken_away_while_they_are_opened_are_let_go_and_never_read() -> None:
    """Opening may take long (state is loaded); a rebalance meanwhile cancels it and does not wait for it."""
    taker = Taker()
    asked, sought = asyncio.Event(), []

    class Slow(Taker):
        async def assigned(self, tps: set[TP]) -> dict[TP, int]:
            asked.set()
            await asyncio.Event().wait()
            return {}

    async def seek(offsets: dict[TP, int]) -> None:
        sought.append(offsets)

    taker = Slow()
    lanes = Lanes(taker, SETTINGS, lambda tp, pressed: None, taker.failed)
    lanes.open({HERE}, seek)
    await asked.wait()
    await lanes.close()

    assert taker.let_go == [{HERE}]
    assert sought == []


async def test_an_offset_missing_from_the_hosts_answer_is_an_error() -> None:
    """A partition without a place to start from would be read from anywhere."""
    failures: list[BaseException] = []
    told = asyncio.Event()

    class Forgetful(Taker):
        async def assigned(self, tps: set[TP]) -> dict[TP, int]:
            return {}

        def failed(self, error: BaseException) -> None:
            failures.append(error)
            told.set()

    async def seek(offsets: dict[TP, int]) -> None:
        raise AssertionError("not to be called")

    taker = Forgetful()
    lanes = Lanes(taker, SETTINGS, lambda tp, pressed: None, taker.failed)
    lanes.open({HERE}, seek)
    await asyncio.wait_for(told.wait(), 10)

    assert isinstance(failures[0], LookupError)


async def test_a_chunk_lost_between_fetch_and_lane_is_noticed() -> None:
    """Faust clears its queues in a rebalance; a chunk that vanished there must end the process, not the order."""
    lane = Lane(HERE, Taker(), dataclasses.replace(SETTINGS), lambda tp, pressed: None)
    chunks = Chunks(lane)
    chunks.offer(0, records(0, 1), 1)

    with pytest.raises(RuntimeError, match="chunk 2 arrived, 1 was expected"):
        chunks.offer(2, records(2, 1), 3)
