"""What waits for an actor is bounded, and who brings more is told that it had to wait."""

from __future__ import annotations

import asyncio

from syncsvc.actors.partition import MOST_WAITING_RECORDS, Inbox
from syncsvc.engine.port import RecordBatch
from syncsvc.flow import Record


def batch(records: int) -> RecordBatch:
    """A batch of so many."""
    return RecordBatch("t", 0, [Record(number, b"", b"", 0) for number in range(records)], records)


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
