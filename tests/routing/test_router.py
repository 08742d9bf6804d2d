"""Where a changed row is sent, what is too old to be sent, and what becomes of records that cannot be read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncsvc.flow import Record
from syncsvc.keys import component
from syncsvc.mapping.model import Pipeline, Root, Table
from syncsvc.routing import records
from syncsvc.routing.plan import Plan, compile_plan
from syncsvc.routing.router import Router
from syncsvc.state.memory import MemoryStore
from tests.routing.tables import APPLICATION, MEETING, USER, change, fields, key, meetings, pipeline

PLAN = compile_plan(meetings())
Sent = list[tuple[str, bytes]]


class Source:
    """One partition of a table's topic, with its router."""

    def __init__(
        self, table: str = APPLICATION, *, end: int = 0, store: MemoryStore | None = None, plan: Plan = PLAN
    ) -> None:
        self.store = store or MemoryStore()
        self.router = Router(plan, table, table, 0, sender=0, end=end, state=self.store)
        self.router.passed(0)
        self.router.outbox.take()
        self._offset = 0

    def put(self, name: bytes, value: bytes | None) -> Sent:
        """What one record makes the router send: `[(kind, address)]`."""
        self.router.fold([Record(self._offset, name, value or b"", 0)])
        self._offset += 1
        sent = [record for batch in self.router.outbox.take().values() for record in batch]
        sent.sort(key=lambda record: record[1][4:16])
        return [(records.KINDS[value[1]], address) for address, value in sent]


PERSON = "shop.person"


def people() -> Pipeline:
    """Persons, whose points the source may let grow beyond what a document can hold."""
    table = Table(PERSON, ("id",), {"id": "int", "name": "varchar(20)", "points": "bigint unsigned"})
    return pipeline(Root(PERSON, ("id",), fields("name", "points")), tables={PERSON: table})


def at_meeting(number: int) -> bytes:
    """Address of a document."""
    return b"\0" + component(number)


def row(meeting: int | None, number: int = 1) -> dict[str, Any]:
    """An application."""
    return {"id": number, "meeting_id": meeting, "user_id": None, "rank": None}


def test_a_row_is_sent_to_the_address_its_columns_say() -> None:
    """An application to its meeting, a user to the relay of users."""
    assert Source().put(key(id=1), change("c", None, row(4), pos=1)) == [("put", at_meeting(4))]

    user = change("c", None, {"id": 9, "name": "Ann"}, pos=1)
    assert Source(USER).put(key(id=9), user) == [("put", b"\1" + component(9))]


def test_a_row_that_moves_leaves_its_old_address_first() -> None:
    """Invariant 2: the removal is sent before the put."""
    source = Source()
    source.put(key(id=1), change("c", None, row(4), pos=1))

    moved = change("u", row(4), row(5), pos=2)
    assert source.put(key(id=1), moved) == [("remove", at_meeting(4)), ("put", at_meeting(5))]


def test_a_row_leaves_the_address_it_was_sent_to_even_when_the_change_does_not_say_it() -> None:
    """Invariant 2: a snapshot row has no `before`; the router's memory knows."""
    source = Source()
    source.put(key(id=1), change("c", None, row(4), pos=1))

    read = change("r", None, row(5), pos=2)
    assert source.put(key(id=1), read) == [("remove", at_meeting(4)), ("put", at_meeting(5))]


def test_a_row_whose_key_columns_become_null_is_nowhere() -> None:
    """NULL joins nothing, and coming back is a put again."""
    source = Source()
    source.put(key(id=1), change("c", None, row(4), pos=1))

    assert source.put(key(id=1), change("u", row(4), row(None), pos=2)) == [("remove", at_meeting(4))]
    assert source.put(key(id=1), change("u", row(None), row(4), pos=3)) == [("put", at_meeting(4))]


def test_a_change_of_a_row_never_seen_goes_by_what_it_says_was_before() -> None:
    """A late start: the removal may find nothing, and does no harm then."""
    moved = change("u", row(4), row(5), pos=2)

    assert Source().put(key(id=1), moved) == [("remove", at_meeting(4)), ("put", at_meeting(5))]


