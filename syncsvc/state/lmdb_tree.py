"""
A sorted table of bytes in one LMDB transaction, with keys of any length.

Short keys go straight to LMDB; longer ones, which it would refuse, are put in order all the same (`long_keys`).  Which
trees a store has, and when their transactions end, is the matter of `lmdb_store`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from syncsvc.state.long_keys import CUT, Beyond

Entry = tuple[bytes, bytes]


class Tree:
    """
    The table; of no use once its transaction has ended.

    `get`, `put` and `delete` reach the transaction through one length test and nothing else: 0.5 to 2 us each.
    """

    def __init__(self, txn: Any, short: Any, long: Any) -> None:
        """`short`, `long`: the two databases that hold it."""
        self.txn, self._short, self._long = txn, short, long
        self._get, self._put, self._delete = txn.get, txn.put, txn.delete
        # The cursor of the transaction is used again and again: making one costs as much as 4 entries.
        self._cursor = txn.cursor()
        self._beyond = Beyond(txn, short, long)

    def get(self, key: bytes) -> bytes | None:
        """Value of the key, or None."""
        value: bytes | None = self._get(key) if len(key) < CUT else self._beyond.get(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Set or replace."""
        if len(key) < CUT:
            self._put(key, value)
        else:
            self._beyond.put(key, value)

    def delete(self, key: bytes) -> None:
        """Remove, when there."""
        if len(key) < CUT:
            self._delete(key)
        else:
            self._beyond.delete(key)

    def scan(self, prefix: bytes) -> list[Entry]:
        """Every entry with the prefix, in key order."""
        if self._beyond.used:
            return list(self._beyond.walk(prefix, prefix))
        found: list[Entry] = []
        cursor = self._cursor
        if cursor.set_range(prefix):
            for entry in cursor.iternext():
                if not entry[0].startswith(prefix):
                    break
                found.append(entry)
        return found

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[Entry]:
        """At most `limit` entries with the prefix from `start` on."""
        first = max(start, prefix)
        if self._beyond.used or len(first) >= CUT:
            return list(islice(self._beyond.walk(first, prefix), limit))
        found: list[Entry] = []
        if limit > 0 and self._cursor.set_range(first):
            # Not `islice`: it would read `limit` entries where the prefix has two.
            for entry in self._cursor.iternext():
                if not entry[0].startswith(prefix):
                    break
                found.append(entry)
                if len(found) == limit:
                    break
        return found

    def all(self) -> Iterator[Entry]:
        """Every entry in key order; no writes meanwhile."""
        if self._beyond.used:
            return self._beyond.walk(b"", b"")
        found: Iterator[Entry] = self.txn.cursor().iternext()
        return found

    def any(self, prefix: bytes) -> bool:
        """Whether a key begins with the prefix."""
        if self._beyond.used:
            return bool(self.walk(prefix, prefix, 1))
        found: bool = self._cursor.set_range(prefix) and self._cursor.key().startswith(prefix)
        return found

    def load(self, entries: list[Entry]) -> None:
        """Put many; those in key order keep LMDB on neighbouring pages."""
        for key, _ in entries:
            if len(key) >= CUT:
                break
        else:
            self._cursor.putmulti(entries, dupdata=False, overwrite=True)
            return
        for key, value in entries:
            self.put(key, value)

    def entries(self) -> int:
        """How many keys there are; a shared beginning of long keys counts as one more."""
        count: int = self.txn.stat(self._short)["entries"] + self.txn.stat(self._long)["entries"]
        return count

    def end(self) -> None:
        """Gives up what was not committed."""
        self.txn.abort()
