"""How one keyed partition joins: redelivery, subscriptions, answers, poison and what people decide about it."""

from __future__ import annotations

import pytest

from syncsvc.assembly.due import HOLD_MS
from syncsvc.flow import Record
from syncsvc.routing import records
from syncsvc.routing.records import Outbox
from tests.assembly.bench import Bench, hometowns, hosts, relay, shown
from tests.routing.tables import APPLICATION, MEETING, USER


@pytest.fixture
def bench() -> Bench:
    """A meeting with one application of user 7, who is not there yet."""
    bench = Bench()
    bench.put(MEETING, id=1, title="first")
    bench.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    return bench


def user_of(bench: Bench, now_ms: int = 1 << 40) -> object:
    """The user in the one application of meeting 1, as the next step writes it."""
    written = shown(bench.step(now_ms).documents)[1]
    assert written is not None
    return written["applications"][0]["user"]


def sent_by_stranger(bench: Bench, kind: int, address: bytes, payload: bytes) -> None:
    """A record of the joiner's own channel, for what another owner of it might have sent."""
    outbox = Outbox(bench.senders.joiner(0))
    outbox.at(1 << 30, 0)
    outbox.send(0, address, kind, payload)
    bench.append(*outbox.take()[0][0])


def test_a_record_delivered_again_changes_nothing(bench: Bench) -> None:
    """Invariant 1: a router that crashed between sending and committing sends the same records again."""
    bench.put(APPLICATION, id=1, meeting_id=None, user_id=7, rank=None)
    bench.step()
    again = [Record(len(bench.log) + n, record.key, record.value) for n, record in enumerate(bench.log)]
    bench.joiner.fold(again)

    assert bench.joiner.tally.duplicate == len(again)
    assert not bench.joiner.outbox.take()
    assert not bench.joiner.agenda.take(1 << 41).documents


def test_a_record_delivered_again_to_the_next_owner_changes_nothing(bench: Bench) -> None:
    """Invariant 1: high-water marks are state, and outlive the process."""
    bench.step()
    bench.crash()
    again = [Record(len(bench.log) + n, record.key, record.value) for n, record in enumerate(bench.log)]
    bench.joiner.fold(again)

    assert bench.joiner.tally.duplicate == len(again)


