"""What a step writes: walks over many holders, the first copy in key order, and nothing forgotten."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from syncsvc.assembly import due, first_copy, walks
from syncsvc.assembly.due import WALK_DOCUMENTS, Due
from syncsvc.assembly.layout import PENDING
from syncsvc.assembly.rounds import Rounds
from syncsvc.routing.records import Outbox
from syncsvc.state.memory import MemoryStore
from tests.assembly.bench import Bench, document, shown
from tests.routing.tables import APPLICATION, MEETING, USER, change, key

HOLDERS = WALK_DOCUMENTS * 2 + 50
LONG = WALK_DOCUMENTS * (walks.SHARE + 2)  # until a walk takes its largest steps
PAUSE_MS = 95  # of the large document of these tests


def popular(holders: int = HOLDERS, users: Sequence[int] = (7,)) -> Bench:
    """More meetings than one walk's step takes, each with an application of every user; all written."""
    bench = Bench()
    for user in users:
        bench.put(USER, id=user, name="Ann")
    for number in range(holders):
        bench.put(MEETING, id=number, title="t")
        for at, user in enumerate(users, number * len(users)):
            bench.put(APPLICATION, id=at, meeting_id=number, user_id=user, rank=None)
    bench.step()
    while bench.joiner.agenda.busy:
        bench.step()
    return bench


def names(found: Due) -> dict[int, str]:
    """`{meeting: name of its user}`."""
    return {number: body["applications"][0]["user"]["name"] for number, body in shown(found.documents).items() if body}


@pytest.mark.parametrize(
    ("crashes", "most"),
    [
        pytest.param(False, WALK_DOCUMENTS, id="in one process"),
        pytest.param(True, walks.LEAST, id="a crash a step: each owner begins small"),
    ],
)
def test_a_change_of_a_hot_row_is_walked_a_bounded_number_of_documents_a_step(crashes: bool, most: int) -> None:
    """A user with a million applications neither blocks the partition nor is forgotten half-way."""
    bench, written, sizes = popular(LONG), {}, []
    bench.put(USER, id=7, name="Anna")
    bench.settle()
    while bench.joiner.agenda.busy:
        if crashes:
            bench.crash()
        found = names(bench.step())
        sizes.append(len(found))
        assert not set(found) & set(written)
        written |= found

    assert written == dict.fromkeys(range(LONG), "Anna")
    assert max(sizes) == most


