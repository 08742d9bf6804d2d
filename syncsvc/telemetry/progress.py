"""
How far a pipeline is: lag in records, freshness in seconds, for each partition owned here and for the pipeline.

The actors report what they own and what became durable, a poller reports the broker's offsets, and a reader asks for
a `view` at a time it gives.  Nothing is computed in between, so a number is true at the moment it is read even when
the event loop stands still.  Pure but for a lock (actors and readers are in two threads): time is always an argument.

Definitions.  *Applied* is durable in MongoDB, not fetched.  *Lag* is end offset minus applied offset.  *Freshness*
of a partition is 0 only when it is applied up to an end offset polled less than 15 s ago and nothing waits;
otherwise it is now minus the source timestamp of the oldest unapplied event, and when that event was not even
fetched, minus that of the last applied event; and never less than the time since the oldest was first seen here,
fetched or below an end that was polled: our own clock tells that, however far the source's is ahead.  With nothing
known it is infinite: unknown counts as a missed objective; so is a pipeline of which a partition is still being loaded
here.  A log that ends before what it once held was made anew (or lost its end): its offsets say nothing about what was
applied, so it has no lag, and is not fresh.  A source that falls silent (its heartbeats stop) makes the pipeline as old
as its last heartbeat, whatever the lag.  A heartbeat proves nothing else: its time is the connector's clock, and a
connector that is behind sends heartbeats too, so it never makes anything fresher.
Invariant 9: the value is never less than the age of the oldest unapplied event the last poll could see.
It rests on source timestamps not going back inside a partition, which is true of a log; the keyed topic mixes
senders, so there a record not yet fetched may be older by as much as its sender is behind, and that shows as the
freshness of the sender's partition.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from syncsvc.telemetry.sightings import Sightings

#: An end offset older than this proves nothing.  Three polls of 5 s: one lost poll must not alarm anybody.
ENDS_VALID_SECONDS = 15.0

#: Heartbeats that may be missing before a source counts as silent: one late one must not alarm anybody.
SILENT_INTERVALS = 3

#: Least age of what is not applied, seconds: source times have no finer one, and 0 says that everything is.
LEAST_SECONDS = 0.001

#: Freshness of what nothing is known about.
UNKNOWN = math.inf


@dataclass(frozen=True, slots=True)
class PartitionView:
    """One owned partition at the time of the view."""

    stage: str
    topic: str
    partition: int
    #: Next offset after the last durable record.
    applied_offset: int
    #: Earliest offset the broker still has; None before the first poll, and of a log that was made anew.
    start_offset: int | None
    #: Offset the next record will get; None before the first poll, and of a log that was made anew.
    end_offset: int | None
    #: Seconds; `UNKNOWN` (infinity) when nothing is known.
    freshness_seconds: float
    #: Source commit time (Unix seconds) of the last applied event; None when none was applied.
    source_timestamp: float | None
    #: `live`, `behind` or `unknown`.
    state: str

    @property
    def lag(self) -> int | None:
        """Records not yet applied; None before the first poll, and of a log that was made anew."""
        # The last poll may be older than what was applied since.
        return None if self.end_offset is None else max(0, self.end_offset - self.applied_offset)

    @property
    def retention_margin(self) -> int | None:
        """Records between what the broker deletes next and what we need next; below 0, records are lost."""
        return None if self.start_offset is None else self.applied_offset - self.start_offset


@dataclass(frozen=True, slots=True)
class View:
    """A pipeline at one moment, as far as it is owned here."""

    partitions: tuple[PartitionView, ...]
    #: The oldest partition's, `UNKNOWN` while one is loaded; None when this worker has nothing and so cannot know.
    freshness_seconds: float | None
    #: `{source: Unix seconds of its newest heartbeat}`; a source without one is not in it.
    heartbeats: Mapping[str, float]


class _Partition:
    """What was reported about one owned partition."""

    __slots__ = (
        "end", "next_offset", "polled_at", "reached", "sightings", "source_ts", "stage", "start", "waiting_since",
        "waiting_ts",
    )  # fmt: skip

    def __init__(self, stage: str, next_offset: int, source_ts: float | None) -> None:
        self.stage = stage
        self.next_offset = next_offset
        #: Source time of the last applied event: every older one of the partition is applied too.
        self.source_ts = source_ts
        self.waiting_ts: float | None = None
        #: By our own clock, since when that or something older waits.
        self.waiting_since = math.inf
        self.sightings = Sightings()
        self.start: int | None = None
        self.end: int | None = None
        #: The farthest offset that the log is known to have had.
        self.reached = next_offset
        self.polled_at = -math.inf

    def polled(self, start: int, end: int, at: float) -> None:
        self.reached = max(self.reached, end)
        # Logs only grow: one that ends before is another log, or has lost records that were applied.
        self.start, self.end = (start, end) if end == self.reached else (None, None)
        self.polled_at = at
        if self.end is None:
            self.sightings.clear()
        else:
            self.sightings.add(self.next_offset, self.end, at)

    def waits(self, oldest: float | None, at: float) -> None:
        if oldest is None:
            self.waiting_since = math.inf
        elif self.waiting_ts is None or oldest > self.waiting_ts:  # what was the oldest is applied
            self.waiting_since = at
        self.waiting_ts = oldest

    def caught_up(self) -> bool:
        return self.end is not None and self.next_offset >= self.end and self.waiting_ts is None

    def freshness(self, now: float, valid_seconds: float) -> float:
        """Invariant 9: 0 only with a fresh proof, otherwise an age that cannot be too small."""
        if self.end is None and self.polled_at > -math.inf:
            return UNKNOWN
        if self.caught_up() and now - self.polled_at < valid_seconds:
            return 0.0
        oldest = self.waiting_ts if self.waiting_ts is not None else self.source_ts
        if oldest is None:
            return UNKNOWN
        since = min(self.waiting_since, self.sightings.since(self.next_offset))
        return max(LEAST_SECONDS, now - oldest, now - since)

    def view(self, topic: str, partition: int, now: float, valid_seconds: float) -> PartitionView:
        freshness = self.freshness(now, valid_seconds)
        known = self.end is not None and now - self.polled_at < valid_seconds
        state = "live" if freshness == 0 and known else "behind" if known else "unknown"
        return PartitionView(
            self.stage, topic, partition, self.next_offset, self.start, self.end, freshness, self.source_ts, state
        )


class Progress:
    """
    What one pipeline owns here and how far it is.

    Args:
        heartbeat_seconds: interval of the sources' heartbeats; None: they are not judged.  A source that has sent some
            and then none for `SILENT_INTERVALS` of them makes the pipeline stale although its lag is 0.
        valid_seconds: how long a polled end offset proves that a partition is caught up.
    """

    def __init__(self, *, heartbeat_seconds: float | None = None, valid_seconds: float = ENDS_VALID_SECONDS) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._valid_seconds = valid_seconds
        self._heartbeats: dict[str, float] = {}
        self._partitions: dict[tuple[str, int], _Partition] = {}
        self._loading: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def loading(self, topic: str, partition: int) -> None:
        """A partition was assigned and its state is being made whole: how old what waits in it is, nobody can say."""
        with self._lock:
            self._loading.add((topic, partition))

    def owned(self, stage: str, topic: str, partition: int, next_offset: int, source_ts_ms: int | None = None) -> None:
        """A partition was opened at this fence offset; `source_ts_ms` when the fence remembers its last event's."""
        with self._lock:
            self._loading.discard((topic, partition))
            self._partitions[topic, partition] = _Partition(stage, next_offset, _seconds(source_ts_ms))

    def disowned(self, topic: str, partition: int) -> None:
        """The partition was given back, loaded or not; what is still reported about it afterwards is ignored."""
        with self._lock:
            self._loading.discard((topic, partition))
            self._partitions.pop((topic, partition), None)

    def applied(self, topic: str, partition: int, next_offset: int, source_ts_ms: int | None) -> None:
        """
        Everything before `next_offset` is durable.

        `source_ts_ms` is the oldest source time of the records this made durable (the keyed topic mixes senders), in
        milliseconds; None when they carry none.
        """
        with self._lock:
            known = self._partitions.get((topic, partition))
            if known is None:
                return
            known.next_offset = next_offset
            if source_ts_ms is not None:
                known.source_ts = source_ts_ms / 1000

    def waiting(self, topic: str, partition: int, oldest_source_ts_ms: int | None, at: float) -> None:
        """Source time of the oldest event fetched and not yet durable (also of a fan-out under way); None: nothing.

        `at` is the time now (Unix seconds).  Call it after `applied` too: until then what waited before still counts,
        which is late and never wrong.
        """
        with self._lock:
            known = self._partitions.get((topic, partition))
            if known is not None:
                known.waits(_seconds(oldest_source_ts_ms), at)

    def ends(self, offsets: Mapping[tuple[str, int], tuple[int, int]], polled_at: float) -> None:
        """`{(topic, partition): (start, end)}` of the broker; `polled_at` is the time BEFORE the request was sent."""
        with self._lock:
            for key, (start, end) in offsets.items():
                known = self._partitions.get(key)
                if known is not None:
                    known.polled(start, end, polled_at)

    def heartbeat(self, source: str, sent_ms: int) -> None:
        """The connector of this source sent a heartbeat then; older ones than known are ignored."""
        with self._lock:
            self._heartbeats[source] = max(sent_ms / 1000, self._heartbeats.get(source, 0.0))

    def view(self, now: float) -> View:
        """Lag and freshness at `now` (Unix seconds), partitions ordered by stage (router first), topic, number."""
        with self._lock:
            owned = sorted(self._partitions.items(), key=lambda item: (item[1].stage != "router", item[0]))
            partitions = tuple(known.view(*key, now, self._valid_seconds) for key, known in owned)
            heartbeats, loading = dict(self._heartbeats), bool(self._loading)
        if not partitions:
            return View((), UNKNOWN if loading else None, heartbeats)
        oldest = UNKNOWN if loading else max(partition.freshness_seconds for partition in partitions)
        if self._heartbeat_seconds is not None and any(partition.stage == "router" for partition in partitions):
            silences = [max(0.0, now - sent) for sent in heartbeats.values()]
            silent = [seconds for seconds in silences if seconds >= SILENT_INTERVALS * self._heartbeat_seconds]
            oldest = max([oldest, *silent])
        return View(partitions, oldest, heartbeats)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
