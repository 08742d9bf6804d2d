"""Rows that no record of the keyed topic has room for: they park, and the documents that would show them wait."""

from __future__ import annotations

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from syncsvc.assembly.joiner import SKIP_RECORD, control
from syncsvc.engine.settings import EngineSettings
from syncsvc.routing import records
from syncsvc.wiring.prepare import KEYED_RECORD_BYTES
from tests.assembly.bench import Bench, document, hosts, shown
from tests.routing.tables import APPLICATION, MEETING, USER, key

SMALL, LARGE = "s", "x" * 5_000


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Two meetings of two owners, of whom the first has an application; records have room for 4,000 bytes of a row."""
    monkeypatch.setattr(records, "MOST_ROW_BYTES", 4_000)
    bench = Bench(hosts())
    bench.put(MEETING, id=1, title="one", owner=7)
    bench.put(MEETING, id=2, title="two", owner=8)
    bench.put(APPLICATION, id=5, owner=7, memo=SMALL)
    bench.step()
    return bench


def memos(found: dict[int, dict[str, object] | None], number: int) -> list[str]:
    """Of the applications of a meeting."""
    written = found[number]
    assert written is not None
    applications = written["applications"]
    assert isinstance(applications, list)
    return [application["memo"] for application in applications]


def test_a_row_that_no_record_has_room_for_parks_and_its_documents_wait(bench: Bench) -> None:
    """
    The producer refused the record, the worker left, and came to the same row again: nothing of the pipeline went on.

    Now it is kept for a person, with its place and what to do; the rest goes on, and a smaller image makes it good.
    """
    bench.put(APPLICATION, id=5, owner=7, memo=LARGE)
    bench.put(MEETING, id=2, title="two!", owner=8)
    (parked,) = bench.take_parked(APPLICATION)
    assert (parked.code, parked.place) == ("change.too_large", "shop.application[0]@1")
    assert "bytes where a record has room for 4000: shorten it in the source" in parked.what
    due = bench.step()
    assert list(shown(due.documents)) == [2]
    assert [rendered.address for rendered in due.parked] == [document(1)]

    bench.put(APPLICATION, id=5, owner=7, memo=SMALL * 2)
    assert memos(shown(bench.step().documents), 1) == [SMALL * 2]


def test_a_row_that_moves_and_is_too_large_leaves_its_old_document_and_holds_back_its_new_one(bench: Bench) -> None:
    """Where it belongs is known, so nothing is shown there without it (invariant 2)."""
    bench.put(APPLICATION, id=5, owner=8, memo=LARGE)
    due = bench.step()
    assert memos(shown(due.documents), 1) == []
    assert [rendered.address for rendered in due.parked] == [document(2)]

    bench.put(APPLICATION, id=5, owner=7, memo=SMALL)
    found = shown(bench.step().documents)
    assert (memos(found, 1), memos(found, 2)) == ([SMALL], [])


def test_a_new_row_that_is_too_large_holds_back_the_document_it_belongs_to(bench: Bench) -> None:
    """Unlike a record that cannot be read, which does not say where its row belongs."""
    bench.put(APPLICATION, id=6, owner=8, memo=LARGE)
    assert [rendered.address for rendered in bench.step().parked] == [document(2)]


def test_a_row_that_was_too_large_is_deleted_where_it_is(bench: Bench) -> None:
    """Also where it has moved to meanwhile; its entry goes with it."""
    bench.put(APPLICATION, id=5, owner=8, memo=LARGE)
    bench.step()
    bench.delete(APPLICATION, id=5, owner=8, memo=LARGE)

    assert memos(shown(bench.step().documents), 2) == []
    assert bench.joiner.take_healed() == ["shop.application[0]@1"]


def test_a_row_that_was_too_large_and_is_skipped_is_shown_in_its_last_good_form(bench: Bench) -> None:
    """A person's decision, as for any record that is parked."""
    bench.put(APPLICATION, id=5, owner=7, memo=LARGE)
    (parked,) = bench.take_parked(APPLICATION)
    bench.step()
    for address, payload in parked.targets:
        bench.append(*control(SKIP_RECORD, address, 0, payload))

    assert memos(shown(bench.step().documents), 1) == [SMALL]


def test_the_largest_row_that_is_taken_fits_all_that_is_ever_sent_of_it() -> None:
    """
    As the broker counts it: to its home, to those who look it up, and again when a later image cannot be read.

    The last carries the good row behind the name of the record that spoilt it, and is the largest.
    """
    assert records.MOST_RECORD_BYTES == KEYED_RECORD_BYTES == EngineSettings("kafka:9092").send_request_bytes
    bench = Bench()
    bench.put(MEETING, id=1, title="t")
    bench.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    bench.step()
    bench.put(USER, id=7, name="x" * records.MOST_ROW_BYTES)
    (parked,) = bench.take_parked(USER)
    over = int(parked.what.split()[3]) - records.MOST_ROW_BYTES  # what the row has beside the name
    bench.put(USER, id=7, name="x" * (records.MOST_ROW_BYTES - over))
    assert bench.take_parked(USER) == []
    bench.put(APPLICATION, id=2, meeting_id=1, user_id=7, rank=None)
    bench.route(USER, key(id=7), b"{}")
    bench.step()

    kinds = {records.KINDS[record.value[1]] for record in bench.log if len(record.value) > records.MOST_ROW_BYTES // 2}
    assert kinds == {"put", "row"}
    sizes = [size(record.key, record.value) for record in bench.log]
    assert records.MOST_ROW_BYTES < max(sizes) <= records.MOST_RECORD_BYTES


def size(name: bytes, value: bytes) -> int:
    """Of a batch with this one record."""
    largest: int = DefaultRecordBatchBuilder.estimate_size_in_bytes(name, value, [])
    return largest
