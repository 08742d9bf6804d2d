"""When the partitions of a worker take their next step."""

from __future__ import annotations

import asyncio

from syncsvc.actors.turns import MORE_SECONDS, Turns

LONG = 3600.0  # longer than any test


async def test_who_comes_alone_waits_for_nothing() -> None:
    """However busy the worker was before: the first turn after a rest is at once."""
    turns = Turns(lambda: 1.0, LONG)

    async with asyncio.timeout(5):
        await turns.next()


async def test_all_partitions_have_the_same_turn() -> None:
    """So that their steps share a transaction; who asks after it gets the next one."""
    turns = Turns(lambda: 0.0)
    first = turns.next()

    assert turns.next() is first
    await first
    assert turns.next() is not first


async def test_a_busy_worker_has_its_turns_apart() -> None:
    """So many changes share a transaction, and what all transactions cost is bounded."""
    turns = Turns(lambda: 0.5, 0.2)
    await turns.next()
    began = asyncio.get_running_loop().time()
    await turns.next()

    assert asyncio.get_running_loop().time() - began >= 0.09  # half of 0.2, but for the grain of a loop's clock


async def test_an_idle_worker_has_its_turns_at_once() -> None:
    """Then a transaction takes its time from nobody."""
    turns = Turns(lambda: 0.0, LONG)

    async with asyncio.timeout(5):
        for _ in range(100):
            await turns.next()


async def test_a_turn_waits_for_what_is_about_to_come_of_the_same_changes() -> None:
    """All that one read led to is written together; the turn is at once when nothing more comes."""
    turns = Turns(lambda: 0.0)
    turns.more(True)
    turn = turns.next()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not turn.done()

    turns.more(False)

    assert turn.done()
    await asyncio.sleep(MORE_SECONDS)  # its patience ends, and is not needed any more
    assert turns.next() is not turn


async def test_a_turn_does_not_wait_for_ever_for_more_to_come() -> None:
    """A reader that is stopped, or whose broker is gone, delays each step by no more than that."""
    turns = Turns(lambda: 0.0)
    turns.more(True)

    for _ in range(2):
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(5):
            await turns.next()
        assert asyncio.get_running_loop().time() - began >= MORE_SECONDS / 2


async def test_more_that_ends_before_a_turn_is_due_does_not_bring_it_forward() -> None:
    """Turns of a busy worker stay apart, however often it reads."""
    turns = Turns(lambda: 1.0, LONG)
    await turns.next()
    turn = turns.next()

    turns.more(True)
    turns.more(False)

    await asyncio.sleep(0)
    assert not turn.done()
