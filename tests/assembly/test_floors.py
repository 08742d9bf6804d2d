"""Rows that go without a record of their own: with their table, or with the row they belonged to, in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from syncsvc.assembly import floors
from syncsvc.assembly.joiner import SKIP_RECORD, barrier, control
from syncsvc.mapping.model import Embed, OrderTerm, Pipeline, Root, Table
from syncsvc.routing import stamp
from tests.assembly.bench import Bench, shown
from tests.routing.tables import APPLICATION, LOOKED_UP, MEETING, USER, change, fields, key, meetings, pipeline

ANSWER = "shop.answer"
BINLOG = "bin.000001"
Row = dict[str, Any]


def write(bench: Bench, table: str, pos: int, *, ts_ms: int = 1_000, file: str = BINLOG, **row: Any) -> None:
    """A row is written at a place of the binlog."""
    bench.route(table, key(id=row["id"]), change("u", None, row, pos=pos, ts_ms=ts_ms, file=file))


def insert(bench: Bench, table: str, pos: int, **row: Any) -> None:
    """A row is inserted, which tells that there was none of its number."""
    bench.route(table, key(id=row["id"]), change("c", None, row, pos=pos, file=BINLOG))


def remove(bench: Bench, table: str, pos: int, *, ts_ms: int = 1_000, **row: Any) -> None:
    """A row is deleted at a place of the binlog."""
    bench.route(table, key(id=row["id"]), change("d", row, None, pos=pos, ts_ms=ts_ms, file=BINLOG))


def truncate(bench: Bench, table: str, pos: int) -> None:
    """A table is emptied at a place of the binlog; the record has no key."""
    bench.route(table, b"", change("t", None, None, pos=pos))


def emptied(bench: Bench, table: str, pos: int, *, ts_ms: int = 1_000, base: str = "bin", number: int = 1) -> None:
    """A barrier that comes from elsewhere: from the sweep after a snapshot, or because the table was dropped."""
    place = number.to_bytes(4, "big") + pos.to_bytes(8, "big") + b"\0\0\0\0\1"
    bench.append(*barrier(bench.plan.tables.index(table), stamp.stamp(base, place, ts_ms)))


def standing(bench: Bench) -> dict[int, Any]:
    """`{_id: document}` of everything there is, in whatever steps it was written."""
    bench.step()
    rows = {address: bench.joiner.renderer.rows_at(address) for address in _addresses(bench)}
    return shown([bench.joiner.renderer.render(address, slots) for address, slots in rows.items()])


def _addresses(bench: Bench) -> list[bytes]:
    """Addresses of documents whose root row is there."""
    return [key[1:-4] for key, _ in bench.store.scan(b"S\0") if key[-4:-2] == b"\0\0"]


def ids(document: Any, name: str = "applications") -> list[int]:
    """The ids of a list of a document."""
    return [row["id"] for row in document[name]]


def test_an_emptied_table_takes_its_rows_out_of_every_document() -> None:
    """A truncate is one record without a key; documents, lists and look-ups are left without the table's rows."""
    bench = Bench()
    write(bench, MEETING, 1, id=1, title="first")
    write(bench, USER, 2, id=7, name="Ann")
    for number in (1, 2):
        write(bench, APPLICATION, 3, id=number, meeting_id=1, user_id=7, rank=None)
    assert standing(bench)[1]["total"] == 2

    truncate(bench, USER, 4)
    assert [row["user"] for row in standing(bench)[1]["applications"]] == [None, None]
    truncate(bench, APPLICATION, 5)
    assert standing(bench)[1] == {"_id": 1, "title": "first", "applications": [], "total": 0}
    truncate(bench, MEETING, 6)
    assert shown(bench.step().documents) == {1: None}
    assert bench.joiner.take_tally().swept == 4


@pytest.mark.parametrize("place", range(5))
def test_the_end_of_a_table_may_be_heard_of_before_or_after_its_rows(place: int) -> None:
    """No order is assumed between two senders (invariant 8): positions decide, with the barrier at any place."""
    bench = Bench()
    write(bench, MEETING, 1, id=1, title="first")
    rows = [(10, 1), (30, 2), (40, 1), (15, 3)]  # place in the binlog, id
    for number, (pos, identity) in enumerate(rows):
        if number == place:
            emptied(bench, APPLICATION, 20)
        write(bench, APPLICATION, pos, id=identity, meeting_id=1, user_id=None, rank=pos)
    if place == len(rows):
        emptied(bench, APPLICATION, 20)

    assert [(row["id"], row["rank"]) for row in standing(bench)[1]["applications"]] == [(1, 40), (2, 30)]
    tally = bench.joiner.take_tally()
    assert tally.barred + tally.swept == (2 if place < 3 else 1)