@pytest.mark.parametrize(
    ("first", "second", "sent"),
    [
        pytest.param({"pos": 9}, {"pos": 8}, False, id="an older position is dropped"),
        pytest.param({"pos": 9}, {"pos": 9}, True, id="an equal position is applied"),
        pytest.param({"pos": 9, "file": "bin.000009"}, {"pos": 9, "file": "bin.000008"}, False, id="an older file"),
        pytest.param(
            {"pos": 9}, {"pos": 8, "file": "other.000001"}, True, id="two binlogs do not compare"
        ),
        pytest.param(
            {"pos": 9}, {"pos": 8, "ts_ms": 2_000}, True, id="a binlog that began anew, by its clock"
        ),
    ],
)
def test_a_change_older_than_the_last_one_of_its_row_is_dropped(
    first: dict[str, Any], second: dict[str, Any], sent: bool
) -> None:
    """Invariant 3, and invariant 5: what is dropped is counted."""
    source = Source()
    source.put(key(id=1), change("u", row(4), row(4), **first))
    source.router.take_tally()

    assert bool(source.put(key(id=1), change("u", row(4), row(4), **second))) is sent
    tally = source.router.take_tally()
    assert (tally.applied, tally.skipped) == ((1, {}) if sent else (0, {"stale": 1}))


def test_a_snapshot_row_after_the_streamed_row_of_the_same_place_is_dropped() -> None:
    """The event that closes a snapshot window shares its position with the rows of the window, and wins."""
    source = Source()
    source.put(key(id=1), change("u", row(4), row(5), pos=9))

    assert source.put(key(id=1), change("r", None, row(4), pos=9)) == []
    assert source.put(key(id=1), change("r", None, row(4), pos=10)) == [
        ("remove", at_meeting(5)),
        ("put", at_meeting(4)),
    ]


def test_a_streamed_row_after_the_snapshot_row_of_the_same_place_is_applied() -> None:
    """The usual order of a snapshot and what streams in behind it."""
    source = Source()
    source.put(key(id=1), change("r", None, row(4), pos=9))

    assert source.put(key(id=1), change("u", row(4), row(5), pos=9))[-1] == ("put", at_meeting(5))


def test_a_deleted_row_does_not_come_back_with_a_redelivered_insert() -> None:
    """Invariant 3: the memory of a deleted row stays."""
    source = Source()
    insert, delete = change("c", None, row(4), pos=1), change("d", row(4), None, pos=2)
    source.put(key(id=1), insert)
    assert source.put(key(id=1), delete) == [("remove", at_meeting(4))]
    source.put(key(id=1), None)

    assert source.put(key(id=1), insert) == []


def test_a_tombstone_behind_its_delete_changes_nothing_and_is_counted() -> None:
    """Every delete of Debezium is followed by one."""
    source = Source()
    source.put(key(id=1), change("c", None, row(4), pos=1))
    source.put(key(id=1), change("d", row(4), None, pos=2))
    source.router.take_tally()

    assert source.put(key(id=1), None) == []
    assert source.router.take_tally().skipped == {"tombstone": 1}


def test_a_tombstone_alone_is_a_delete() -> None:
    """A compacted topic may have lost the delete in front of it."""
    source = Source()
    source.put(key(id=1), change("c", None, row(4), pos=1))

    assert source.put(key(id=1), None) == [("remove", at_meeting(4))]
    assert source.put(key(id=1), None) == []


def test_the_tombstone_of_a_redelivered_delete_does_not_take_the_new_row_away() -> None:
    """
    Invariant 3, the story of a row that flickered.

    Inserted, deleted, inserted again; then the connector sent the last three records once more.  The delete was dropped
    as stale, but its tombstone, which has no position, was taken for a delete of the new row: the document lost it
    until the second insert was read again.  Now a tombstone shares the fate of the delete in front of it.
    """
    source = Source()
    delete, again = change("d", row(4), None, pos=2), change("c", None, row(4), pos=3)
    for value in (change("c", None, row(4), pos=1), delete, None, again):
        source.put(key(id=1), value)

    assert [source.put(key(id=1), value) for value in (delete, None)] == [[], []]
    assert source.put(key(id=1), None) == [("remove", at_meeting(4))]  # another one is a delete again


def test_an_unreadable_record_is_kept_raw_and_poisons_the_addresses_of_its_row() -> None:
    """Design D8: nothing newer is shown without it."""
    source = Source()
    source.put(key(id=1), change("c", None, row(4), pos=1))

    assert source.put(key(id=1), b"{}") == [("poison", at_meeting(4))]
    (parked,) = source.router.take_parked()
    assert (parked.place, parked.key, parked.value) == (f"{APPLICATION}[0]@1", key(id=1), b"{}")
    assert parked.code == "change.bad_envelope"
    assert [address for address, _ in parked.targets] == [at_meeting(4)]
    assert source.router.take_tally().parked == 1


