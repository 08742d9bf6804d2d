"""
A store in memory: the model that `LmdbStore` is measured against, and what property tests run on.

Keeps the promises of `state.store`; its commits outlive nothing but `abandon`, which plays a kill.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from syncsvc.state.store import after

_FEW = 64  # entries put one by one: sorting all keys for them would cost more


class MemoryStore:
    """A dict beside its sorted keys."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._stamp: bytes | None = None
        self._kept: dict[bytes, bytes] = {}
        self.get = self._values.get

    def put(self, key: bytes, value: bytes) -> None:
        """Set or replace."""
        if key not in self._values:
            insort(self._keys, key)
        self._values[key] = value

    def delete(self, key: bytes) -> None:
        """Remove, when there."""
        if self._values.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Every entry with the prefix, in key order."""
        return self.walk(prefix, prefix, len(self._keys))

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` entries with the prefix from `start` on."""
        end = after(prefix)
        first = bisect_left(self._keys, max(start, prefix))
        last = len(self._keys) if end is None else bisect_left(self._keys, end)
        return [(key, self._values[key]) for key in self._keys[first : min(last, first + limit)]]

    def any(self, prefix: bytes) -> bool:
        """Whether a key begins with the prefix."""
        return bool(self.walk(prefix, prefix, 1))

    def load(self, entries: list[tuple[bytes, bytes]]) -> None:
        """Put many."""
        if len(entries) < _FEW:
            for key, value in entries:
                self.put(key, value)
            return
        self._values.update(entries)
        self._keys = sorted(self._values)

    def entries(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    def commit(self, stamp: bytes) -> None:
        """Remember this moment."""
        self._kept, self._stamp = dict(self._values), stamp

    def committing(self, stamp: bytes) -> Iterator[None]:
        """In one slice."""
        self.commit(stamp)
        yield

    def commit_some(self, keys: int) -> None:
        """Remember so many keys of this moment, and the stamp of the last: what a kill within a commit leaves."""
        differing = {key for key, _ in self._values.items() ^ self._kept.items()}
        for key in sorted(differing)[:keys]:
            if key in self._values:
                self._kept[key] = self._values[key]
            else:
                del self._kept[key]

    def stamp(self) -> bytes | None:
        """Stamp of the last commit."""
        return self._stamp

    def wipe(self) -> None:
        """Forget everything, the commit too."""
        self._restore({})
        self._kept, self._stamp = {}, None

    def abandon(self) -> None:
        """What a kill leaves: the state of the last commit."""
        self._restore(self._kept)

    def close(self) -> None:
        """As a kill would."""
        self.abandon()

    def _restore(self, values: dict[bytes, bytes]) -> None:
        kept = dict(values)
        # In place: `get` is bound to this dict, and a `PartitionState` has taken it.
        self._values.clear()
        self._values.update(kept)
        self._keys = sorted(kept)
