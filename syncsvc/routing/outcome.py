"""
What became of the records that a router folded: counts, and what it had to park.

Handed out by `router`, made durable and told by `actors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that could not be decoded, kept raw with its place."""

    #: `<topic>[<partition>]@<offset>`.
    place: str
    code: str
    what: str
    key: bytes | None
    value: bytes | None
    #: `(address, payload of its POISON record)` of every address it poisoned; a skip is sent to the same.
    targets: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(slots=True)
class Tally:
    """What became of the records of a step: consumed = applied + skipped + parked (invariant 5)."""

    #: `{op: records}`.
    consumed: dict[str, int] = field(default_factory=dict)
    applied: int = 0
    #: `{reason: records}`.
    skipped: dict[str, int] = field(default_factory=dict)
    parked: int = 0
    #: Source commit times of the newest and the oldest record, ms; 0 when none told it.
    newest_ms: int = 0
    oldest_ms: int = 0
    #: `{(table, cause): events}` that left a table without its older rows: `truncate`, `drop`, `create`.
    barriers: dict[tuple[str, str], int] = field(default_factory=dict)

    def see(self, source_ms: int) -> None:
        """Widens the span of source commit times."""
        self.newest_ms = max(self.newest_ms, source_ms)
        if source_ms and (source_ms < self.oldest_ms or not self.oldest_ms):
            self.oldest_ms = source_ms

    def skip(self, reason: str) -> None:
        """Counts a record that changes nothing."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def barrier(self, table: str, cause: str) -> None:
        """Counts an event after which a table has no older rows."""
        self.barriers[table, cause] = self.barriers.get((table, cause), 0) + 1
