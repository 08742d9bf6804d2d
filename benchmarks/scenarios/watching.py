"""
How long changes take until a reader sees them: from `produce()` to the change stream's event that shows them.

Each title ends in `#<number>`; a title counts as seen when its meeting shows it or a later one, as in the benchmark
kit's harness.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any

from pymongo.collection import Collection as Mongo

AWAIT_MS = 200


class Watcher:
    """Watches some meetings of a collection from its making on; a context manager."""

    def __init__(self, collection: Mongo[dict[str, Any]], meetings: Collection[int]) -> None:
        pipeline: list[dict[str, Any]] = [
            {"$match": {"documentKey._id": {"$in": sorted(meetings)}}},
            {"$project": {
                "documentKey": 1, "fullDocument.title": 1, "updateDescription.updatedFields.title": 1
            }},
        ]  # fmt: skip
        self._stream = collection.watch(pipeline, max_await_time_ms=AWAIT_MS)
        self._lock, self._over = threading.Lock(), threading.Event()
        #: `{meeting: {number of the title: when it was sent}}` of those not yet seen.
        self._sent: dict[int, dict[int, float]] = {}
        #: `(when sent, seconds until it was seen, meeting)`.
        self.seen: list[tuple[float, float, int]] = []
        #: `{meeting: events}`: how often it was written.
        self.events: dict[int, int] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._stream.close()

    def sends(self, meeting: int, number: int) -> None:
        """Title `number` of a meeting is handed to the producer now."""
        with self._lock:
            self._sent.setdefault(meeting, {})[number] = time.perf_counter()

    def _watch(self) -> None:
        while not self._over.is_set():
            event = self._stream.try_next()
            if event is None:
                continue
            now, meeting = time.perf_counter(), event["documentKey"]["_id"]
            self.events[meeting] = self.events.get(meeting, 0) + 1
            fields = event.get("fullDocument") or (event.get("updateDescription") or {}).get("updatedFields") or {}
            if title := fields.get("title"):
                self._saw(meeting, int(title.rpartition("#")[2]), now)

    def _saw(self, meeting: int, number: int, now: float) -> None:
        with self._lock:
            waiting = self._sent.get(meeting, {})
            for shown in [one for one in waiting if one <= number]:
                sent = waiting.pop(shown)
                self.seen.append((sent, now - sent, meeting))

    @property
    def unseen(self) -> int:
        """Titles sent and not yet seen."""
        with self._lock:
            return sum(map(len, self._sent.values()))

    def percentiles(self, spans: Sequence[tuple[float, float]], meetings: Collection[int]) -> dict[str, float]:
        """
        Milliseconds of the titles of these meetings that were sent within spans of `time.perf_counter()`.

        `{p50, p95, p99, max, count}`; only the count when there are none.
        """
        wanted = set(meetings)
        found = sorted(
            seconds * 1000
            for sent, seconds, meeting in self.seen
            if meeting in wanted and any(begin <= sent <= end for begin, end in spans)
        )
        if not found:
            return {"count": 0}
        at = {f"p{share}": found[min(len(found) - 1, len(found) * share // 100)] for share in (50, 95, 99)}
        return {name: round(value, 1) for name, value in (at | {"max": found[-1]}).items()} | {"count": len(found)}
