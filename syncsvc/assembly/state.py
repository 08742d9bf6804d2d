"""
What the join asks of its state: sorted bytes, nothing more.

The port between the pure core and `state`; the core is handed something of this shape and never opens anything.
"""

from __future__ import annotations

from typing import Protocol


class State(Protocol):
    """Sorted `key -> value` bytes of one partition; a change is seen by every later read of the same step."""

    def get(self, key: bytes) -> bytes | None:
        """The value, None when there is none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value."""

    def delete(self, key: bytes) -> None:
        """Removes a key; nothing happens when it is not there."""

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Every `(key, value)` whose key begins with `prefix`, in key order."""

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` of them from `start` on, in key order; go on with the last key + a zero byte."""

    def any(self, prefix: bytes) -> bool:
        """Whether a key begins with `prefix`."""
