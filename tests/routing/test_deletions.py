"""What is remembered of rows that were deleted, and for how long."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.flow import Record
from syncsvc.routing import deletions, memory
from syncsvc.routing.plan import Plan, compile_plan
from syncsvc.routing.router import Router
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from tests.routing.tables import APPLICATION, MEETING, applications, change, key, meetings

HOUR = 3_600_000
DAY = 24 * HOUR
BEGAN = 1_700_000_000_000
LATE = BEGAN + DAY + HOUR + 1
PLAN = compile_plan(meetings())


class Source:
    """One partition of a table's topic, in which the source's clock goes on by hand."""

    def __init__(self, table: str = APPLICATION, plan: Plan = PLAN) -> None:
        self.store = MemoryStore()
        self._router = Router(plan, table, table, 0, sender=0, end=0, state=self.store)
        self._offset = 0

    def change(self, op: str, number: int, at: int, *, meeting: int | None = 4, place: int | None = None) -> int:
        """One change of a row; how many records it made the router send."""
        row = {"id": number, "meeting_id": meeting, "user_id": None, "rank": None, "title": "t"}
        before, after = {"c": (None, row), "u": (row, row), "d": (row, None)}[op]
        value = change(op, before, after, pos=self._offset if place is None else place, ts_ms=at)
        return self.put(key(id=number), value)

    def put(self, name: bytes, value: bytes) -> int:
        """One record."""
        self._router.fold([Record(self._offset, name, value)])
        self._offset += 1
        return sum(map(len, self._router.outbox.take().values()))

    def gone(self, number: int, at: int) -> None:
        """A row comes and goes, its tombstone with it."""
        self.change("c", number, at)
        self.change("d", number, at)
        self.put(key(id=number), b"")

    @property
    def remembered(self) -> int:
        """Rows."""
        return len(self.store.scan(memory.ROW))

    @property
    def waiting(self) -> int:
        """Deleted rows that are to be forgotten."""
        return len(self.store.scan(deletions.DELETED))


def test_a_row_deleted_more_than_a_day_ago_leaves_nothing_behind() -> None:
    """Tables through which rows only pass do not make the state grow for ever."""
    source = Source()
    source.gone(1, BEGAN)
    source.change("c", 2, LATE)

    assert (source.remembered, source.waiting) == (1, 0)


def test_within_the_day_a_repeated_insert_does_not_bring_a_deleted_row_back() -> None:
    """Invariant 3: a connector that was away for some days may repeat what it sent last."""
    source = Source()
    source.gone(1, BEGAN)
    source.change("c", 2, BEGAN + DAY)

    assert source.change("c", 1, BEGAN, place=0) == 0
    assert source.remembered == 2


def test_a_connector_that_goes_back_far_after_a_long_silence_finds_all_remembered() -> None:
    """What it repeats has its old times: it is the source's clock that counts, not ours or Kafka's."""
    source = Source()
    for number in (1, 2):
        source.gone(number, BEGAN + number)

    assert [source.change("c", number, BEGAN + number, place=0) for number in (1, 2)] == [0, 0]


def test_a_deleted_row_that_was_inserted_again_is_remembered() -> None:
    """It is its last change that a repeated record is compared with."""
    source = Source()
    source.gone(1, BEGAN)
    source.change("c", 1, BEGAN + 5)
    source.change("c", 2, LATE + HOUR)

    assert (source.remembered, source.waiting) == (2, 0)
    assert source.change("u", 1, BEGAN, place=0) == 0


def test_a_row_that_is_nowhere_but_there_is_remembered_as_long_as_it_changes() -> None:
    """An application without a meeting shows in no document; an older change must not put it into one."""
    source = Source()
    source.gone(1, BEGAN)
    source.change("c", 1, BEGAN + DAY, meeting=None)
    source.change("c", 2, LATE)

    assert source.remembered == 2
    assert source.change("u", 1, BEGAN, place=0) == 0


def test_a_row_deleted_twice_is_forgotten_a_day_after_the_second_time() -> None:
    """The first deletion's day says nothing about the second."""
    source = Source()
    source.gone(1, BEGAN)
    source.gone(1, BEGAN + DAY)
    source.change("c", 2, LATE)
    assert (source.remembered, source.waiting) == (2, 1)

    source.change("u", 2, LATE + DAY)
    assert (source.remembered, source.waiting) == (1, 0)


