"""
What has changed since a store was kept, in a tree of its own that is never written out.

LMDB holds its copy of each page that has changed in the memory of the process, until the commit.  Changes come in any
order, nearly each with a page of its own, so a large tree that takes them as they come soon stands there as a whole.
Here they lie close together; `lmdb_store` puts them into the kept tree in key order, some pages at a time.
"""

from __future__ import annotations

from pathlib import Path

import lmdb

from syncsvc.state.lmdb_tree import Entry, Tree

_MAP_BYTES = 16 << 30  # of address space; LMDB's copies of pages lie elsewhere


class Recent(Tree):
    """The changes between two commits, in an environment that ends with them."""

    def __init__(self, folder: Path) -> None:
        """`folder`: for LMDB's file, in which nothing is written."""
        path = folder / "recent"
        path.unlink(missing_ok=True)  # of a process that was killed before it did this below
        # Not one transaction after another: an environment keeps the memory of its largest one.
        self._env = lmdb.open(
            str(path), subdir=False, lock=False, map_size=_MAP_BYTES, max_dbs=2, sync=False, metasync=False,
            meminit=False,
        )  # fmt: skip
        path.unlink()
        short, long = self._env.open_db(b"short"), self._env.open_db(b"long")
        super().__init__(self._env.begin(write=True, db=short), short, long)

    def end(self) -> None:
        """Forgets everything."""
        super().end()
        self._env.close()


def laid_over(kept: list[Entry], recent: list[Entry], removed: set[bytes]) -> list[Entry]:
    """Of one stretch of keys: what is recent over what is kept and was not removed, in key order."""
    if removed:
        kept = [entry for entry in kept if entry[0] not in removed]
    if not recent:
        return kept
    return sorted((dict(kept) | dict(recent)).items()) if kept else recent
