"""
What routers of rows and of schema changes have in common: one partition of a source topic, a sender of the keyed topic.

It folds records in offset order, sends its end mark once, behind all it sent for the first copy, and hands out what it
has counted and parked.  What a record means is for those who derive from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from mypy_extensions import mypyc_attr

from syncsvc.routing import records
from syncsvc.routing.outcome import ParkedRecord, Tally
from syncsvc.routing.poison import State
from syncsvc.routing.records import Outbox, Record

_ANY_NUMBER = 1 << 60
MARKED = b"e"  # state key: the end mark of the first copy was sent


@mypyc_attr(allow_interpreted_subclasses=True)  # the router of schema changes is not compiled
class SourcePartition(ABC):
    """A source partition between its log and the keyed topic."""

    def __init__(self, place: str, partitions: int, *, sender: int, end: int, state: State) -> None:
        """
        Args:
            place: `topic[partition]`, for the place of parked records.
            partitions: of the keyed topic.
            sender: number of this channel's sender, the same in every process of the generation.
            end: end offset of the partition when the generation began; its mark is sent when it is passed.
            state: the partition's state, already loaded.
        """
        self._place, self._partitions = place, partitions
        self._state, self._end = state, end
        self._marked = state.get(MARKED) is not None
        self.outbox = Outbox(sender)
        self.parked: list[ParkedRecord] = []
        #: Of the raw records in `parked`.
        self.parked_bytes = 0
        self.tally = Tally()

    def fold(self, batch: Iterable[Record], most_parked_bytes: int = _ANY_NUMBER) -> None:
        """
        Folds records in offset order into state, `outbox`, `parked` and `tally`.

        Ends behind the record with which `parked` has so many bytes; an iterator then still has those not folded.
        """
        for record in batch:
            if not self._marked and record.offset >= self._end:
                self.mark()
            self._record(record)
            if self.parked_bytes >= most_parked_bytes:
                break

    @abstractmethod
    def _record(self, record: Record) -> None:
        """Folds one record."""

    def passed(self, offset: int) -> None:
        """Tells that every record below `offset` was folded; sends the end mark when that is the end."""
        if not self._marked and offset >= self._end:
            self.mark()

    def mark(self) -> None:
        """Sends the end mark of this source partition to every keyed partition, once."""
        self.outbox.send_mark(self._partitions, self._end, 1)
        self._state.put(MARKED, b"")
        self._marked = True

    @property
    def marked(self) -> bool:
        """Whether the end of the first copy has been passed."""
        return self._marked

    def _bar(self, table: str, number: int, stamped: bytes, cause: str) -> None:
        """Tells every keyed partition that a table has no rows older than a stamp."""
        payload = records.barrier_payload(number, stamped)
        for partition in range(self._partitions):
            self.outbox.send(partition, b"", records.BARRIER, payload)
        self.tally.barrier(table, cause)

    def _keep(self, parked: ParkedRecord) -> None:
        """Keeps a record raw, for a person."""
        self.parked.append(parked)
        self.parked_bytes += len(parked.key or b"") + len(parked.value or b"")
        self.tally.parked += 1

    def _count(self, kind: str) -> None:
        self.tally.consumed[kind] = self.tally.consumed.get(kind, 0) + 1

    def take_tally(self) -> Tally:
        """What happened since the last call."""
        tally, self.tally = self.tally, Tally()
        return tally

    def take_parked(self) -> list[ParkedRecord]:
        """Records parked since the last call."""
        parked, self.parked, self.parked_bytes = self.parked, [], 0
        return parked

    def take_healed(self) -> list[str]:
        """Places of unreadable records that have become good since the last call; also some of `take_parked`."""
        return []
