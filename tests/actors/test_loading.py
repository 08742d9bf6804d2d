"""A state is made whole from its segments, however many there are, while the rest of the worker lives on."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from syncsvc.actors import loading
from syncsvc.actors.loading import Loader
from syncsvc.actors.ports import Ledger, Owned
from syncsvc.state import segments
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState


class Kept:
    """A ledger with some segments a fence; a call is given so many of them."""

    def __init__(self, blobs: list[bytes], *, at_a_time: int) -> None:
        self._blobs, self._at_a_time = blobs, at_a_time
        self.asked: list[tuple[int, int]] = []
        #: Calls wait for it.
        self.readable = asyncio.Event()
        self.readable.set()

    async def open(self, fence: str) -> Owned:
        """At its last segment."""
        return Owned(fence, 1, len(self._blobs), 0, 1, 0)

    async def segments(self, fence: str, first: int, last: int) -> tuple[list[bytes], int]:
        """In order."""
        self.asked.append((first, last))
        await self.readable.wait()
        found = self._blobs[first - 1 : min(first - 1 + self._at_a_time, last)]
        return found, first + len(found)


class Closing(MemoryStore):
    """A store that says that it was closed."""

    closed = False

    def close(self) -> None:
        """Once."""
        self.closed = True


def blobs(count: int, entries: int) -> list[bytes]:
    """Segments that each change all keys."""
    return [segments.encode({b"%05d" % key: b"%d" % number for key in range(entries)}) for number in range(count)]


def loader(ledger: Kept) -> Loader:
    """Of that ledger."""
    return Loader(cast(Ledger, ledger))


def state() -> PartitionState:
    """An empty one."""
    return PartitionState(MemoryStore(), b"")


async def test_segments_are_read_some_at_a_time_up_to_the_fence() -> None:
    """A worker's memory holds some MiB of them, whatever the state has; the last one of a key holds."""
    ledger = Kept(blobs(7, 3), at_a_time=3)

    opened = await loader(ledger).load("fence", state)

    assert ledger.asked == [(1, 7), (4, 7), (7, 7)]
    assert opened.segments == 7
    assert opened.state.scan(b"") == [(b"00000", b"6"), (b"00001", b"6"), (b"00002", b"6")]


async def test_a_load_gives_way_within_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A worker's heartbeats go through the loop that loads its states.

    One with large segments was put out of its group while it loaded, was given the partitions again, and began anew.
    """
    monkeypatch.setattr(loading, "SLICE_SECONDS", 0.0)
    turns = 0

    async def beat() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    heart = asyncio.create_task(beat())
    opened = await loader(Kept(blobs(2, 10_000), at_a_time=2)).load("fence", state)
    heart.cancel()

    assert len(opened.state.scan(b"")) == 10_000
    assert turns > 2 * 10_000 / 1_000


async def test_of_many_partitions_only_some_hold_their_segments_at_once() -> None:
    """A worker that is given all partitions of a pipeline has no more memory than one that is given a few."""
    ledger = Kept(blobs(2, 1), at_a_time=2)
    ledger.readable.clear()
    one = loader(ledger)
    loads = [asyncio.create_task(one.load(f"fence {number}", state)) for number in range(3 * loading.AT_ONCE)]
    await asyncio.sleep(0.01)
    assert len(ledger.asked) == loading.AT_ONCE

    ledger.readable.set()
    assert {opened.owned.id for opened in await asyncio.gather(*loads)} == {f"fence {n}" for n in range(len(loads))}


async def test_a_load_that_is_cancelled_lets_go_of_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The partition may come back at once, also in the middle of a segment; and others load in its place."""
    monkeypatch.setattr(loading, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(loading, "AT_ONCE", 1)
    store = Closing()
    one = loader(Kept(blobs(2, 10_000), at_a_time=2))
    load = asyncio.create_task(one.load("fence", lambda: PartitionState(store, b"")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert store.any(b"")
    assert not load.done()
    load.cancel()
    with pytest.raises(asyncio.CancelledError):
        await load

    assert store.closed
    assert len((await one.load("fence", state)).state.scan(b"")) == 10_000
