"""Loading a state in slices: what stands between two of them, and what is left where it ends there."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc.state import lmdb_store, partition, segments
from syncsvc.state.lmdb_store import LmdbStore
from syncsvc.state.partition import PartitionState

LINEAGE = b"lineage"
FIRST, SECOND = (
    segments.encode({b"%05d" % key: b"%d" % number for key in range(4_000)} | {b"gone": value})
    for number, value in ((1, b""), (2, None))
)


@pytest.fixture(params=[lmdb_store.IN_PLACE_BYTES, 0], ids=["in place", "laid over"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a store that is kept in small parts, after each segment."""
    monkeypatch.setattr(lmdb_store, "IN_PLACE_BYTES", request.param)
    monkeypatch.setattr(lmdb_store, "KEEP_ENTRIES", 500)
    monkeypatch.setattr(partition, "KEEP_BYTES", 1)
    return tmp_path / "state"


def opened(folder: Path) -> PartitionState:
    """As a worker opens it."""
    return PartitionState(LmdbStore(folder, map_bytes=1 << 24), LINEAGE)


def load(state: PartitionState, seq: int) -> int:
    """Whole; how many segments had to be read."""
    first = state.behind(seq, 1)
    for blob in (FIRST, SECOND)[first - 1 : seq]:
        state.apply(blob)
    state.caught_up(seq)
    return seq + 1 - first


def test_no_slice_of_a_segment_has_many_entries(folder: Path) -> None:
    """A loop that looks at the clock between two of them gives way in time, while the store is kept as well."""
    state = opened(folder)
    state.behind(1, 1)

    assert sum(1 for _ in state.applying(FIRST)) > 4_000 // partition._APPLY_ENTRIES
    state.close()


@pytest.mark.parametrize("kept", [0, 1], ids=["nothing was kept", "an older state was kept"])
def test_a_load_that_ends_between_any_two_slices_leaves_what_the_next_one_can_begin_with(
    folder: Path, kept: int
) -> None:
    """A rebalance takes the partition away at any moment; when it comes back, its state is whole."""
    whole = {b"%05d" % key: b"2" for key in range(4_000)}
    slices, ended = 0, False
    while not ended:
        place = folder.with_name(f"after {slices}")
        if kept:
            before = opened(place)
            load(before, kept)
            before.close()
        state = opened(place)
        assert state.behind(2, 1) == kept + 1
        applying = state.applying(SECOND if kept else FIRST)
        ended = sum(1 for _ in zip(range(slices), applying, strict=False)) < slices
        del applying
        state.close()

        again = opened(place)
        load(again, 2)
        assert dict(again.scan(b"")) == whole
        again.close()
        slices += 3
    assert slices > 8
