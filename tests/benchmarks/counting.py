"""
What a fixed workload makes the stages do, counted: store operations, keyed records, documents, MongoDB statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import bson

from benchmarks.meetup import PIPELINE
from benchmarks.road import Road
from benchmarks.workload import Event, Meetup, links
from syncsvc.mapping import load_text
from syncsvc.mongo import statements
from syncsvc.mongo.commit import Commit, Write
from syncsvc.state.memory import MemoryStore

MEETINGS, CHANGES = 400, 2_000


class CountingStore(MemoryStore):
    """Counts what the stages ask of it, and how many entries that moves."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self._counts, self._plain_get = counts, self.get
        self.get = self._counted_get  # type: ignore[method-assign, assignment]

    def _counted_get(self, key: bytes) -> bytes | None:
        self._counts["get"] += 1
        return self._plain_get(key)

    def load(self, entries: list[tuple[bytes, bytes]]) -> None:
        """Counted as so many puts: a state writes in no other way."""
        self._counts["put"] += len(entries)
        super().load(entries)

    def delete(self, key: bytes) -> None:
        """Counted."""
        self._counts["delete"] += 1
        super().delete(key)

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Counted, also behind `scan` and `any`."""
        found = super().walk(start, prefix, limit)
        self._counts["scan"] += 1
        self._counts["scanned entries"] += len(found)
        return found


class Work:
    """The workload, run: first copy, then changes."""

    def __init__(self, batch: int, meetings: int = MEETINGS) -> None:
        self.meetup = Meetup(meetings, meetings, links(7, meetings, meetings, 5 * meetings))
        snapshot = list(self.meetup.snapshot())
        pipeline = load_text(PIPELINE.format(name="guard", collection="documents", prefix="p"), "guard.yaml")
        self._counts: Counter[str] = Counter()
        #: `{_id: document}` as it would stand in MongoDB.
        self.documents: dict[int, dict[str, object]] = {}
        first_copy = Counter(event.table for event in snapshot)
        self._road = Road(pipeline, first_copy, lambda name: CountingStore(self._counts), batch=batch)
        for joiner in self._road.joiners:
            self._count_renders(joiner)
        #: Commits of the rounds of each part: a round is one transaction.
        self.groups: dict[str, list[list[Commit]]] = {}
        #: `{part: {what: count}}`.
        self.counted = {
            "copy": self._run("copy", snapshot), "changes": self._run("changes", self.meetup.changes(CHANGES)),
        }  # fmt: skip

    def _count_renders(self, joiner: object) -> None:
        renderer = joiner.renderer  # type: ignore[attr-defined]
        plain = renderer.render

        def render(*arguments: object) -> object:
            self._counts["renders"] += 1
            return plain(*arguments)

        renderer.render = render

    def _run(self, part: str, events: Iterable[Event]) -> dict[str, int]:
        """Counts of everything that these events made happen."""
        road, before = self._road, self._totals()
        road.feed(events)
        for group in road.run():
            self.groups.setdefault(part, []).append(group)
            self._counts["transactions"] += 1
            self._counts["segments"] += sum(bool(commit.segments) for commit in group)
            self._counts["segment bytes"] += sum(len(blob) for commit in group for blob in commit.segments)
            for command in statements.of_group(group):
                self._counts["commands"] += 1
                self._counts["statements"] += len(command.statements)
            for commit in group:
                self._show(commit.writes)
        return {name: count - before.get(name, 0) for name, count in self._totals().items()}

    def _show(self, writes: Iterable[Write]) -> None:
        for write in writes:
            identity = bson.decode(write.match)["_id"]
            if write.op == "delete":
                self.documents.pop(identity, None)
                continue
            document = bson.decode(write.body)
            del document["_sync"]
            self._counts["document bytes"] += len(write.body)
            self.documents[identity] = document

    def _totals(self) -> dict[str, int]:
        road = self._road
        return {
            **self._counts, "records": road.records, "keyed records": road.keyed_records,
            "keyed bytes": road.keyed_bytes, "documents": road.documents,
        }  # fmt: skip