@pytest.mark.parametrize("first", ["row", "barrier"])
@pytest.mark.parametrize(
    ("written", "stays"),
    [
        ({"pos": 10, "ts_ms": 1_000}, False),
        ({"pos": 10, "ts_ms": 1_999}, False),  # a snapshot's time, and MariaDB's, is the second it is in
        ({"pos": 20, "ts_ms": 1_000}, True),  # read by the snapshot that tells what is gone
        ({"pos": 30, "ts_ms": 1_000}, True),
        ({"pos": 10, "ts_ms": 2_000}, False),  # the statement that emptied the table waited for its lock meanwhile
        ({"pos": 10, "ts_ms": 61_999}, False),
        ({"pos": 10, "ts_ms": 62_000}, True),  # the binlog began anew after it
        ({"pos": 30, "ts_ms": 0}, True),  # a statement that began before it, and waited longer
        ({"pos": 90, "ts_ms": 999, "file": "other.000001"}, False),  # of a server that was replaced
        ({"pos": 10, "ts_ms": 1_999, "file": "other.000001"}, True),
        ({"pos": 10, "ts_ms": 2_000, "file": "other.000001"}, True),
        ({"pos": 90, "ts_ms": 1_000, "file": "bin.000000"}, False),
        ({"pos": 10, "ts_ms": 1_000, "file": "bin.000002"}, True),
    ],
)  # fmt: skip
def test_what_is_older_than_the_end_of_its_table(written: Row, stays: bool, first: str) -> None:
    """Positions of one binlog compare, whatever their statements waited for; of two the clock decides, in seconds."""
    bench = Bench()
    write(bench, MEETING, 1, id=1, title="first")
    steps: list[Callable[[], None]] = [
        partial(write, bench, APPLICATION, id=1, meeting_id=1, user_id=None, rank=None, **written),
        partial(emptied, bench, APPLICATION, 20),
    ]
    for step in steps if first == "row" else reversed(steps):
        step()

    assert bool(standing(bench)[1]["applications"]) is stays


def test_the_highest_end_of_a_table_holds() -> None:
    """An older barrier that comes late lowers nothing, whichever binlog it is of."""
    bench = Bench()
    write(bench, MEETING, 1, id=1, title="first")
    emptied(bench, APPLICATION, 50, ts_ms=5_000)
    emptied(bench, APPLICATION, 20)
    emptied(bench, APPLICATION, 90, ts_ms=1_000, base="other")
    emptied(bench, APPLICATION, 25, ts_ms=30_000)
    write(bench, APPLICATION, 30, id=1, meeting_id=1, user_id=None, rank=None)

    assert standing(bench)[1]["applications"] == []


def test_an_end_outlives_a_restart() -> None:
    """It is state: rows that come after a crash are still measured by it."""
    bench = Bench()
    write(bench, MEETING, 1, id=1, title="first")
    emptied(bench, APPLICATION, 20)
    bench.step()
    bench.crash()
    write(bench, APPLICATION, 10, id=1, meeting_id=1, user_id=None, rank=None)

    assert standing(bench)[1]["applications"] == []


