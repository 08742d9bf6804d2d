"""The local copies of what documents refer to: what counts as here, and what is still awaited."""

from __future__ import annotations

import pytest

from syncsvc.assembly.copies import Copies
from syncsvc.assembly.layout import ANSWERED, AWAITED, COPY_HEAD, IN_PARTS, LOCAL, row_key
from syncsvc.state.memory import MemoryStore

RELAY, PLACE = b"\1\x15\x07", 17


def copies(answer: int, *rows: bytes) -> Copies:
    """Copies of one relay that was subscribed to at a place, after the first copy ended at that place or before."""
    store = MemoryStore()
    store.put(LOCAL + RELAY, COPY_HEAD.pack(PLACE, answer))
    for number, row in enumerate(rows):
        store.put(row_key(LOCAL, RELAY, 1, bytes((number,))), row)
    return Copies(store)


@pytest.mark.parametrize("copied_to", [0, PLACE])
def test_half_an_answer_is_never_shown(copied_to: int) -> None:
    """Also not when the first copy ends between two of its parts, where all that is silent counts as answered."""
    found = copies(IN_PARTS, b"one")
    found.copied_to = copied_to

    assert found.of(RELAY) is None


def test_the_end_of_the_first_copy_answers_for_those_who_kept_silent() -> None:
    """A relay that has nothing says nothing before it; what is asked for later is waited for."""
    found = copies(AWAITED)
    assert found.of(RELAY) is None
    found.copied_to = PLACE
    copy = found.of(RELAY)

    assert copy is not None
    assert copy.slots == []


def test_an_answer_is_shown_whole() -> None:
    """Whenever it came."""
    copy = copies(ANSWERED, b"one", b"two").of(RELAY)

    assert copy is not None
    assert copy.slots == [b"one", b"two"]
