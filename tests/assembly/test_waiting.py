"""What waits to be written keeps the oldest change it stands for, and outlives its process."""

from __future__ import annotations

from syncsvc.assembly.waiting import Waiting
from syncsvc.state.memory import MemoryStore

ADDRESS = b"\0\x15\x01"


def test_a_document_that_waits_longer_keeps_its_oldest_change_and_its_identity() -> None:
    """Lag tells the age of the oldest change that nobody sees yet (invariant 9); a removed root is still known."""
    waiting = Waiting(MemoryStore())
    waiting.put(ADDRESS, (5, b"id"), 100)
    waiting.put(ADDRESS, (9, b""), 200)

    assert waiting.held(ADDRESS) == (5, b"id")
    assert waiting.stamps() == [5]
    assert waiting.next_due() == waiting.until(ADDRESS) == 200


def test_an_unknown_age_gives_way_to_a_known_one() -> None:
    """0 means that nobody knows, not that it is old."""
    waiting = Waiting(MemoryStore())
    waiting.put(ADDRESS, (0, b""), 100)
    waiting.put(ADDRESS, (9, b""), 100)

    assert waiting.stamps() == [9]


def test_what_waits_is_due_at_once_for_the_next_owner() -> None:
    """Until when it waits is not in the state: nobody waits longer because a process died."""
    state = MemoryStore()
    Waiting(state).put(ADDRESS, (5, b"id"), 1_000_000)
    waiting = Waiting(state)

    assert ADDRESS in waiting
    assert waiting.come(0) == [ADDRESS]
    assert waiting.held(ADDRESS) == (5, b"id")
    assert waiting.drop(ADDRESS) == b"id"
    assert waiting.next_due() is None
    assert ADDRESS not in Waiting(state)