@pytest.mark.parametrize("crash_after", [None, 0, 1, 2, 3])
def test_a_large_table_is_swept_in_steps_that_show_no_half_of_it(
    crash_after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some rows a record, whole addresses only, also one of more rows than that; a crash between two loses none."""
    monkeypatch.setattr(floors, "SWEEP_ROWS", 4)
    bench, sizes = Bench(), {1: 2, 2: 9, 3: 1, 4: 3, 5: 0, 6: 5}
    number = 0
    for meeting, size in sizes.items():
        write(bench, MEETING, 1, id=meeting, title="m")
        for _ in range(size):
            number += 1
            write(bench, APPLICATION, 2, id=number, meeting_id=meeting, user_id=None, rank=None)
    before = {meeting: len(document["applications"]) for meeting, document in standing(bench).items()}
    assert before == sizes

    truncate(bench, APPLICATION, 3)
    records = 0
    while bench.read < len(bench.log):
        assert len(bench.log) - bench.read == 1, "one record at a time"
        bench.fold()
        for meeting, document in shown(bench.joiner.agenda.take(0).documents).items():
            assert document is not None
            assert (document["applications"], document["total"]) == ([], 0), f"half of {meeting}"
        if records == crash_after:
            bench.crash()
        records += 1

    assert records >= 5
    assert all(document["applications"] == [] for document in standing(bench).values())


def test_rows_written_behind_the_end_while_it_is_being_swept_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """In front of the cursor and behind it: the sweep judges each row by its own place."""
    monkeypatch.setattr(floors, "SWEEP_ROWS", 2)
    bench = Bench()
    for meeting in range(1, 5):
        write(bench, MEETING, 1, id=meeting, title="m")
        write(bench, APPLICATION, 2, id=meeting, meeting_id=meeting, user_id=None, rank=None)
    bench.step()
    truncate(bench, APPLICATION, 3)
    bench.fold()
    for meeting in (1, 4):
        write(bench, APPLICATION, 4, id=meeting, meeting_id=meeting, user_id=None, rank=4)
        write(bench, APPLICATION, 2, id=10 + meeting, meeting_id=meeting, user_id=None, rank=None)

    assert {meeting: ids(document) for meeting, document in standing(bench).items()} == {1: [1], 2: [], 3: [], 4: [4]}


def cascading(*, user: bool = False) -> Pipeline:
    """Meetings, their applications and the answers to those, each deleted with what they belong to; or their user."""
    tables = {
        MEETING: Table(MEETING, ("id",), {"id": "int", "title": "varchar(9)"}),
        APPLICATION: Table(APPLICATION, ("id",), {"id": "int", "meeting_id": "int null", "user_id": "int null"}),
        ANSWER: Table(ANSWER, ("id",), {"id": "int", "application_id": "int"}),
        USER: Table(USER, ("id",), {"id": "int", "name": "varchar(20)"}),
    }
    order = (OrderTerm("id"),)
    answers = Embed(
        "answers", "many", ANSWER, ("application_id",), ("id",), ("id",), order, fields("id"),
        on_parent_delete="cascade",
    )  # fmt: skip
    below = replace(LOOKED_UP, on_parent_delete="cascade") if user else answers
    tables.pop(ANSWER if user else USER)
    many = Embed(
        "applications", "many", APPLICATION, ("meeting_id",), ("id",), ("id",), order, fields("id"), (below,),
        on_parent_delete="orphan" if user else "cascade",
    )  # fmt: skip
    return pipeline(Root(MEETING, ("id",), fields("title")), many, tables=tables, partitions=1)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_rows_go_with_their_parent_and_theirs_with_them(order: tuple[int, ...]) -> None:
    """
    Meeting 1 is deleted and inserted again; the source logs nothing of its applications and their answers.  Whichever
    table is heard of first, those from before are gone and those from after are there.
    """
    bench = Bench(cascading())
    meeting: list[Callable[[], None]] = [
        partial(insert, bench, MEETING, 1, id=1, title="first"),
        partial(remove, bench, MEETING, 20, id=1, title="first"),
        partial(insert, bench, MEETING, 30, id=1, title="again"),
    ]
    application: list[Callable[[], None]] = [
        partial(insert, bench, APPLICATION, 2, id=1, meeting_id=1, user_id=None),
        partial(insert, bench, APPLICATION, 31, id=2, meeting_id=1, user_id=None),
    ]
    answer: list[Callable[[], None]] = [
        partial(insert, bench, ANSWER, 3, id=1, application_id=1),
        partial(insert, bench, ANSWER, 32, id=2, application_id=2),
    ]
    for number in order:
        for step in (meeting, application, answer)[number]:
            step()

    assert standing(bench) == {1: {"_id": 1, "title": "again", "applications": [{"id": 2, "answers": [{"id": 2}]}]}}

    # Application 1 comes back under its old number: the answer that went with it does not.
    insert(bench, APPLICATION, 40, id=1, meeting_id=1, user_id=None)
    assert standing(bench)[1]["applications"] == [{"id": 1, "answers": []}, {"id": 2, "answers": [{"id": 2}]}]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_rows_written_while_the_delete_of_their_parent_waited_go_with_it(order: tuple[int, ...]) -> None:
    """
    A server that logs when a statement began gives the delete, which waited for locks of its children, an older time
    than theirs; so it does with the insert of a parent that went unlogged.  In one binlog the position decides.
    """
    bench = Bench(cascading())
    meeting: list[Callable[[], None]] = [
        partial(write, bench, MEETING, 1, id=1, title="first", ts_ms=1_000),
        partial(remove, bench, MEETING, 20, id=1, title="first", ts_ms=5_000),
        partial(write, bench, MEETING, 30, id=1, title="again", ts_ms=50_000),
    ]
    application: list[Callable[[], None]] = [
        partial(write, bench, APPLICATION, 10, id=1, meeting_id=1, user_id=None, ts_ms=40_000),
        partial(write, bench, APPLICATION, 31, id=2, meeting_id=1, user_id=None, ts_ms=2_000),
    ]
    for number in order:
        for step in (meeting, application)[number]:
            step()

    assert [row["id"] for row in standing(bench)[1]["applications"]] == [2]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_row_goes_with_what_it_refers_to_however_far_that_is(order: tuple[int, ...]) -> None:
    """
    An application is deleted with its user and that with the user's sponsor; the source logs the sponsor's end alone.
    Nothing of them is shown, also when the sponsor is inserted again.
    """
    sponsor = replace(LOOKED_UP, name="sponsor", on=("sponsor_id",), table=ANSWER, on_parent_delete="cascade")
    user = replace(LOOKED_UP, on_parent_delete="cascade", embed=(sponsor,))
    declared = cascading(user=True)
    many = replace(declared.embed[0], embed=(user,))
    people = {"id": "int", "name": "varchar(20)", "sponsor_id": "int null"}
    tables = {**declared.tables, USER: Table(USER, ("id",), people), ANSWER: Table(ANSWER, ("id",), dict(people))}
    bench = Bench(replace(declared, embed=(many,), tables=tables))
    write(bench, MEETING, 1, id=1, title="first")
    rows: list[list[Callable[[], None]]] = [
        [
            partial(insert, bench, ANSWER, 2, id=9, name="Cy", sponsor_id=None),
            partial(remove, bench, ANSWER, 20, id=9, name="Cy", sponsor_id=None),
        ],
        [partial(insert, bench, USER, 3, id=7, name="Ann", sponsor_id=9)],
        [partial(insert, bench, APPLICATION, 4, id=1, meeting_id=1, user_id=7)],
    ]
    for number in order:
        for step in rows[number]:
            step()

    assert standing(bench)[1]["applications"] == []
    insert(bench, ANSWER, 30, id=9, name="Di", sponsor_id=None)
    assert standing(bench)[1]["applications"] == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_row_inserted_again_before_its_end_is_heard_of_has_none_of_its_former_children(
    order: tuple[int, ...],
) -> None:
    """
    Application 1 went with its meeting and is inserted again under its number; nothing tells that its answer did not
    come back, but that the row which was there is inserted.
    """
    bench = Bench(cascading())
    meeting: list[Callable[[], None]] = [
        partial(insert, bench, MEETING, 1, id=1, title="first"),
        partial(remove, bench, MEETING, 20, id=1, title="first"),
        partial(insert, bench, MEETING, 30, id=1, title="again"),
    ]
    application: list[Callable[[], None]] = [
        partial(insert, bench, APPLICATION, 2, id=1, meeting_id=1, user_id=None),
        partial(insert, bench, APPLICATION, 31, id=1, meeting_id=1, user_id=None),
        partial(insert, bench, APPLICATION, 31, id=1, meeting_id=1, user_id=None),  # redelivered
    ]
    answer: list[Callable[[], None]] = [
        partial(insert, bench, ANSWER, 3, id=1, application_id=1),
        partial(insert, bench, ANSWER, 32, id=2, application_id=1),
    ]
    for number in order:
        for step in (meeting, application, answer)[number]:
            step()

    assert standing(bench)[1]["applications"] == [{"id": 1, "answers": [{"id": 2}]}]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_children_that_are_loaded_before_their_parents_are_there(order: tuple[int, ...]) -> None:
    """A dump is read back without the foreign keys being checked, its tables in the order of their names."""
    bench = Bench(cascading())
    application: list[Callable[[], None]] = [
        partial(insert, bench, APPLICATION, 2, id=1, meeting_id=1, user_id=None),
        partial(insert, bench, ANSWER, 1, id=1, application_id=1),
    ]
    meeting: list[Callable[[], None]] = [partial(insert, bench, MEETING, 3, id=1, title="first")]
    for number in order:
        for step in (application, meeting)[number]:
            step()

    assert standing(bench)[1]["applications"] == [{"id": 1, "answers": [{"id": 1}]}]


def test_a_row_that_moved_away_in_time_does_not_go_with_its_former_parent() -> None:
    """It was written before the deletion, but belongs to another by then."""
    bench = Bench(cascading())
    for number in (1, 2):
        insert(bench, MEETING, number, id=number, title="m")
    insert(bench, APPLICATION, 3, id=1, meeting_id=1, user_id=None)
    insert(bench, ANSWER, 4, id=1, application_id=1)
    write(bench, APPLICATION, 5, id=1, meeting_id=2, user_id=None)
    remove(bench, MEETING, 6, id=1, title="m")

    assert standing(bench) == {2: {"_id": 2, "title": "m", "applications": [{"id": 1, "answers": [{"id": 1}]}]}}
    assert bench.joiner.take_tally().doomed == 0


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_rows_go_with_the_one_they_refer_to(order: tuple[int, ...]) -> None:
    """User 7 is deleted and inserted again: applications of before are gone, those of after show the new one."""
    bench = Bench(cascading(user=True))
    insert(bench, MEETING, 1, id=1, title="m")
    user: list[Callable[[], None]] = [
        partial(insert, bench, USER, 2, id=7, name="Ann"),
        partial(remove, bench, USER, 20, id=7, name="Ann"),
        partial(insert, bench, USER, 30, id=7, name="Bob"),
    ]
    application: list[Callable[[], None]] = [
        partial(insert, bench, APPLICATION, 3, id=1, meeting_id=1, user_id=7),
        partial(insert, bench, APPLICATION, 4, id=2, meeting_id=1, user_id=None),
        partial(insert, bench, APPLICATION, 31, id=3, meeting_id=1, user_id=7),
    ]
    for number in order:
        for step in (user, application)[number]:
            step()

    assert standing(bench)[1]["applications"] == [
        {"id": 2, "user": None}, {"id": 3, "user": {"id": 7, "name": "Bob"}}
    ]  # fmt: skip


@pytest.mark.parametrize("crashed", [False, True])
def test_who_looks_a_deleted_row_up_later_hears_of_its_end(crashed: bool) -> None:
    """Nobody referred to the user when it was deleted; a row of before, routed behind it, is gone all the same."""
    bench = Bench(cascading(user=True))
    insert(bench, MEETING, 1, id=1, title="m")
    insert(bench, USER, 2, id=7, name="Ann")
    remove(bench, USER, 20, id=7, name="Ann")
    assert ids(standing(bench)[1]) == []
    if crashed:
        bench.crash()
    insert(bench, APPLICATION, 3, id=1, meeting_id=1, user_id=7)
    assert ids(standing(bench)[1]) == []

    insert(bench, USER, 21, id=7, name="Bob")
    assert ids(standing(bench)[1]) == []
    insert(bench, APPLICATION, 22, id=1, meeting_id=1, user_id=7)
    assert standing(bench)[1]["applications"] == [{"id": 1, "user": {"id": 7, "name": "Bob"}}]


def test_without_a_cascade_a_row_outlives_what_it_refers_to() -> None:
    """`orphan`, the default: the source has the last word about its rows."""
    bench = Bench(meetings(partitions=1))
    write(bench, MEETING, 1, id=1, title="m")
    write(bench, USER, 2, id=7, name="Ann")
    write(bench, APPLICATION, 3, id=1, meeting_id=1, user_id=7, rank=None)
    remove(bench, USER, 4, id=7, name="Ann")
    assert standing(bench)[1]["applications"] == [{"id": 1, "rank": None, "user": None}]

    remove(bench, MEETING, 5, id=1, title="m")
    write(bench, MEETING, 6, id=1, title="again")
    assert ids(standing(bench)[1]) == [1]


def test_a_row_that_is_skipped_does_not_come_back_from_a_table_that_was_emptied_since() -> None:
    """Its last good form is older than the end of its table: the document is as the join is, without it."""
    bench = Bench()
    write(bench, MEETING, 1, id=1, title="first")
    write(bench, APPLICATION, 2, id=5, meeting_id=1, user_id=None, rank=None)
    bench.step()
    bench.route(APPLICATION, key(id=5), b"{broken")
    bench.step()
    (parked,) = bench.take_parked(APPLICATION)
    truncate(bench, APPLICATION, 30)
    bench.step()

    for address, payload in parked.targets:
        bench.append(*control(SKIP_RECORD, address, 0, payload))

    assert standing(bench)[1]["applications"] == []


def test_a_row_that_cannot_be_read_does_not_go_with_a_former_parent() -> None:
    """
    It may be of the parent's new life, whose record is heard of later: until it is made good its document waits for it,
    and the entry of the parked record stays.
    """
    bench = Bench(cascading())
    insert(bench, MEETING, 10, id=1, title="first")
    insert(bench, APPLICATION, 20, id=5, meeting_id=1, user_id=None)
    bench.step()
    bench.route(APPLICATION, key(id=5), b"{broken")  # place 50
    bench.step()

    remove(bench, MEETING, 30, id=1, title="first")
    insert(bench, MEETING, 40, id=1, title="again")
    due = bench.step()
    assert (due.documents, due.released, bench.joiner.take_healed()) == ([], [], [])

    write(bench, APPLICATION, 60, id=5, meeting_id=1, user_id=None)
    assert standing(bench)[1]["applications"] == [{"id": 5, "answers": []}]
