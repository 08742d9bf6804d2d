"""What every store promises; the same sentences hold for memory and for LMDB."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncsvc.errors import Unreachable
from syncsvc.state import lmdb_store
from syncsvc.state.lmdb_store import LmdbStore
from syncsvc.state.memory import MemoryStore
from syncsvc.state.store import Store

#: Beginnings that cross LMDB's limit of 511 bytes, once and twice.
BEGINNINGS = [b"", b"a", b"a\xff", b"\xff\xff", b"x" * 509, b"x" * 511, b"x" * 515, b"x" * 1100, b"\xff" * 600]
KEYS = st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(min_size=1, max_size=3))
PREFIXES = st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(max_size=2))
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=4)), max_size=40)


@pytest.fixture(params=["memory", "lmdb", "lmdb, laid over"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store of each kind; LMDB's as a small one and as a large one."""
    if request.param == "lmdb, laid over":
        monkeypatch.setattr(lmdb_store, "IN_PLACE_BYTES", 0)
    made: Store = MemoryStore() if request.param == "memory" else LmdbStore(tmp_path / "store")
    yield made
    made.close()


@pytest.fixture(scope="module", params=["in place", "laid over"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmdbStore]:
    """One LMDB store for all examples of a property; each example wipes it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "laid over":
            patch.setattr(lmdb_store, "IN_PLACE_BYTES", 0)
            patch.setattr(lmdb_store, "KEEP_ENTRIES", 3)
        made = LmdbStore(tmp_path_factory.mktemp("pair") / "store")
        yield made
        made.close()


def changed(stores: tuple[Store, ...], changes: list[tuple[bytes, bytes | None]]) -> None:
    """The same changes in each of them."""
    for key, value in changes:
        for one in stores:
            if value is None:
                one.delete(key)
            else:
                one.put(key, value)


def test_a_write_is_read_at_once(store: Store) -> None:
    """Nothing has to be committed before a read sees it."""
    store.put(b"k", b"v")

    assert store.get(b"k") == b"v"


def test_a_deleted_key_is_gone(store: Store) -> None:
    """Deleting twice, or what never was, is no error."""
    store.put(b"k", b"v")
    store.delete(b"k")
    store.delete(b"k")

    assert store.get(b"k") is None
    assert store.entries() == 0


def test_an_empty_value_is_not_a_missing_one(store: Store) -> None:
    """`b""` is a value; only None says that a key is not there."""
    store.put(b"k", b"")

    assert store.get(b"k") == b""
    assert store.any(b"k")


def test_a_scan_gives_whole_keys_in_order(store: Store) -> None:
    """Exactly the keys with the prefix, sorted, with their values."""
    for key in (b"b2", b"a9", b"b1", b"c", b"b"):
        store.put(key, key.upper())

    assert store.scan(b"b") == [(b"b", b"B"), (b"b1", b"B1"), (b"b2", b"B2")]


def test_a_scan_is_a_copy(store: Store) -> None:
    """One may write while going through the list."""
    store.put(b"a1", b"")
    for key, _ in store.scan(b"a"):
        store.put(key + b"x", b"")
        store.delete(key)

    assert store.scan(b"") == [(b"a1x", b"")]


def test_a_walk_goes_on_after_its_last_key(store: Store) -> None:
    """`start = last key + b"\\0"` continues without gap or repetition."""
    keys = [b"p%02d" % number for number in range(10)]
    for key in [*keys, b"q"]:
        store.put(key, b"")

    first = store.walk(b"p", b"p", 6)
    rest = store.walk(first[-1][0] + b"\0", b"p", 6)

    assert [key for key, _ in first + rest] == keys


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_walk_passes_what_was_removed(store: Store, limit: int) -> None:
    """However much of what was kept has gone, and whatever has come between it: as many entries as were asked for."""
    store.load([(b"%02d" % number, b"kept") for number in range(40)])
    store.commit(b"")
    for number in range(40):
        if number % 10:
            store.delete(b"%02d" % number)
    store.load([(b"%02d+" % number, b"new") for number in range(0, 40, 5)])
    keys = [key for key, _ in store.scan(b"")]

    assert keys == [b"00", b"00+", b"05+", b"10", b"10+", b"15+", b"20", b"20+", b"25+", b"30", b"30+", b"35+"]
    assert [key for key, _ in store.walk(b"05", b"", limit)] == keys[2 : 2 + limit]


def test_a_commit_keeps_its_stamp(store: Store) -> None:
    """The stamp says which moment the store shows; a wiped store has none."""
    assert store.stamp() is None
    store.commit(b"one")
    assert store.stamp() == b"one"
    store.wipe()
    assert store.stamp() is None


@given(kept=CHANGES, changes=CHANGES, prefix=PREFIXES, start=PREFIXES, limit=st.integers(1, 10))
@settings(max_examples=300, deadline=None)
def test_lmdb_and_memory_agree_on_any_keys(
    pair: LmdbStore,
    kept: list[tuple[bytes, bytes | None]],
    changes: list[tuple[bytes, bytes | None]],
    prefix: bytes,
    start: bytes,
    limit: int,
) -> None:
    """Long keys, keys that are a prefix of others and keys of 0xff: the same answers in the same order."""
    pair.wipe()
    model = MemoryStore()
    changed((pair, model), kept)
    pair.commit(b"")
    changed((pair, model), changes)

    assert pair.scan(b"") == model.scan(b"")
    assert pair.scan(prefix) == model.scan(prefix)
    assert pair.any(prefix) == model.any(prefix)
    assert pair.walk(start, prefix, limit) == model.walk(start, prefix, limit)
    assert [pair.get(key) for key, _ in kept + changes] == [model.get(key) for key, _ in kept + changes]
    pair.commit(b"again")
    assert pair.scan(b"") == model.scan(b"")
    assert pair.stamp() == b"again"


@given(kept=CHANGES, changes=CHANGES, prefixes=st.lists(PREFIXES, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_whether_there_is_a_key_is_right_at_every_moment(
    pair: LmdbStore,
    kept: list[tuple[bytes, bytes | None]],
    changes: list[tuple[bytes, bytes | None]],
    prefixes: list[bytes],
) -> None:
    """What one look has passed by is not looked at again, but may have been put again since."""
    pair.wipe()
    model = MemoryStore()
    changed((pair, model), kept)
    pair.commit(b"")
    for change in changes:
        changed((pair, model), [change])
        assert [pair.any(prefix) for prefix in prefixes] == [model.any(prefix) for prefix in prefixes]


def test_keys_that_go_one_by_one_are_passed_by_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of references to one row, deleted in key order: each of them asks whether it was the last."""
    looks: list[None] = []
    monkeypatch.setattr(lmdb_store.resident, "look", lambda: looks.append(None))
    keys = [b"R%04d" % number for number in range(2000)]
    store.load([(key, b"") for key in keys])
    store.commit(b"")
    looks.clear()

    for key in keys[:-1]:
        store.delete(key)
        assert store.any(b"R")
    store.delete(keys[-1])
    assert not store.any(b"R")
    assert len(looks) * lmdb_store.LOOK_ENTRIES < 8 * len(keys)


@given(entries=st.dictionaries(KEYS, st.binary(max_size=4)))
@settings(max_examples=100, deadline=None)
def test_loading_many_is_putting_each(pair: LmdbStore, entries: dict[bytes, bytes]) -> None:
    """`load` replaces what is there and takes keys of any length."""
    pair.wipe()
    for key in entries:
        pair.put(key, b"before")
    pair.commit(b"")
    for key in [*entries][::2]:
        pair.delete(key)
    pair.load(list(entries.items()))

    assert dict(pair.scan(b"")) == entries
    pair.commit(b"")
    assert dict(pair.scan(b"")) == entries


def test_deleting_long_keys_leaves_nothing_behind(tmp_path: Path) -> None:
    """The links that lead to long keys go with the last of them."""
    store = LmdbStore(tmp_path)
    keys = [b"x" * 1600 + b"%d" % number for number in range(3)]
    for key in keys:
        store.put(key, b"")
    for key in keys:
        store.delete(key)

    assert store.entries() == 0
    store.close()


def test_what_was_not_committed_is_lost_with_the_owner(tmp_path: Path) -> None:
    """After a reopen the store shows its last commit, and the stamp of it."""
    store = LmdbStore(tmp_path)
    store.put(b"kept", b"")
    store.commit(b"s1")
    store.put(b"lost", b"")
    store.close()

    store = LmdbStore(tmp_path)
    assert store.scan(b"") == [(b"kept", b"")]
    assert store.stamp() == b"s1"
    store.close()


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    """A second owner is told so, with the way out, or goes beside it."""
    store = LmdbStore(tmp_path / "p0")
    with pytest.raises(Unreachable, match=r"state\.locked"):
        LmdbStore(tmp_path / "p0")
    beside = lmdb_store.open_beside(tmp_path / "p0")
    beside.put(b"k", b"v")

    assert store.get(b"k") is None
    store.close()
    beside.close()


def test_a_cache_of_another_boot_is_thrown_away(tmp_path: Path) -> None:
    """Pages are never fsynced: after a crash of the machine they may be torn."""
    store = LmdbStore(tmp_path)
    store.put(b"k", b"v")
    store.commit(b"s")
    store.close()
    (tmp_path / "boot").write_bytes(b"another boot")

    store = LmdbStore(tmp_path)
    assert store.stamp() is None
    assert store.get(b"k") is None
    store.close()


def test_what_a_killed_process_left_of_its_recent_changes_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their file is empty, but may be torn when the machine went down."""
    monkeypatch.setattr(lmdb_store, "IN_PLACE_BYTES", 0)
    (tmp_path / "recent").write_bytes(b"torn" * 5_000)
    store = LmdbStore(tmp_path)
    store.put(b"k", b"v")

    assert store.get(b"k") == b"v"
    assert not (tmp_path / "recent").exists()
    store.close()


FILL = """
import resource, sys
from syncsvc.errors import Unreachable
from syncsvc.state import lmdb_store

lmdb_store.IN_PLACE_BYTES = int(sys.argv[2])
store = lmdb_store.LmdbStore(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
try:
    for number in range(100):
        store.load([(b"%d %d" % (number, one), bytes(1000)) for one in range(1000)])
        store.commit(b"")
except Unreachable as error:
    print(error.problems[0].code, error.problems[0].where, error.problems[0].what, error.problems[0].fix, sep="|")
store.close()
"""


@pytest.mark.parametrize("in_place_bytes", [1 << 40, 0], ids=["in place", "laid over"])
def test_a_full_disk_is_told_as_what_it_is(tmp_path: Path, in_place_bytes: int) -> None:
    """With the folder and the room that is left; LMDB says "input/output error".  A limit of the process fills it."""
    command = [sys.executable, "-c", FILL, str(tmp_path), str(in_place_bytes)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    code, where, what, fix = child.stdout.strip().split("|")

    assert (code, where) == ("state.unwritable", str(tmp_path))
    assert "MiB are free" in what
    assert "SYNCSVC_STATE_DIR" in fix


def test_a_folder_that_cannot_be_made_is_told_as_what_it_is(tmp_path: Path) -> None:
    """As when the volume is not mounted, or belongs to another user."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(Unreachable) as raised:
        LmdbStore(tmp_path / "file" / "p0")

    assert raised.value.problems[0].code == "state.unwritable"


def test_a_folder_that_cannot_be_made_is_named_itself_and_not_a_sibling(tmp_path: Path) -> None:
    """Siblings are for a folder that another process holds; the next one on the same disk would fail as well."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(Unreachable) as raised:
        lmdb_store.open_beside(tmp_path / "file" / "p0")

    assert raised.value.problems[0].where == str(tmp_path / "file" / "p0")


def test_the_map_grows_between_commits(tmp_path: Path) -> None:
    """A state larger than the first map size goes in, as long as one commit does not fill half of it."""
    store = LmdbStore(tmp_path, map_bytes=1 << 20)
    for round_ in range(40):
        for number in range(100):
            store.put(b"%d/%d" % (round_, number), b"v" * 1000)
        store.commit(b"%d" % round_)

    assert store.entries() == 4000
    store.close()


KILLED = """
import os, sys
from syncsvc.state import lmdb_store, resident

lmdb_store.IN_PLACE_BYTES, lmdb_store.KEEP_ENTRIES = 0, 10
store = lmdb_store.LmdbStore(sys.argv[1])
store.load([(b"%03d" % number, b"old") for number in range(100)])
store.commit(b"first")
store.load([(b"%03d" % number, b"new") for number in range(50)])
for number in range(50, 100):
    store.delete(b"%03d" % number)
looks = iter(range(int(sys.argv[2])))
resident.look = lambda: next(looks, None) is None and os._exit(9)
store.commit(b"second")
"""


@pytest.mark.parametrize("transactions", [1, 4, 8])
def test_killed_while_it_keeps_a_store_has_the_old_stamp(tmp_path: Path, transactions: int) -> None:
    """Some keys are then as they were to be kept, the others as they were kept before, and none is anything else."""
    child = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(transactions - 1)])
    store = LmdbStore(tmp_path)
    found = dict(store.scan(b""))

    assert child.returncode == 9
    assert store.stamp() == b"first"
    assert len([value for value in found.values() if value == b"new"]) == min(50, 10 * transactions)
    assert len(found) == 100 - max(0, 10 * (transactions - 5))
    store.close()