def test_a_walk_takes_the_larger_steps_the_longer_it_goes_on() -> None:
    """One over hundreds of documents delays no change of others by much; one over a hundred thousand takes seconds."""
    bench = popular(LONG)
    for name in ("Anna", "Annie"):
        bench.put(USER, id=7, name=name)
        bench.settle()
        sizes = []
        while bench.joiner.agenda.busy:
            sizes.append(len(bench.step().documents))

        assert sizes[0] == walks.LEAST
        assert sizes[:-1] == sorted(sizes[:-1])
        assert max(sizes) == WALK_DOCUMENTS
        assert all(size <= max(walks.LEAST, sum(sizes[:at]) // walks.SHARE) for at, size in enumerate(sizes))


def test_a_hot_row_that_changes_during_its_walk_is_walked_again() -> None:
    """Documents already passed get the second change, too."""
    bench, written = popular(), {}
    for name in ("Anna", "Annie"):
        bench.put(USER, id=7, name=name)
        written |= names(bench.step())
    while bench.joiner.agenda.busy:
        written |= names(bench.step())

    assert written == dict.fromkeys(range(HOLDERS), "Annie")


def test_changes_of_other_documents_are_written_while_a_walk_is_under_way() -> None:
    """Fairness: a walk takes its share of a step and no more."""
    bench = popular()
    bench.put(USER, id=7, name="Anna")
    bench.step()
    bench.put(MEETING, id=HOLDERS - 1, title="new")
    found = shown(bench.step().documents)[HOLDERS - 1]

    assert found is not None
    assert found["title"] == "new"


def test_a_document_of_many_changed_rows_is_written_once() -> None:
    """After an outage everything that is looked up may have changed: documents are not written once for each of it."""
    bench, meetings = Bench(), 20
    for user in range(walks.MANY):
        bench.put(USER, id=user, name="Ann")
    for number in range(meetings):
        bench.put(MEETING, id=number, title="t")
        for user in range(walks.MANY):
            bench.put(APPLICATION, id=number * walks.MANY + user, meeting_id=number, user_id=user, rank=None)
    bench.step()
    for user in range(walks.MANY):
        bench.put(USER, id=user, name="Anna")
    bench.settle()

    found = shown(bench.step().documents)

    assert not bench.joiner.agenda.busy
    assert len(found) == meetings
    for body in found.values():
        assert body is not None
        assert {row["user"]["name"] for row in body["applications"]} == {"Anna"}


def walked(bench: Bench) -> tuple[int, dict[int, str]]:
    """Goes on until nothing is due: documents written, and the names in what each showed last."""
    count, last = 0, {}
    while bench.joiner.agenda.busy:
        for number, body in shown(bench.step().documents).items():
            assert body is not None
            count += 1
            last[number] = ", ".join(row["user"]["name"] for row in body["applications"])
    return count, last


def test_a_document_that_shows_a_change_already_is_not_written_again_for_it() -> None:
    """Several hot rows of the same documents: their walks cost as many writes as one, not as many as there are rows."""
    bench = popular(users=(7, 8))
    bench.put(USER, id=7, name="Anna")
    bench.put(USER, id=8, name="Anna")
    bench.settle()

    assert walked(bench) == (HOLDERS, dict.fromkeys(range(HOLDERS), "Anna, Anna"))


def test_a_document_that_was_written_before_the_change_is_written_again() -> None:
    """Also by the step right before it."""
    bench = popular(users=(7, 8))
    bench.put(USER, id=7, name="Anna")
    early = names(bench.step())
    bench.put(USER, id=8, name="Anna")
    bench.settle()
    count, last = walked(bench)

    assert len(early) == walks.LEAST
    assert (count, last) == (HOLDERS, dict.fromkeys(range(HOLDERS), "Anna, Anna"))


@pytest.mark.parametrize("seed", range(150))
def test_walks_that_cross_changes_leave_every_document_as_the_join(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes between the steps of several walks, also over a crash: nothing that was passed by is missed."""
    rng = random.Random(seed)
    monkeypatch.setattr(due, "WALK_DOCUMENTS", rng.choice((1, 2)))
    monkeypatch.setattr(walks, "MANY", 1 << 10)
    bench, written = Bench(), {}
    users = dict.fromkeys(range(3), "0")
    titles, held = dict.fromkeys(range(6), "0"), {(number, user): user for number in range(6) for user in range(3)}

    def apply(number: int, user: int) -> None:
        bench.put(APPLICATION, id=number * 3 + user, meeting_id=number, user_id=held[number, user], rank=None)

    def step() -> None:
        if rng.random() < 0.1:
            bench.crash()
        written.update(shown(bench.step().documents))

    for user, name in users.items():
        bench.put(USER, id=user, name=name)
    for number, title in titles.items():
        bench.put(MEETING, id=number, title=title)
    for number, user in held:
        apply(number, user)
    for at in range(40):
        kind, number, user = rng.random(), rng.randrange(6), rng.randrange(3)
        if kind < 0.4:
            users[user] = str(at)
            bench.put(USER, id=user, name=users[user])
        elif kind < 0.5:
            titles[number] = str(at)
            bench.put(MEETING, id=number, title=titles[number])
        elif kind < 0.6:
            held[number, user] = rng.randrange(3)
            apply(number, user)
        else:
            step()
    while bench.joiner.agenda.busy or bench.read < len(bench.log):
        step()

    for number, title in titles.items():
        body = written[number]
        assert body is not None
        assert body["title"] == title
        names = [row["user"]["name"] for row in body["applications"]]
        assert names == [users[held[number, user]] for user in range(3)]


def test_what_documents_show_is_remembered_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forgotten is written once more, and right."""
    monkeypatch.setattr(walks, "SHOWN", walks.LEAST - 1)
    bench = popular(users=(7, 8))
    bench.put(USER, id=7, name="Anna")
    bench.put(USER, id=8, name="Anna")
    bench.settle()
    count, last = walked(bench)

    assert count > HOLDERS
    assert last == dict.fromkeys(range(HOLDERS), "Anna, Anna")


def test_what_documents_show_is_forgotten_when_all_walks_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the memory is free for the next ones, and none is held while nothing is walked."""
    monkeypatch.setattr(walks, "SHOWN", HOLDERS)
    bench = popular(users=(7, 8))
    for name in ("Anna", "Annie"):
        bench.put(USER, id=7, name=name)
        bench.put(USER, id=8, name=name)
        bench.settle()

        assert walked(bench) == (HOLDERS, dict.fromkeys(range(HOLDERS), f"{name}, {name}"))


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Meeting 1 with twenty applications, which here makes it large, and meeting 2 with none; written at 1,000 ms."""
    monkeypatch.setattr(due, "LARGE_BYTES", 1000)
    bench = Bench()
    bench.put(USER, id=7, name="Ann")
    for number in (1, 2):
        bench.put(MEETING, id=number, title="t")
    for number in range(20):
        bench.put(APPLICATION, id=number, meeting_id=1, user_id=7, rank=None)
    found = bench.step(1000).documents
    sizes = [len(rendered.elements or b"") + 64 for rendered in found]
    assert sizes[0] > 1000 > sizes[1]
    monkeypatch.setattr(due, "LARGE_MS", (PAUSE_MS << 20) // sizes[0] + 1)
    bench.put(MEETING, id=1, title="large")
    bench.step(1000)
    return bench


def test_a_large_document_leaves_the_others_their_time(crowded: Bench) -> None:
    """
    A meeting of ten thousand applications with a thousand changes a second is written about once a second.

    Its changes come together in one write; another's change is written in the meantime, at once.
    """
    times = [1000]
    for ms in range(1010, 2000, 10):
        crowded.put(MEETING, id=1, title=f"at {ms}")
        crowded.put(MEETING, id=2, title=f"at {ms}")
        found = shown(crowded.step(ms).documents)
        times += [ms for number in found if number == 1]
        assert (found[2] or {})["title"] == f"at {ms}"

    pauses = {later - earlier for earlier, later in pairwise(times)}
    assert pauses == {100}  # 95, and steps of 10 ms


def test_a_large_document_shows_its_last_change_without_another(crowded: Bench) -> None:
    """It is due by itself when its pause is over."""
    crowded.put(MEETING, id=1, title="last")
    assert not crowded.step(1010).documents
    at = crowded.joiner.agenda.next_due()
    assert at is not None
    assert not crowded.joiner.agenda.take(at - 1).documents

    found = shown(crowded.joiner.agenda.take(at).documents)[1]

    assert found is not None
    assert found["title"] == "last"
    assert crowded.joiner.agenda.next_due() is None


def test_a_large_document_that_waits_is_not_forgotten_by_a_crash(crowded: Bench) -> None:
    """The next owner writes it at once."""
    crowded.put(MEETING, id=1, title="last")
    assert not crowded.step(1010).documents
    crowded.crash()

    found = shown(crowded.step(1020).documents)[1]

    assert found is not None
    assert found["title"] == "last"


def test_a_change_that_waits_counts_as_not_shown_from_the_oldest_on(crowded: Bench) -> None:
    """Lag tells how old the oldest change is that nobody sees yet (invariant 9)."""
    agenda = crowded.joiner.agenda
    agenda.touch(document(1), 700)
    crowded.step(1010)
    oldest = agenda.oldest_waiting()
    agenda.touch(document(1), 900)
    crowded.step(1020)

    assert oldest == 700
    assert agenda.oldest_waiting() == oldest


def test_a_large_document_waits_for_its_time_also_when_there_was_no_room(
    crowded: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backlog does not make it take the time of the others."""
    monkeypatch.setattr(due, "STEP_BYTES", 64)
    crowded.put(MEETING, id=2, title="fills the step")
    crowded.put(MEETING, id=1, title="large again")
    written = {ms: list(shown(crowded.step(ms).documents)) for ms in range(1010, 1110, 10)}

    assert {ms: numbers for ms, numbers in written.items() if numbers} == {1010: [2], 1100: [1]}


def test_a_large_document_that_changes_all_the_time_waits_for_an_answer_only_once(crowded: Bench) -> None:
    """Changes while it waits do not put off the time at which it is shown without the answer."""
    crowded.put(APPLICATION, id=100, meeting_id=1, user_id=8, rank=None)
    crowded.fold()  # asks for user 8; the answer stays away
    written = []
    for ms in range(1010, 1400, 10):
        crowded.joiner.agenda.touch(document(1), ms)
        written += [ms for _ in crowded.joiner.agenda.take(ms).documents]

    assert written[0] == 1100 + due.HOLD_MS


def test_a_large_document_that_is_deleted_goes_at_once(crowded: Bench) -> None:
    """A delete costs nothing, so it does not wait."""
    crowded.put(MEETING, id=1, title="last")
    crowded.step(1010)
    crowded.delete(MEETING, id=1, title="last")

    assert shown(crowded.step(1020).documents) == {1: None}
    assert crowded.joiner.agenda.next_due() is None


def copied(documents: int) -> Bench:
    """A first copy of so many meetings, whose applications came before them; the last end mark is still to come."""
    bench = Bench(first_copy={MEETING: documents, APPLICATION: documents, USER: 2})
    for number in reversed(range(documents)):
        row = {"id": number, "meeting_id": number, "user_id": 7, "rank": None}
        bench.route(APPLICATION, key(id=number), change("r", None, row, pos=1))
    for number in range(documents):
        bench.route(MEETING, key(id=number), change("r", None, {"id": number, "title": "t"}, pos=1))
    bench.route(USER, key(id=7), change("r", None, {"id": 7, "name": "Ann"}, pos=1))
    return bench


def finish(bench: Bench) -> None:
    """The last record of the first copy."""
    bench.route(USER, key(id=8), change("r", None, {"id": 8, "name": "Eve"}, pos=1))
    bench.settle()


def test_nothing_is_written_before_all_end_marks_are_there() -> None:
    """Whatever has arrived: a half-joined document is never shown."""
    bench = copied(3)
    found = bench.step()

    assert (found.documents, found.fresh) == ([], [])
    assert bench.joiner.agenda.copy.gathering
    assert not bench.joiner.agenda.busy


def test_the_first_copy_waits_for_the_answers_it_has_asked_for() -> None:
    """Rows are there after one round of marks, the users of applications only two rounds later."""
    bench = copied(3)
    bench.route(USER, key(id=8), change("r", None, {"id": 8, "name": "Eve"}, pos=1))
    written = {}
    while bench.read < len(bench.log):
        bench.fold()
        written |= names(Due(bench.joiner.agenda.take(0).fresh))

    assert written == dict.fromkeys(range(3), "Ann")


@pytest.mark.parametrize("crashes", [pytest.param(False, id="in one process"), pytest.param(True, id="a crash a step")])
def test_the_first_copy_writes_every_document_once_in_key_order(monkeypatch: pytest.MonkeyPatch, crashes: bool) -> None:
    """With its joins, in steps of bounded size; a new owner goes on where the last one stood."""
    monkeypatch.setattr(due, "STEP_BYTES", 2_000)
    monkeypatch.setattr(first_copy, "COPY_ROWS", 16)
    bench, written = copied(100), []
    finish(bench)
    while bench.joiner.agenda.busy:
        if crashes:
            bench.crash()
        found = bench.joiner.agenda.take(0)
        assert found.documents == []
        assert 0 < len(found.fresh) < 20
        for number, body in shown(found.fresh).items():
            assert body is not None
            assert body["applications"] == [{"id": number, "rank": None, "user": {"id": 7, "name": "Ann"}}]
            written.append(number)

    assert written == list(range(100))
    assert bench.joiner.agenda.copy.ended


def test_changes_during_the_first_copy_are_in_it_or_written_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document the copy has passed is written again; one it has not reached is written once."""
    monkeypatch.setattr(due, "STEP_BYTES", 2_000)
    bench = copied(100)
    finish(bench)
    passed = shown(bench.joiner.agenda.take(0).fresh)
    bench.put(MEETING, id=0, title="new")
    bench.put(MEETING, id=99, title="new")
    bench.put(USER, id=7, name="Anna")
    again, rest = {}, {}
    while bench.joiner.agenda.busy:
        found = bench.step()
        again |= shown(found.documents)
        rest |= shown(found.fresh)

    assert set(again) == set(passed)
    assert set(rest) == set(range(100)) - set(passed)
    for number in (0, 99):
        body = (again | rest)[number]
        assert body is not None
        assert (body["title"], body["applications"][0]["user"]["name"]) == ("new", "Anna")


def test_a_meeting_of_more_rows_than_are_read_at_once_is_copied_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is never cut at the end of a read."""
    monkeypatch.setattr(first_copy, "COPY_ROWS", 8)
    bench = Bench(first_copy={MEETING: 2, APPLICATION: 30, USER: 0})
    for number in range(30):
        row = {"id": number, "meeting_id": 1, "user_id": None, "rank": None}
        bench.route(APPLICATION, key(id=number), change("r", None, row, pos=1))
    for number in (1, 2):
        bench.route(MEETING, key(id=number), change("r", None, {"id": number, "title": "t"}, pos=1))
    bench.settle()
    written = {number: body and body["total"] for number, body in shown(bench.joiner.agenda.take(0).fresh).items()}

    assert written == {1: 30, 2: 0}


def test_a_row_that_cannot_be_decoded_parks_its_document_in_the_first_copy() -> None:
    """The others are copied; it is written when it heals."""
    bench = copied(3)
    bench.route(MEETING, key(id=1), b"{}")
    finish(bench)
    found = bench.joiner.agenda.take(0)
    assert list(shown(found.fresh)) == [0, 2]
    assert [rendered.address for rendered in found.parked] == [document(1)]

    bench.put(MEETING, id=1, title="good")
    assert list(shown(bench.step().documents)) == [1]


def test_what_does_not_fit_into_a_step_is_written_by_the_next_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction has a bounded size, and the rest is state."""
    monkeypatch.setattr(due, "STEP_BYTES", 500)
    bench = Bench()
    for number in range(30):
        bench.put(MEETING, id=number, title="t")
    written = list(shown(bench.step(0).documents))
    assert 0 < len(written) < 30
    while bench.joiner.agenda.next_due() is not None:
        bench.crash()
        written += shown(bench.step(1).documents)

    assert sorted(written) == list(range(30))


def test_what_has_waited_is_written_before_what_changed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog that never fits into one step delays every document about alike: none waits for the newer ones."""
    monkeypatch.setattr(due, "STEP_BYTES", 500)
    bench, written = Bench(), []
    for number in range(10):
        bench.put(MEETING, id=number, title="t")
    for ms in range(30):
        written += [number for number in shown(bench.step(ms).documents) if number < 10]
        for number in range(5):
            bench.put(MEETING, id=100 + ms * 5 + number, title="newer")

    assert written == list(range(10))


def test_what_waits_for_room_costs_nothing_until_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand documents that wait are not written into the state again with every step."""
    monkeypatch.setattr(due, "STEP_BYTES", 500)
    bench = Bench()
    for number in range(30):
        bench.put(MEETING, id=number, title="t")
    first = len(bench.step(0).documents)
    kept = [key for key, _ in bench.store.scan(PENDING)]
    changed: list[bytes] = []
    monkeypatch.setattr(bench.store, "put", lambda key, value: changed.append(key))
    bench.joiner.agenda.take(1)

    assert len(kept) == 30 - first
    assert not [key for key in changed if key.startswith(PENDING)]


def test_a_deleted_document_that_did_not_fit_into_a_step_is_still_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `_id` is kept with it, since the row that told it is gone."""
    bench = Bench()
    for number in range(5):
        bench.put(MEETING, id=number, title="t")
    bench.step()
    monkeypatch.setattr(due, "STEP_BYTES", 64)
    for number in range(5):
        bench.delete(MEETING, id=number, title="t")
    gone = shown(bench.step(0).documents)
    while bench.joiner.agenda.next_due() is not None:
        bench.crash()
        gone |= shown(bench.step(1).documents)

    assert gone == dict.fromkeys(range(5))


def test_the_oldest_change_not_yet_shown_is_known() -> None:
    """Invariant 9: freshness counts what waits, not only what was written."""
    bench = Bench()
    bench.step()
    assert bench.joiner.agenda.oldest_waiting() is None

    bench.put(MEETING, id=1, title="first")
    bench.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    bench.fold()
    assert bench.joiner.agenda.oldest_waiting() == 1_000
    bench.joiner.agenda.take(0)
    assert bench.joiner.agenda.oldest_waiting() == 1_000

    assert bench.step().oldest_ms == 1_000
    assert bench.joiner.agenda.oldest_waiting() is None


def test_the_rounds_of_end_marks_need_every_sender() -> None:
    """Two source partitions, three keyed ones, one level of look-ups: marks passed on when a round is whole."""
    store, outbox = MemoryStore(), Outbox(2)
    rounds = Rounds(store, outbox, rounds=3, routers=2, partitions=3)
    rounds.mark(1, 0, 5)
    assert (rounds.progress, outbox.take()) == ((1, 8), {})

    rounds.mark(1, 1, 6)
    assert {partition: len(batch) for partition, batch in outbox.take().items()} == {0: 1, 1: 1, 2: 1}
    assert (rounds.complete(1), rounds.complete(2)) == (True, False)

    for level, place in ((2, 7), (3, 8)):
        for sender in (2, 3, 4):
            assert rounds.copied is None
            rounds.mark(level, sender, place)
    assert rounds.copied == 8

    again = Rounds(store, outbox, rounds=3, routers=2, partitions=3)
    assert (again.copied, again.progress) == (8, (8, 8))
