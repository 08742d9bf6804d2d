"""Fences, segments and parked entries as others read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from bson.int64 import Int64

from syncsvc.mongo import fences, names, parked, segments
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.committer import Committer
from tests.mongo.server import STATE, fence_now, owned, step

pytestmark = pytest.mark.servers


def test_a_new_fence_begins_where_it_is_told(mongo: Mongo, committer: Committer) -> None:
    """No step yet, no segment, and the first offset given; later owners find what the steps left."""
    fence = fences.open_fence(mongo, "p/g1/router/t[0]", committer.lsid, first_offset=42)

    assert (fence.epoch, fence.seq, fence.offset, fence.base, fence.fields) == (1, 0, 42, 1, {})
    assert fences.open_fence(mongo, fence.id, committer.lsid, first_offset=99).offset == 42


def test_each_owner_has_a_higher_epoch(mongo: Mongo, committer: Committer) -> None:
    """That is what tells owners apart; numbers and offsets stay."""
    committer.submit(step(owned(mongo, committer))).result(20)
    fence = owned(mongo, committer)

    assert fence_now(mongo, fence) == (2, 1, 10)


def test_the_fences_of_a_generation_are_listed(mongo: Mongo, committer: Committer) -> None:
    """Those of generation 1 and not those of 10."""
    for name in ("p/g1/joiner/0", "p/g1/router/t[0]", "p/g10/joiner/0", "p2/g1/joiner/0"):
        owned(mongo, committer, name)

    assert [found["_id"] for found in fences.read_fences(mongo, "p", 1)] == ["p/g1/joiner/0", "p/g1/router/t[0]"]


def write_segments(mongo: Mongo, fence_id: str, numbers: range) -> None:
    """Two chunks a segment."""
    mongo.database[STATE].insert_many(
        {"_id": {"f": fence_id, "n": Int64(number), "k": chunk}, "b": b"%d.%d " % (number, chunk)}
        for number in numbers
        for chunk in range(2)
    )


def test_segments_are_read_in_order_with_their_chunks_joined(mongo: Mongo) -> None:
    """By number, not by text: 9 before 10; other fences' are not among them."""
    write_segments(mongo, "p/g1/joiner/1", range(1, 13))
    write_segments(mongo, "p/g1/joiner/11", range(1, 3))
    read = list(segments.segments(mongo, STATE, "p/g1/joiner/1", 9, 11))

    assert read == [(9, b"9.0 9.1 "), (10, b"10.0 10.1 "), (11, b"11.0 11.1 ")]


def test_a_worker_reads_segments_in_spans_of_some_bytes(mongo: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whole segments, at least one, holes or not; the next span begins behind it, the last one at the end."""
    write_segments(mongo, "a", range(1, 4))
    write_segments(mongo, "a", range(6, 8))
    monkeypatch.setattr(segments, "_SPAN_DOCUMENTS", 2)
    monkeypatch.setattr(segments, "_SPAN_BYTES", 9)
    spans, number = [], 1
    while number <= 9:
        blobs, number = segments.span(mongo, STATE, "a", number, 9)
        spans.append((blobs, number))

    assert spans == [
        ([b"1.0 1.1 ", b"2.0 2.1 "], 3), ([b"3.0 3.1 ", b"6.0 6.1 "], 7), ([b"7.0 7.1 "], 10),
    ]  # fmt: skip


def test_superfluous_segments_are_deleted_and_no_others(mongo: Mongo) -> None:
    """Twice does no harm."""
    write_segments(mongo, "a", range(1, 6))
    write_segments(mongo, "b", range(1, 6))

    assert segments.delete_below(mongo, STATE, "a", 4) == 6
    assert segments.delete_below(mongo, STATE, "a", 4) == 0
    assert [number for number, _ in segments.segments(mongo, STATE, "a", 1, 9)] == [4, 5]
    assert len(list(segments.segments(mongo, STATE, "b", 1, 9))) == 5


def an_entry(where: str, pipeline: str = "p", generation: int = 1, second: int = 5) -> dict[str, Any]:
    """A parked document as `actors.parking` writes it."""
    return {
        "_id": f"{pipeline}/{generation}/{where}", "pipeline": pipeline, "generation": generation, "where": where,
        "kind": "document", "reason": "document.too_large", "at": datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC),
    }  # fmt: skip


def test_parked_entries_are_counted_and_listed_by_generation(mongo: Mongo) -> None:
    """Oldest first, and those of other generations and pipelines are not among them."""
    entries = [an_entry("b", second=7), an_entry("a"), an_entry("c", generation=2), an_entry("d", pipeline="p2")]
    mongo.database[names.PARKED].insert_many(entries)

    assert [held.where for held in parked.oldest(mongo, "p", 1, limit=5)] == ["a", "b"]
    assert parked.count(mongo, "p", 1) == 2

    parked.remove_all(mongo, "p", 1)

    assert parked.count(mongo, "p", 1) == 0
    assert parked.count(mongo, "p", 2) == 1


def test_a_handle_finds_an_entry_and_says_nothing_of_its_key(mongo: Mongo) -> None:
    """The page calls an entry by it: another one in each life of a generation, so that no table of all keys helps."""
    lineage, other = uuid4(), uuid4()
    at = datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(3):
        mongo.database[names.PARKED].insert_one(
            {"_id": f"syncsvc.p.g1/document/{number:02x}", "pipeline": "p", "generation": 1, "kind": "document",
             "reason": "r", "where": "k[0]@1", "at": at}
        )  # fmt: skip

    handles = {parked.handle(identity, lineage) for identity in parked.ids(mongo, "p", 1)}

    assert len(handles) == 3
    assert all(len(handle) == 16 for handle in handles)
    assert not handles & {parked.handle(identity, other) for identity in parked.ids(mongo, "p", 1)}
    assert {held.kind for held in parked.oldest(mongo, "p", 1, limit=5)} == {"document"}
