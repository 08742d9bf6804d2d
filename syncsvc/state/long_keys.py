"""
Keys longer than LMDB takes, in their right order.

A key of `CUT` bytes or more is cut: its first `CUT` bytes are one *link* among the short keys, which names a node;
the rest stands under that node's name in a second table, cut again where it is still too long.  A link sorts exactly
where its long keys belong, between the short keys around it, so a walk in byte order goes into the node and comes
back.  (A digest for the tail would be simpler and lose the order; a list in one value would make every write of a
large address rewrite it.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

#: LMDB's limit; a stored key of exactly this length is a link, every shorter one is a whole key.
CUT = 511

#: Bytes of a node's name: random, so that no counter has to be kept.
_NAME = 8


class Beyond:
    """Long keys of one transaction; walks short ones with them."""

    def __init__(self, txn: Any, short: Any, long: Any) -> None:
        self._txn, self._short, self._long = txn, short, long
        #: Whether there may be long keys at all; while False the store need not look for links.
        self.used: bool = txn.stat(long)["entries"] > 0

    def get(self, key: bytes) -> bytes | None:
        """Value of the key, or None."""
        table, stored, _ = self._find(key, make=False)
        value: bytes | None = self._txn.get(stored, db=table) if stored else None
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Set or replace; makes the links on the way."""
        self.used = True
        table, stored, _ = self._find(key, make=True)
        self._txn.put(stored, value, db=table)

    def delete(self, key: bytes) -> None:
        """Remove, when there, with the links that lead nowhere then."""
        table, stored, links = self._find(key, make=False)
        if not stored:
            return
        self._txn.delete(stored, db=table)
        for table, link, node in reversed(links):
            with self._txn.cursor(db=self._long) as cursor:
                if cursor.set_range(node) and cursor.key().startswith(node):
                    return
            self._txn.delete(link, db=table)

    def walk(self, start: bytes, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every `(whole key, value)` with the prefix and `key >= start`, in order; no writes meanwhile."""
        return self._under(b"", start, prefix)

    def _under(self, node: bytes, start: bytes, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """As `walk`, below one node (b"" is the top); keys are what follows the node's name."""
        first, wanted, own = node + start, node + prefix, len(node)
        limit = wanted[:CUT]
        with self._txn.cursor(db=self._long if node else self._short) as cursor:
            if not cursor.set_range(first[:CUT]):
                return
            for key, value in cursor.iternext():
                if not key.startswith(limit):
                    return
                if len(key) < CUT:
                    yield key[own:], value
                    continue
                rest = first[CUT:] if key == first[:CUT] else b""
                for tail, held in self._under(value, rest, wanted[CUT:]):
                    yield key[own:] + tail, held

    def _find(self, key: bytes, make: bool) -> tuple[Any, bytes, list[tuple[Any, bytes, bytes]]]:
        """Table and stored key (b"" when a link is missing), and the links `(table, link, node)` that lead there."""
        links: list[tuple[Any, bytes, bytes]] = []
        table = self._short
        while len(key) >= CUT:
            link = key[:CUT]
            node: bytes | None = self._txn.get(link, db=table)
            if node is None:
                if not make:
                    return table, b"", links
                node = os.urandom(_NAME)
                self._txn.put(link, node, db=table)
            links.append((table, link, node))
            key, table = node + key[CUT:], self._long
        return table, key, links
