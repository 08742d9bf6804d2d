"""
The store on local disk: LMDB, one open write transaction, no fsync.

Nothing here has to survive more than the death of this process: pages written without fsync are still in the kernel
then.  A crash of the machine may tear them, so the folder is worth something only under the boot that wrote it
(`state.folder`).  LMDB limits keys to 511 bytes; longer ones are put in order all the same (`state.long_keys`).
Keeps the promises of `state.store`.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import lmdb

from syncsvc.errors import Unreachable
from syncsvc.state import folder, long_keys, resident

#: Address space set aside at first, in bytes.  The file is sparse: only pages in use take memory or disk.
FIRST_MAP_BYTES = 16 << 30
#: The file's pages are given back when so many entries were put or listed since they last were: often enough that they
#: are few, so seldom that the page faults are lost in what the entries cost.
GIVE_BACK_ENTRIES = 2_000

_STAMP = b"stamp"


class LmdbStore:
    """
    One folder with one LMDB environment, owned by one process.

    `get`, `put` and `delete` reach the transaction through one length test and nothing else: 0.5 to 2 us each.
    """

    def __init__(self, path: str | Path, *, map_bytes: int = FIRST_MAP_BYTES) -> None:
        self._path = Path(path)
        with folder.written(self._path):
            self._lock = folder.claim(self._path)
            # readahead off: pages are wanted one by one; meminit off: a page's unused rest need not be zeroed.
            self._env = lmdb.open(
                str(path), map_size=map_bytes, max_dbs=3, sync=False, metasync=False, readahead=False, meminit=False
            )
            self._resident = resident.ResidentFile(self._path / "data.mdb")
            self._short = self._env.open_db(b"short")
            self._long = self._env.open_db(b"long")
            self._about = self._env.open_db(b"about")
        self._entries_touched = 0
        self._begin()

    def _begin(self) -> None:
        self._make_room()
        self._txn = txn = self._env.begin(write=True, db=self._short)
        self._get, self._put, self._delete = txn.get, txn.put, txn.delete
        self._cursor = txn.cursor()
        self._beyond = long_keys.Beyond(txn, self._short, self._long)

    def _make_room(self) -> None:
        """Double the map when half full, between transactions: LMDB cannot grow inside one."""
        info = self._env.info()
        used = (info["last_pgno"] + 1) * self._env.stat()["psize"]
        if used * 2 > info["map_size"]:
            self._env.set_mapsize(max(used * 4, info["map_size"] * 2))
            self._resident.moved()

    def get(self, key: bytes) -> bytes | None:
        """Value of the key, or None."""
        value: bytes | None = self._get(key) if len(key) < long_keys.CUT else self._beyond.get(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Set or replace."""
        if len(key) < long_keys.CUT:
            self._put(key, value)
        else:
            self._beyond.put(key, value)

    def delete(self, key: bytes) -> None:
        """Remove, when there."""
        if len(key) < long_keys.CUT:
            self._delete(key)
        else:
            self._beyond.delete(key)

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Every entry with the prefix, in key order."""
        if self._beyond.used:
            return self._touched(list(self._beyond.walk(prefix, prefix)))
        found: list[tuple[bytes, bytes]] = []
        cursor = self._cursor
        if cursor.set_range(prefix):
            # The cursor of the transaction is used again and again: making one costs as much as 4 entries.
            for entry in cursor.iternext():
                if not entry[0].startswith(prefix):
                    break
                found.append(entry)
        return self._touched(found)

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` entries with the prefix from `start` on."""
        first = max(start, prefix)
        if self._beyond.used or len(first) >= long_keys.CUT:
            return self._touched(list(islice(self._beyond.walk(first, prefix), limit)))
        found: list[tuple[bytes, bytes]] = []
        if limit > 0 and self._cursor.set_range(first):
            # Not `islice`: it would read `limit` entries where the prefix has two.
            for entry in self._cursor.iternext():
                if not entry[0].startswith(prefix):
                    break
                found.append(entry)
                if len(found) == limit:
                    break
        return self._touched(found)

    def any(self, prefix: bytes) -> bool:
        """Whether a key begins with the prefix."""
        if self._beyond.used:
            return bool(self.walk(prefix, prefix, 1))
        found: bool = self._cursor.set_range(prefix) and self._cursor.key().startswith(prefix)
        return found

    def load(self, entries: list[tuple[bytes, bytes]]) -> None:
        """Put many; those in key order keep LMDB on neighbouring pages."""
        if any(len(key) >= long_keys.CUT for key, _ in entries):
            for key, value in entries:
                self.put(key, value)
        else:
            self._cursor.putmulti(entries, dupdata=False, overwrite=True)
        self._touched(entries)

    def _touched(self, entries: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Counts entries that were put or listed, and passes them on; so many of them, and pages are given back."""
        self._entries_touched += len(entries)
        if self._entries_touched >= GIVE_BACK_ENTRIES:
            self._give_back()
        return entries

    def _give_back(self) -> None:
        self._entries_touched = 0
        self._resident.give_back()

    def entries(self) -> int:
        """How many keys there are; a shared beginning of long keys counts as one more."""
        count: int = self._txn.stat(self._short)["entries"] + self._txn.stat(self._long)["entries"]
        return count

    def commit(self, stamp: bytes) -> None:
        """
        Keep everything written so far, with this stamp.

        Raises:
            Unreachable: `state.unwritable`; the store is then of no use.
        """
        self._txn.put(_STAMP, stamp, db=self._about)
        self._keep()

    def _keep(self) -> None:
        with folder.written(self._path):
            self._txn.commit()
        self._give_back()
        self._begin()

    def stamp(self) -> bytes | None:
        """Stamp of the last commit."""
        stamp: bytes | None = self._txn.get(_STAMP, db=self._about)
        return stamp

    def wipe(self) -> None:
        """Remove everything, durably."""
        for table in (self._short, self._long, self._about):
            self._txn.drop(table, delete=False)
        self._keep()

    def close(self) -> None:
        """Give up what was not committed, and the folder; a second call does nothing."""
        if not self._lock.closed:
            self._txn.abort()
            self._resident.ends()
            self._env.close()
            self._lock.close()


def open_beside(path: Path) -> LmdbStore:
    """
    The store in `path`, or in a sibling of it while another process holds that one.

    Raises:
        Unreachable: `state.locked`, when all siblings are held; `state.unwritable`.
    """
    *others, last = folder.siblings(path)
    for candidate in others:
        try:
            return LmdbStore(candidate)
        except Unreachable as error:
            if error.problems[0].code != "state.locked":
                raise  # another folder of the same disk would fail too, and be named instead
    return LmdbStore(last)
