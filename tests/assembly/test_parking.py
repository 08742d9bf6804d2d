"""Documents and rows that cannot be shown: what stops, what goes on, and what a person decides about them."""

from __future__ import annotations

import pytest

from syncsvc.assembly.joiner import RETRY_DOCUMENT, SKIP_DOCUMENT, SKIP_RECORD, control
from syncsvc.routing import records
from tests.assembly.bench import Bench, document, hosts, shown
from tests.routing.tables import APPLICATION, MEETING, USER, key


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


def test_a_document_that_becomes_too_large_parks_and_stays_as_it_was_last_written() -> None:
    """MongoDB refuses more than 16 MiB; other documents go on, and the reason is told once."""
    bench = Bench(hosts())
    bench.put(MEETING, id=1, title="first", owner=7)
    bench.step()
    for number in range(9):
        bench.put(APPLICATION, id=number, owner=7, memo="x" * 2_000_000)
    bench.put(MEETING, id=2, title="other", owner=None)
    due = bench.step()
    assert list(shown(due.documents)) == [2]
    assert [(r.address, (r.problem or "").partition(":")[0]) for r in due.parked] == [
        (document(1), "document.too_large")
    ]

    bench.put(MEETING, id=1, title="still", owner=7)
    due = bench.step()
    assert (due.documents, due.parked) == ([], [])

    # It has shrunk, and still waits for a person: nothing but a retry lets it overtake what was refused.
    bench.delete(APPLICATION, id=8, owner=7, memo="x")
    assert bench.step().documents == []
    bench.append(*control(RETRY_DOCUMENT, document(1), 0))
    written = shown(bench.step().documents)[1]
    assert written is not None
    assert (written["title"], len(written["applications"])) == ("still", 8)


def test_a_retry_of_a_document_that_still_cannot_be_written_parks_it_again() -> None:
    """With its reason, for the next look."""
    bench = Bench(hosts())
    for number in range(9):
        bench.put(APPLICATION, id=number, owner=7, memo="x" * 2_000_000)
    bench.put(MEETING, id=1, title="first", owner=7)
    assert len(bench.step().parked) == 1

    bench.append(*control(RETRY_DOCUMENT, document(1), 0))
    due = bench.step()
    assert (due.documents, len(due.parked)) == ([], 1)


def test_a_skipped_document_is_written_with_its_next_change(bench: Bench) -> None:
    """Skip says: go on from here, without a write now."""
    bench.step()
    rendered = bench.joiner.renderer.render(document(1), bench.joiner.renderer.rows_at(document(1)))
    bench.joiner.agenda.park(rendered, "document.refused")
    bench.append(*control(SKIP_DOCUMENT, document(1), 0))
    assert bench.step().documents == []

    bench.put(MEETING, id=1, title="second")
    assert list(shown(bench.step().documents)) == [1]


def test_a_parked_document_whose_root_is_deleted_is_deleted_and_released(bench: Bench) -> None:
    """Nothing is left that could not be written."""
    bench.step()
    rendered = bench.joiner.renderer.render(document(1), bench.joiner.renderer.rows_at(document(1)))
    bench.joiner.agenda.park(rendered, "document.refused")
    bench.delete(MEETING, id=1, title="first")
    due = bench.step()

    assert shown(due.documents) == {1: None}
    assert due.released == [document(1)]


def test_poison_parks_the_document_and_a_later_image_of_the_row_heals_it(bench: Bench) -> None:
    """Design D8: state goes on folding behind it, and the raw record's entry goes with it."""
    bench.step()
    bench.route(MEETING, key(id=1), b"{}")
    bench.put(APPLICATION, id=2, meeting_id=1, user_id=None, rank=None)
    due = bench.step()
    assert due.documents == []
    assert [rendered.problem for rendered in due.parked] == ["row.unreadable: shop.meeting[0]@1 could not be decoded"]

    bench.put(MEETING, id=1, title="second")
    due = bench.step()
    written = shown(due.documents)[1]
    assert written is not None
    assert (written["title"], written["total"]) == ("second", 2)
    assert due.released == [document(1)]
    assert bench.joiner.take_healed() == ["shop.meeting[0]@1"]


def test_poison_that_is_skipped_shows_the_last_good_row_again(bench: Bench) -> None:
    """A person gave the record up; a skip of another record changes nothing."""
    bench.step()
    bench.route(MEETING, key(id=1), b"{}")
    bench.step()
    _, identity, _ = records.parse_row(bench.log[-1].value)
    other = records.row_payload(0, identity, b"shop.meeting[0]@99")
    bench.append(*control(SKIP_RECORD, document(1), 0, other))
    assert bench.step().documents == []

    this = records.row_payload(0, identity, b"shop.meeting[0]@1")
    bench.append(*control(SKIP_RECORD, document(1), 0, this))
    due = bench.step()
    written = shown(due.documents)[1]
    assert written is not None
    assert written["title"] == "first"
    assert due.released == [document(1)]


def test_poison_in_a_looked_up_row_parks_every_document_that_shows_it(bench: Bench) -> None:
    """The poison travels as the row would; healing does, too."""
    bench.put(USER, id=7, name="Ann")
    bench.step()
    bench.route(USER, key(id=7), b"{}")
    due = bench.step()
    assert [rendered.address for rendered in due.parked] == [document(1)]

    bench.put(USER, id=7, name="Anna")
    assert user_of(bench) == {"id": 7, "name": "Anna"}


def test_a_root_that_was_never_readable_shows_nothing(bench: Bench) -> None:
    """Its document parks; when the row is deleted, there is nothing to delete."""
    bench.route(MEETING, key(id=5), b"{}")
    due = bench.step()
    assert [rendered.address for rendered in due.parked] == [document(5)]

    bench.delete(MEETING, id=5, title="x")
    assert 5 not in shown(bench.step().documents)


def test_a_decision_repeated_is_harmless(bench: Bench) -> None:
    """A person has no place in a channel; a control record for nothing parked does nothing."""
    bench.step()
    for action in (RETRY_DOCUMENT, SKIP_DOCUMENT):
        bench.append(*control(action, document(1), 0))
    bench.append(*control(SKIP_RECORD, document(1), 0, records.row_payload(0, b"\x15\x01", b"x")))

    assert bench.step().documents == []