def test_the_first_reference_subscribes_and_the_last_one_gone_unsubscribes(bench: Bench) -> None:
    """Per partition, not per document."""
    assert bench.fold() == ["subscribe"]
    bench.settle()
    bench.put(APPLICATION, id=2, meeting_id=2, user_id=7, rank=None)
    assert bench.fold() == []

    bench.delete(APPLICATION, id=2, meeting_id=2, user_id=7, rank=None)
    assert bench.fold() == []

    bench.delete(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    assert bench.fold() == ["unsubscribe"]
    bench.settle()
    bench.put(USER, id=7, name="Ann")
    assert bench.fold() == []


def test_a_row_that_was_looked_up_lets_go_of_what_it_referred_to() -> None:
    """A copy counts references like a document does: of each user the city of today is subscribed to, and no other."""
    bench = Bench(hometowns())
    bench.put(USER, id=7, city_id=1)
    bench.put(MEETING, id=1, user_id=7)
    bench.settle()

    bench.put(USER, id=7, city_id=2)

    assert bench.fold() == ["row"]
    assert bench.fold() == ["unsubscribe", "subscribe"]


def test_a_second_reference_of_one_document_outlives_the_first(bench: Bench) -> None:
    """Two applications of one user in one meeting: the copy stays until both are gone."""
    bench.settle()
    bench.put(APPLICATION, id=2, meeting_id=1, user_id=7, rank=None)
    bench.delete(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    assert bench.fold() == []

    bench.delete(APPLICATION, id=2, meeting_id=1, user_id=7, rank=None)
    assert bench.fold() == ["unsubscribe"]


def test_a_partition_that_lets_go_of_a_relay_forgets_its_copy(bench: Bench) -> None:
    """A later subscription begins with nothing: it must not show what was true before."""
    bench.put(USER, id=7, name="Ann")
    bench.settle()
    bench.put(APPLICATION, id=1, meeting_id=1, user_id=None, rank=None)
    bench.settle()
    assert bench.store.scan(b"L" + relay(7)) == []

    bench.delete(USER, id=7, name="Ann")
    bench.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    assert user_of(bench) is None


def test_a_delivery_of_an_old_subscription_is_ignored(bench: Bench) -> None:
    """Invariant 8: it crossed an unsubscribe on its way, and what it says may be older than what is there."""
    bench.put(USER, id=7, name="Ann")
    assert user_of(bench) == {"id": 7, "name": "Ann"}
    (stored,) = bench.store.scan(b"S" + relay(7))
    row = records.Keyed(2, stored[0][-2:], stored[1].replace(b"Ann", b"Eve"))
    sent_by_stranger(bench, records.ROW, relay(7), records.delivery_payload(1, True, [row]))

    assert not bench.step().documents
    assert bench.joiner.tally.crossed == 1


def test_a_relay_without_rows_answers_at_once_so_that_nobody_waits_for_it(bench: Bench) -> None:
    """A dangling foreign key costs a round trip, not the whole patience of the document."""
    due = bench.step(now_ms=0)

    assert shown(due.documents)[1] is not None
    assert bench.joiner.agenda.next_due() is None


def test_a_new_document_waits_for_the_answer_it_has_asked_for(bench: Bench) -> None:
    """So a reader does not see it without its user, which comes some 10 ms later."""
    bench.put(USER, id=7, name="Ann")
    bench.fold()
    assert not bench.joiner.agenda.take(1000).documents
    assert bench.joiner.agenda.next_due() == 1000 + HOLD_MS

    assert user_of(bench, now_ms=1001) == {"id": 7, "name": "Ann"}


def test_a_document_waits_no_longer_than_it_may(bench: Bench) -> None:
    """An answer that does not come (a partition without an owner) must not hold up the rest of the document."""
    bench.fold()
    bench.joiner.agenda.take(1000)
    assert not bench.joiner.agenda.take(1000 + HOLD_MS - 1).documents

    written = shown(bench.joiner.agenda.take(1000 + HOLD_MS).documents)[1]
    assert written is not None
    assert written["applications"][0]["user"] is None


def test_a_waiting_document_is_not_forgotten_by_a_crash(bench: Bench) -> None:
    """What could not be written within a step is in the state."""
    bench.fold()
    bench.joiner.agenda.take(1000)
    bench.crash()

    assert list(shown(bench.joiner.agenda.take(1000).documents)) == [1]


def test_an_answer_too_large_for_one_record_comes_in_parts() -> None:
    """A broker takes 1 MiB; the document waits for the last part, and a crash between two loses nothing."""
    bench = Bench(hosts())
    for number in range(40):
        bench.put(APPLICATION, id=number, owner=7, memo="x" * 20_000)
    bench.settle()
    bench.put(MEETING, id=1, title="first", owner=7)
    bench.fold()
    assert bench.fold() == ["answer"] * 4

    answers, bench.read = bench.log[bench.read :], len(bench.log)
    for answer in answers[:-1]:
        assert len(answer.value) < 300_000
        bench.joiner.fold([answer])
        bench.crash()
        assert not bench.joiner.agenda.take(0).documents
    bench.joiner.fold(answers[-1:])
    written = shown(bench.joiner.agenda.take(1).documents)[1]

    assert written is not None
    assert [row["id"] for row in written["applications"]] == list(range(40))


def test_a_row_that_is_already_so_writes_nothing(bench: Bench) -> None:
    """A snapshot taken again costs no writes where nothing changed, and is counted."""
    bench.step()
    bench.put(MEETING, id=1, title="first")

    assert bench.step().documents == []
    assert bench.joiner.take_tally().unchanged == 1