def test_many_deleted_rows_are_forgotten_some_with_each_record() -> None:
    """No step has to carry the forgetting of a day."""
    source = Source()
    for number in range(100, 200):
        source.gone(number, BEGAN)
    waiting = []
    for number in range(4):
        source.change("c", number, LATE)
        waiting.append(source.waiting)

    assert waiting == [68, 36, 4, 0]
    assert source.remembered == 4


def test_what_a_sources_clock_does_not_tell_is_remembered_for_good() -> None:
    """A connector without times, and a deletion of which only a tombstone is left."""
    source = Source()
    source.gone(1, 0)
    source.change("c", 3, BEGAN)
    source.put(key(id=3), b"")
    source.change("c", 2, LATE + DAY)

    assert (source.remembered, source.waiting) == (3, 0)


def test_a_row_whose_children_go_with_it_is_remembered_for_good() -> None:
    """Children that went without a word in the binlog must not come back with a parent that is inserted again."""
    pipeline = meetings(replace(applications(), on_parent_delete="cascade"))
    source = Source(MEETING, compile_plan(pipeline))
    source.gone(1, BEGAN)
    source.change("c", 2, LATE)

    assert (source.remembered, source.waiting) == (2, 0)


CHANGES = st.lists(
    st.tuples(st.sampled_from("ccudd"), st.integers(1, 3), st.sampled_from((0, 1, HOUR, DAY // 2, DAY, DAY + HOUR))),
    max_size=14,
)


@given(CHANGES, st.sets(st.integers(0, 14)), st.booleans())
def test_what_is_sent_does_not_depend_on_where_an_owner_was_killed(
    history: list[Any], cuts: set[int], fresh: bool
) -> None:
    """
    Invariant 10: the same records and the same state, wherever the steps ended.

    A new owner finds what is to be forgotten in the state alone, from its cache or from segments.
    """
    log, now = [], BEGAN
    for offset, (op, number, later) in enumerate(history):
        now += later
        row = {"id": number, "meeting_id": 4, "user_id": None, "rank": None}
        before, after = {"c": (None, row), "u": (row, row), "d": (row, None)}[op]
        log.append(Record(offset, key(id=number), change(op, before, after, pos=offset, ts_ms=now)))

    def ran(ends: list[int]) -> tuple[list[Any], list[Any]]:
        store, sent, blobs = MemoryStore(), [], list[bytes]()
        for first, last in pairwise(ends):
            state = PartitionState(store, b"lineage")
            for number in range(state.behind(len(blobs), 1), len(blobs) + 1):
                state.apply(blobs[number - 1])
            state.caught_up(len(blobs))
            router = Router(PLAN, APPLICATION, APPLICATION, 0, sender=0, end=1 << 40, state=state)
            router.fold(log[first:last])
            sent += [(p, record) for p, batch in router.outbox.take().items() for record in batch]
            blobs.append(state.take_segment(len(blobs) + 1).blob)
            state.committed(len(blobs), float(len(blobs) * 100))
            store.abandon()
            store = MemoryStore() if fresh else store
        whole = PartitionState(MemoryStore(), b"lineage")
        for blob in blobs:
            whole.apply(blob)
        return sorted(sent, key=lambda entry: entry[1][1][4:16]), whole.scan(b"")

    whole = len(log)
    assert ran([0, *sorted(cut for cut in cuts if 0 < cut < whole), whole]) == ran([0, whole])


@pytest.mark.parametrize("deleted", [1, 1_000])
def test_a_record_that_forgets_nothing_does_not_look_into_the_state(deleted: int) -> None:
    """What it costs is one comparison, however many rows wait to be forgotten."""
    source = Source()
    for number in range(deleted):
        source.gone(number, BEGAN)
    walks: list[bytes] = []
    plain = source.store.walk

    def walk(start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        walks.append(prefix)
        return plain(start, prefix, limit)

    source.store.walk = walk  # type: ignore[method-assign]
    source.change("c", 2_000, BEGAN + DAY)

    assert walks == []
