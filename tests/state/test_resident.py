"""The pages of the state's file do not stay with the process that has touched them."""

import sys
from pathlib import Path

import pytest

from syncsvc.state.lmdb_store import LmdbStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked in the way of Linux")

ENTRIES = [(b"%08d" % number, b"%08d" % number * 20) for number in range(100_000)]
FEW_KIB = 1_500


def resident_kib(folder: Path) -> int:
    """What of the store's file this process holds."""
    found, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            counts = line.endswith(str(folder / "data.mdb"))
        elif counts and line.startswith("Rss:"):
            found += int(line.split()[1])
    return found


def test_pages_that_were_read_to_be_changed_are_given_back(tmp_path: Path) -> None:
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


def test_pages_that_were_listed_are_given_back(tmp_path: Path) -> None:
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


def test_pages_of_long_keys_are_given_back_too(tmp_path: Path) -> None:
    """Keys beyond LMDB's limit are listed in another way."""
    store = LmdbStore(tmp_path)
    entries = [(b"%08d" % number + b"x" * 600, bytes(100)) for number in range(10_000)]
    store.load(entries)
    store.commit(b"")
    assert store.scan(b"") == entries

    assert resident_kib(tmp_path) < FEW_KIB
    store.close()


def test_a_commit_gives_back_all_pages(tmp_path: Path) -> None:
    """What they hold is read again as it was."""
    store = LmdbStore(tmp_path)
    store.load(ENTRIES)
    store.commit(b"")
    for key, value in ENTRIES[::7]:
        assert store.get(key) == value
    touched = resident_kib(tmp_path)
    store.commit(b"")

    assert touched > 10_000  # the measure can fail: so many touch every page
    assert resident_kib(tmp_path) < FEW_KIB
    assert store.scan(b"") == ENTRIES
    store.close()


def test_a_map_that_has_grown_is_given_back_where_it_lies_now(tmp_path: Path) -> None:
    """A map that grows moves."""
    store = LmdbStore(tmp_path, map_bytes=1 << 20)
    for part in range(30):
        store.load([(b"%d/%06d" % (part, number), bytes(200)) for number in range(200)])
        store.commit(b"")
    for part in range(30):
        assert all(store.get(b"%d/%06d" % (part, number)) for number in range(200))
    touched = resident_kib(tmp_path)
    store.commit(b"")

    assert touched > 1000
    assert resident_kib(tmp_path) < touched // 4
    store.close()
