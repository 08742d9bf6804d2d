"""
What a partition asks of its local store: sorted keys, bytes to bytes, one open transaction.

`MemoryStore` and `LmdbStore` keep this promise and share one conformance suite (`tests/state/test_store.py`).
A store does not know what its keys mean, and is used by one thread at a time.

Promises, for every store:

* Keys are 1 byte or longer, of any length; values are any bytes, empty ones too.
* Order is plain byte order over whole keys, whatever their length.
* Reads see the writes before them, committed or not.
* A list that was returned is a copy: writing while going through it is allowed.
* After a kill the store holds what it held at the last `commit`, with its stamp.  Killed within a commit, it may have
  some keys as that one was to keep them, still with the stamp before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Store(Protocol):
    """Sorted `{key: value}` of bytes with a stamp that says which moment it shows."""

    def get(self, key: bytes, /) -> bytes | None:
        """Value of the key, or None."""

    def put(self, key: bytes, value: bytes, /) -> None:
        """Set or replace."""

    def delete(self, key: bytes, /) -> None:
        """Remove; a key that is not there is no error."""

    def scan(self, prefix: bytes, /) -> list[tuple[bytes, bytes]]:
        """Every `(key, value)` whose key begins with `prefix`, in key order; keys are whole."""

    def walk(self, start: bytes, prefix: bytes, limit: int, /) -> list[tuple[bytes, bytes]]:
        """
        The first `limit` entries with the prefix and `key >= start`, in key order.

        Go on with `start = last key + b"\\0"`; a list shorter than `limit` is the end.
        """

    def any(self, prefix: bytes, /) -> bool:
        """Whether a key begins with `prefix`."""

    def load(self, entries: list[tuple[bytes, bytes]], /) -> None:
        """Put many at once; faster than `put` one by one, most of all in key order."""

    def entries(self) -> int:
        """How many keys there are; those that changed since the last commit may count twice, very long ones too."""

    def commit(self, stamp: bytes, /) -> None:
        """Keep everything written so far, with this stamp, against the death of the process."""

    def committing(self, stamp: bytes, /) -> Iterator[None]:
        """`commit` in slices; the store is of no other use until it has ended."""

    def stamp(self) -> bytes | None:
        """Stamp of the last commit; None for a new store and after `wipe`."""

    def wipe(self) -> None:
        """Remove all keys and the stamp, at once and durably."""

    def close(self) -> None:
        """Give up what was not committed, and let another process have the store."""


def after(prefix: bytes) -> bytes | None:
    """
    Least key above every key that begins with `prefix`; None when there is none.

    >>> after(b"a\\xff")
    b'b'
    """
    body = prefix.rstrip(b"\xff")
    return body[:-1] + bytes((body[-1] + 1,)) if body else None
