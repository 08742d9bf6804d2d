"""
When the segments of a state have grown too heavy, and the walk that makes them light again.

Part of `state.partition`, which says why dropping what a sweep has passed is safe.
"""

from __future__ import annotations

from collections.abc import Callable

from syncsvc.state import segments
from syncsvc.state.store import Store

#: Below this many bytes of segments a sweep is not worth its writes: such a state is read in 0.1 s.
LEAST_SWEEP_BYTES = 4 << 20
#: A sweep begins when the segments hold this many times the live state.
SWEEP_RATIO = 2
#: Live state a segment carries along while a sweep runs; more when its own changes are more, or it might never end.
SLICE_BYTES = 256 << 10

#: Entries read from the store at a time: one call, well below a slice.
_SLICE_ENTRIES = 256


class Weight:
    """What the segments since `base` hold, in bytes and entries; a guess may be too high, never too low for long."""

    def __init__(self, total_bytes: int = 0, entries: int = 0) -> None:
        self.bytes, self.entries = total_bytes, entries

    def add(self, more_bytes: int, entries: int) -> None:
        """Count one more blob."""
        self.bytes += more_bytes
        self.entries += entries

    def heavy(self, live_entries: Callable[[], int]) -> bool:
        """Whether a sweep is due: live bytes are guessed from the count of keys and the mean entry."""
        if self.bytes <= LEAST_SWEEP_BYTES:
            return False
        return self.bytes > SWEEP_RATIO * live_entries() * self.bytes / max(self.entries, 1)

    def as_dict(self) -> dict[str, int]:
        """`{bytes, entries}`, for the stamp."""
        return {"bytes": self.bytes, "entries": self.entries}


class Sweep:
    """A walk through the whole state in key order, a slice a segment."""

    def __init__(self, first: int) -> None:
        #: Number of the segment that carries the first slice: the base to be.
        self.first = first
        self.weight = Weight()
        self.ended = False
        self._next = b""

    def next_slice(self, store: Store, budget_bytes: int) -> tuple[bytes, int]:
        """`(blob, entries)` of the state from where the last slice ended; about `budget_bytes`, at least one entry."""
        live: dict[bytes, bytes | None] = {}
        size = 0
        while size < budget_bytes and not self.ended:
            entries = store.walk(self._next, b"", _SLICE_ENTRIES)
            self.ended = len(entries) < _SLICE_ENTRIES
            for key, value in entries:
                live[key] = value
                size += len(key) + len(value)
                if size >= budget_bytes:
                    self.ended = self.ended and key == entries[-1][0]
                    break
            if live:
                self._next = next(reversed(live)) + b"\0"
        return segments.encode(live) if live else b"", len(live)
