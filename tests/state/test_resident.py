"""The pages of the state's file do not stay with the process that has touched them."""

import sys
from pathlib import Path
from weakref import ref

import pytest

from syncsvc.state import lmdb_store, resident
from syncsvc.state.lmdb_store import LmdbStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked in the way of Linux")

ENTRIES = [(b"%08d" % number, b"%08d" % number * 20) for number in range(100_000)]
FEW_KIB = 1_500


NONE = -(1 << 40)  #: As `MOST_BYTES`: each look finds too many pages.


@pytest.fixture
def none_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are given back at each look."""
    monkeypatch.setattr(resident, "MOST_BYTES", NONE)


def resident_kib(folder: Path) -> int:
    """What of the store's file this process holds."""
    found, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            counts = line.endswith(str(folder / "data.mdb"))
        elif counts and line.startswith("Rss:"):
            found += int(line.split()[1])
    return found


def test_pages_that_were_read_to_be_changed_are_given_back(tmp_path: Path, none_may_stay: None) -> None:
    """In one transaction over a whole state, whose pages are all read, and copied by LMDB before they change."""
    store = LmdbStore(tmp_path)
    store.load(ENTRIES)
    store.commit(b"")
    for start in range(0, len(ENTRIES), 1000):
        assert store.scan(ENTRIES[start][0][:-3]) == ENTRIES[start : start + 1000]
        store.load([(key, b"new") for key, _ in ENTRIES[start : start + 1000]])

    assert resident_kib(tmp_path) < FEW_KIB
    assert store.scan(b"") == [(key, b"new") for key, _ in ENTRIES]
    store.close()


def test_pages_that_were_listed_are_given_back(tmp_path: Path, none_may_stay: None) -> None:
    """As when a first copy, or a sweep, goes through the whole state."""
    store = LmdbStore(tmp_path)
    store.load(ENTRIES)
    store.commit(b"")
    found: list[tuple[bytes, bytes]] = []
    while part := store.walk(found[-1][0] + b"\0" if found else b"", b"", 500):
        found += part

    assert resident_kib(tmp_path) < FEW_KIB
    assert found == ENTRIES
    assert store.scan(b"") == ENTRIES
    assert resident_kib(tmp_path) < FEW_KIB
    store.close()


def test_pages_of_long_keys_are_given_back_too(tmp_path: Path, none_may_stay: None) -> None:
    """Keys beyond LMDB's limit are listed in another way."""
    store = LmdbStore(tmp_path)
    entries = [(b"%08d" % number + b"x" * 600, bytes(100)) for number in range(10_000)]
    store.load(entries)
    store.commit(b"")
    assert store.scan(b"") == entries

    assert resident_kib(tmp_path) < FEW_KIB
    store.close()


def test_a_commit_gives_back_all_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they hold is read again as it was."""
    monkeypatch.setattr(resident, "LEAST_BYTES", 32 << 20)
    store = LmdbStore(tmp_path)
    store.load(ENTRIES)
    store.commit(b"")
    for key, value in ENTRIES[::7]:
        assert store.get(key) == value
    touched = resident_kib(tmp_path)
    monkeypatch.setattr(resident, "MOST_BYTES", NONE)
    store.commit(b"")

    assert touched > 10_000  # the measure can fail: so many touch every page
    assert resident_kib(tmp_path) < FEW_KIB
    assert store.scan(b"") == ENTRIES
    store.close()


def test_a_map_that_has_grown_is_given_back_where_it_lies_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that grows moves."""
    store = LmdbStore(tmp_path, map_bytes=1 << 20)
    for part in range(30):
        store.load([(b"%d/%06d" % (part, number), bytes(200)) for number in range(200)])
        store.commit(b"")
    for part in range(30):
        assert all(store.get(b"%d/%06d" % (part, number)) for number in range(200))
    touched = resident_kib(tmp_path)
    monkeypatch.setattr(resident, "MOST_BYTES", NONE)
    store.commit(b"")

    assert touched > 1000
    assert resident_kib(tmp_path) < touched // 4
    store.close()


def test_pages_stay_while_they_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To give them back and touch them again is not free: a small state is held as it is."""
    monkeypatch.setattr(resident, "LEAST_BYTES", 32 << 20)
    store = LmdbStore(tmp_path)
    store.load(ENTRIES)
    store.commit(b"")
    resident.look()  # counts what else there is
    found = [store.get(key) for key, _ in ENTRIES]

    assert found == [value for _, value in ENTRIES]
    assert 10_000 < resident_kib(tmp_path) < 32_000
    store.close()


def test_a_store_that_is_closed_or_dropped_is_forgotten(tmp_path: Path, none_may_stay: None) -> None:
    """Its addresses are soon somebody else's memory, which a look must not empty."""
    closed, dropped = LmdbStore(tmp_path / "closed"), LmdbStore(tmp_path / "dropped")
    files = [ref(store._resident) for store in (closed, dropped)]
    closed.close()
    del closed, dropped

    assert [file() for file in files] == [None, None]


def own_kib() -> int:
    """What this process holds that is of no file."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:"))


@pytest.mark.parametrize(("in_place_bytes", "few"), [(1 << 40, False), (0, True)], ids=["in place", "laid over"])
def test_changes_all_over_a_large_state_take_memory_of_their_own_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_place_bytes: int, few: bool
) -> None:
    """And not a page of LMDB's each, as they do where a state is so small that it may stand in memory as a whole."""
    monkeypatch.setattr(lmdb_store, "IN_PLACE_BYTES", in_place_bytes)
    entries = [(b"%08d" % number, bytes(500)) for number in range(60_000)]
    store = LmdbStore(tmp_path)
    for start in range(0, len(entries), 5_000):
        store.load(entries[start : start + 5_000])
        store.commit(b"")
    before = own_kib()
    for key, _ in entries[::10]:  # the next page
        store.put(key, bytes(10))

    assert (own_kib() - before < 4_000) == few
    store.close()