def test_an_unreadable_record_of_a_new_row_poisons_where_its_key_alone_says_it_belongs() -> None:
    """A root's address is its key; where an application belongs, only its columns would say."""
    assert Source(MEETING).put(key(id=3), b"{}") == [("poison", at_meeting(3))]
    assert Source(APPLICATION).put(key(id=3), b"{}") == []


def test_a_delete_behind_an_unreadable_record_takes_the_poison_away() -> None:
    """Invariant 2 holds for poison, too: the address it was sent to is remembered."""
    source = Source(MEETING)
    source.put(key(id=3), b"{}")

    gone = change("d", {"id": 3, "title": "x"}, None, pos=2)
    assert source.put(key(id=3), gone) == [("remove", at_meeting(3))]


@pytest.mark.parametrize(
    ("op", "after", "sent"),
    [
        pytest.param("u", {"id": 3, "name": "Ann"}, "put", id="corrected"),
        pytest.param("d", None, "remove", id="deleted"),
    ],
)
def test_a_bad_row_is_made_good_by_the_change_that_corrects_or_deletes_it(op: str, after: Any, sent: str) -> None:
    """That change has the bad row in it, as the one before it: one statement in the source is enough."""
    bad = {"id": 3, "points": 2**64 - 1, "name": "Ann"}
    source = Source(PERSON, plan=compile_plan(people()))
    assert source.put(key(id=3), change("c", None, bad, pos=1)) == [("poison", at_meeting(3))]

    good = None if after is None else after | {"points": 5}
    assert source.put(key(id=3), change(op, bad, good, pos=2)) == [(sent, at_meeting(3))]
    assert source.router.take_healed() == [f"{PERSON}[0]@0"]


@pytest.mark.parametrize("name", [pytest.param(b"", id="no key"), pytest.param(b"{", id="a key that is not JSON")])
@pytest.mark.parametrize("value", [pytest.param(b"{}", id="unreadable"), pytest.param(None, id="tombstone")])
def test_a_record_without_a_readable_key_is_parked_and_poisons_nothing(name: bytes, value: bytes | None) -> None:
    """There is no row to stop; the raw record is kept for a person."""
    source = Source()

    assert source.put(name, value) == []
    (parked,) = source.router.take_parked()
    assert (parked.targets, parked.key) == ((), name)


def test_the_end_mark_is_sent_once_behind_everything_of_the_first_copy() -> None:
    """When the record behind the end is read, or when the end is passed without one; never again after a restart."""
    source = Source(end=2)
    kinds = [[kind for kind, _ in source.put(key(id=n), change("c", None, row(4, n), pos=n))] for n in (1, 2, 3)]
    assert kinds == [["put"], ["put"], ["mark"] * 3 + ["put"]]

    again = Source(end=2, store=source.store)
    again.router.passed(3)
    assert again.router.outbox.take() == {}

    quiet = Source(end=2)
    quiet.router.passed(2)
    assert sum(map(len, quiet.router.outbox.take().values())) == 3


HISTORY = st.lists(st.tuples(st.integers(1, 2), st.none() | st.integers(1, 3), st.sampled_from("cudrx")), max_size=12)


@given(HISTORY, st.sets(st.integers(0, 12)))
@example([(1, 1, "c"), (1, 2, "u"), (1, 3, "u")], {1, 2})
def test_what_is_sent_does_not_depend_on_where_batches_end(history: list[Any], cuts: set[int]) -> None:
    """Invariant 10: the same records, byte for byte, whatever is folded at once and wherever a crash lies between."""
    log = []
    for offset, (number, place, op) in enumerate(history):
        value = {
            "x": b"{}",
            "d": change("d", row(place, number), None, pos=offset),
        }.get(op, change(op, row(1, number), row(place, number), pos=offset))
        log.append(Record(offset, key(id=number), value, 0))

    def sent(ends: list[int]) -> Sent:
        store, found = MemoryStore(), []
        for first, last in pairwise(ends):
            router = Router(PLAN, APPLICATION, APPLICATION, 0, sender=0, end=1 << 40, state=store)
            router.fold(log[first:last])
            found += [(p, record) for p, batch in router.outbox.take().items() for record in batch]
        return sorted(found, key=lambda entry: entry[1][1][4:16])

    whole = len(log)
    assert sent([0, *sorted(cut for cut in cuts if cut < whole), whole]) == sent([0, whole])
