"""What waits for an actor is bounded, and who brings more is told that it had to wait."""

from __future__ import annotations

import asyncio

from syncsvc.actors.inbox import MOST_WAITING_BYTES, MOST_WAITING_RECORDS, Inbox
from syncsvc.engine.port import RecordBatch
from syncsvc.flow import Record


def batch(records: int) -> RecordBatch:
    """A batch of so many."""
    return RecordBatch("t", 0, [Record(number, b"", b"", 0) for number in range(records)], records)


def large(records: int) -> RecordBatch:
    """A batch of so many of 1 MiB."""
    return RecordBatch("t", 0, [Record(number, b"", bytes(1 << 20), 0) for number in range(records)], records)


def ack() -> None:
    """Nobody asks."""


async def test_with_room_nobody_waits() -> None:
    """Nor is it told as back-pressure."""
    assert await Inbox().put(batch(1), ack) is False


async def test_a_full_inbox_holds_back_until_half_of_it_is_taken() -> None:
    """Records stay in Kafka instead of in memory; nothing is lost, and that it waited is told."""
    inbox = Inbox()
    first, second = batch(MOST_WAITING_RECORDS // 2), batch(MOST_WAITING_RECORDS // 2)
    await inbox.put(first, ack)
    waiting = asyncio.ensure_future(inbox.put(second, ack))
    await asyncio.sleep(0)
    assert not waiting.done()

    inbox.take(1)
    await asyncio.sleep(0)
    assert not waiting.done(), "half of it is still there"
    assert [found for found, _ in inbox.take(1)] == [second]

    assert await waiting is True


async def test_large_records_hold_back_although_they_are_few() -> None:
    """A worker's memory is bounded in bytes: a partition of records of megabytes waits in Kafka like any other."""
    inbox = Inbox()
    most = MOST_WAITING_BYTES >> 20
    await inbox.put(large(1), ack)
    waiting = asyncio.ensure_future(inbox.put(large(most - 1), ack))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert inbox.filled == MOST_WAITING_RECORDS  # so that the pipeline says that it is held back

    inbox.take(1)
    await asyncio.sleep(0)
    assert not waiting.done(), "most of it is still there"
    assert inbox.filled == len(inbox) == most - 1
    inbox.take(1)

    assert await waiting is True
    assert await inbox.put(large(1), ack) is False


async def test_what_an_actor_gives_back_is_taken_next() -> None:
    """In its order, before all that came since; and it counts as waiting."""
    inbox = Inbox()
    first, second, third = batch(1), batch(2), batch(3)
    await inbox.put(first, ack)
    await inbox.put(second, ack)
    taken = inbox.take(3)
    await inbox.put(third, ack)

    inbox.give_back(taken)

    assert len(inbox) == 6
    assert [found for found, _ in inbox.take(6)] == [first, second, third]
    assert len(inbox) == 0


async def test_what_is_given_back_is_news() -> None:
    """An actor that left something goes on with it, although nothing comes any more."""
    inbox = Inbox()
    await inbox.put(batch(1), ack)
    inbox.give_back(inbox.take(1))

    async with asyncio.timeout(5):
        await inbox.wait(None)
