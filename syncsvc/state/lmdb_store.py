"""
The store on local disk: LMDB, no fsync.

Nothing here has to survive more than the death of this process: pages written without fsync are still in the kernel
then.  A crash of the machine may tear them, so the folder is worth something only under the boot that wrote it
(`state.folder`).  The memory of a process does not grow with its states: the files' pages do not stay there
(`resident`), and once they are large what changes is laid over them until it is kept (`recent`).  Keeps the promises of
`state.store`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import lmdb

from syncsvc.errors import Unreachable
from syncsvc.state import folder, resident
from syncsvc.state.lmdb_tree import Entry, Tree
from syncsvc.state.recent import Recent, laid_over

#: Address space set aside at first, in bytes.  The file is sparse: only pages in use take memory or disk.
FIRST_MAP_BYTES = 16 << 30
#: Up to so many bytes of all files of the process changes go into the kept tree at once, which costs a tenth less.
IN_PLACE_BYTES = 64 << 20
#: Of recent entries that one transaction keeps: each may have a page of 4 KiB of its own.
KEEP_ENTRIES = 4_000
#: After so many entries that were read or listed it is looked whether too many of the files' pages are in memory.
LOOK_ENTRIES = 500

_STAMP = b"stamp"


class LmdbStore:
    """One folder with one LMDB environment, owned by one process."""

    def __init__(self, path: str | Path, *, map_bytes: int = FIRST_MAP_BYTES) -> None:
        self._path = Path(path)
        self._unlooked = 0
        #: Keys that were deleted and may be kept below.
        self._removed: set[bytes] = set()
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
            self._begin()

    def _begin(self) -> None:
        """Takes changes to what is kept."""
        self._make_room()
        #: Whether changes are laid over what is kept; else they are made there, and `_top` is all there is.
        self._over = resident.total_bytes() > IN_PLACE_BYTES
        self._kept = self._tree(write=not self._over)
        self._top: Tree = Recent(self._path) if self._over else self._kept
        self._removed.clear()
        #: Of a prefix: kept keys before this one are all removed, or among the recent ones again (`any`).
        self._passed: dict[bytes, bytes] = {}

    def _tree(self, *, write: bool) -> Tree:
        """A transaction of what is kept."""
        return Tree(self._env.begin(write=write, db=self._short), self._short, self._long)

    def _end(self) -> None:
        """Gives up what was not committed."""
        if self._over:
            self._top.end()
        self._kept.end()

    def _make_room(self) -> None:
        """Doubles the map when half full, between transactions: LMDB cannot grow inside one."""
        info = self._env.info()
        self._resident.bytes = used = (info["last_pgno"] + 1) * self._env.stat()["psize"]
        if used * 2 > info["map_size"]:
            self._env.set_mapsize(max(used * 4, info["map_size"] * 2))
            self._resident.moved()

    def get(self, key: bytes) -> bytes | None:
        """Value of the key, or None."""
        value = self._top.get(key)
        if value is None and self._over and key not in self._removed:
            value = self._kept.get(key)
        self._unlooked += 1
        if self._unlooked >= LOOK_ENTRIES:
            self._look()
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Set or replace."""
        self._removed.discard(key)
        self._top.put(key, value)

    def delete(self, key: bytes) -> None:
        """Remove, when there."""
        self._top.delete(key)
        if self._over:
            self._removed.add(key)

    def load(self, entries: list[Entry]) -> None:
        """Put many; those in key order keep LMDB on neighbouring pages."""
        if self._removed:
            self._removed.difference_update([key for key, _ in entries])
        self._top.load(entries)
        self._looked(entries)

    def scan(self, prefix: bytes) -> list[Entry]:
        """Every entry with the prefix, in key order."""
        found = self._top.scan(prefix)
        return self._looked(laid_over(self._kept.scan(prefix), found, self._removed) if self._over else found)

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[Entry]:
        """At most `limit` entries with the prefix from `start` on."""
        top = self._top.walk(start, prefix, limit)
        if not self._over:
            return self._looked(top)
        found: list[Entry] = []
        while True:
            kept = self._looked(self._kept.walk(start, prefix, limit))
            if len(kept) < limit or not kept:
                return (found + laid_over(kept, top, self._removed))[:limit]
            # As far as these go; of them some may have been removed.
            last = kept[-1][0]
            found += laid_over(kept, [entry for entry in top if entry[0] <= last], self._removed)
            if len(found) >= limit:
                return found[:limit]
            top = [entry for entry in top if entry[0] > last]
            start = last + b"\0"

    def any(self, prefix: bytes) -> bool:
        """Whether a key begins with the prefix."""
        if self._top.any(prefix):
            return True
        if not self._over:
            return False
        start, limit = self._passed.get(prefix, prefix), 1
        while found := self._looked(self._kept.walk(start, prefix, limit)):
            for key, _ in found:
                if key not in self._removed:
                    self._passed[prefix] = key
                    return True
            start, limit = found[-1][0] + b"\0", min(64, limit * 2)
        self._passed[prefix] = start
        return False

    def _looked(self, entries: list[Entry]) -> list[Entry]:
        """Counts entries that were put or listed, and passes them on."""
        self._unlooked += len(entries) + 1
        if self._unlooked >= LOOK_ENTRIES:
            self._look()
        return entries

    def _look(self) -> None:
        self._unlooked = 0
        resident.look()

    def entries(self) -> int:
        """How many keys there are; one that is laid over counts twice."""
        return self._kept.entries() + (self._top.entries() if self._over else 0)

    def commit(self, stamp: bytes) -> None:
        """
        Keep everything written so far, with this stamp.

        Raises:
            Unreachable: `state.unwritable`; the store is then of no use.
        """
        for _ in self.committing(stamp):
            pass

    def committing(self, stamp: bytes) -> Iterator[None]:
        """`commit` in slices; the store is of no other use until it has ended."""
        with folder.written(self._path):
            if self._over:
                yield from self._keep()
            self._kept.txn.put(_STAMP, stamp, db=self._about)
            self._kept.txn.commit()
            self._look()
            self._begin()

    def _keep(self) -> Iterator[None]:
        """Puts what is recent into the kept tree, in key order; `_kept` is then a transaction that may be written."""
        entries, removed = self._top.all(), iter(sorted(self._removed))
        self._kept.end()  # pages that it still read could not be used again
        while put := list(islice(entries, KEEP_ENTRIES)):
            self._keep_some(put, [])
            yield
        while gone := list(islice(removed, KEEP_ENTRIES)):
            self._keep_some([], gone)
            yield
        self._top.end()
        self._kept = self._tree(write=True)

    def _keep_some(self, put: list[Entry], gone: list[bytes]) -> None:
        self._make_room()
        kept = self._tree(write=True)
        kept.load(put)
        for key in gone:
            kept.delete(key)
        kept.txn.commit()
        self._look()

    def stamp(self) -> bytes | None:
        """Stamp of the last commit."""
        stamp: bytes | None = self._kept.txn.get(_STAMP, db=self._about)
        return stamp

    def wipe(self) -> None:
        """Remove everything, durably."""
        self._end()
        with folder.written(self._path):
            with self._env.begin(write=True) as txn:
                for table in (self._short, self._long, self._about):
                    txn.drop(table, delete=False)
            self._begin()

    def close(self) -> None:
        """Give up what was not committed, and the folder; a second call does nothing."""
        if not self._lock.closed:
            self._end()
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
