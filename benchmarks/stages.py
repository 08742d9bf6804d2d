"""
What each stage costs, in µs of CPU a unit: decode, route, fold, render, segment, commit, write, restore.

    python -m benchmarks.stages [--meetings 5000] [--changes 25000]

One JSON line a stage.  The pure stages run in one thread on the service's own state store (`road`); write and restore
use a mongod of the devstack, or that of `PB_MONGO`, and tell its CPU apart.  A unit that is written twice is not the
unit read once: each line says what it counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

from benchmarks import processes
from benchmarks.meetup import PIPELINE
from benchmarks.road import Road
from benchmarks.servers import running
from benchmarks.workload import Meetup, links
from syncsvc.changes.decoding import decoder_for
from syncsvc.errors import CheckFailed
from syncsvc.mapping import load_text
from syncsvc.mongo import client, fences, names, namespaces, segments
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.commit import Commit
from syncsvc.mongo.transaction import Transactions
from syncsvc.state.lmdb_store import LmdbStore
from syncsvc.state.partition import PartitionState

Line = dict[str, Any]
Groups = list[list[Commit]]


class Bench:
    """One workload on its way through all stages; `lines` are the figures."""

    def __init__(self, meetings: int, changes: int, folder: Path) -> None:
        self._folder = folder
        self.meetup = Meetup(meetings, meetings, links(7, meetings, meetings, 5 * meetings))
        snapshot = list(self.meetup.snapshot())
        text = PIPELINE.format(name="bench", collection="documents", prefix="p")
        first_copy = Counter(event.table for event in snapshot)
        self.road = Road(load_text(text, "bench.yaml"), first_copy, lambda name: LmdbStore(self._place(name)))
        self._parts = {"copy": snapshot, "changes": list(self.meetup.changes(changes))}
        #: Commits by part.
        self.groups: dict[str, Groups] = {}

    def _place(self, fence: str) -> Path:
        return self._folder / fence.replace("/", "_")

    def decode(self) -> Iterator[Line]:
        """Bytes to changes, of each table's topic."""
        tables, columns = self.road.plan.pipeline.tables, self.road.plan.columns
        decoders = {name: decoder_for(tables[name], columns[name]) for name in columns}
        for part, events in self._parts.items():
            wanted = [(decoders[event.table].decode, event.value) for event in events if event.value]
            began = time.thread_time()
            for decode, value in wanted:
                decode(value)
            yield line("decode", part, "source record", time.thread_time() - began, len(wanted))

    def pure(self) -> Iterator[Line]:
        """Route (with decoding), fold, render, segment and the building of commits."""
        road = self.road
        for part, events in self._parts.items():
            before = {**road.spent}, road.records, road.keyed_records, road.documents
            road.feed(events)
            self.groups[part] = list(road.run())
            records, keyed, documents = (
                now - then
                for now, then in zip((road.records, road.keyed_records, road.documents), before[1:], strict=True)
            )
            units = {
                "route": ("source record", records), "fold": ("keyed record", keyed),
                "render": ("document", documents), "segment": ("source record", records),
                "commit": ("document", documents),
            }  # fmt: skip
            for stage, (unit, count) in units.items():
                yield line(stage, part, unit, road.spent[stage] - before[0][stage], count)

    def write(self, mongo: Mongo, server: int) -> Iterator[Line]:
        """Transactions of fences, segments and documents, one after the other; mongod's own CPU beside ours."""
        namespaces.ensure(mongo, ["documents", "state"])
        with mongo.client.start_session() as session:
            for fence in self.road.states:
                fences.open_fence(mongo, fence, session.session_id["id"])
            transactions = Transactions(mongo, session, Event())
            for part, groups in self.groups.items():
                began, cpu = time.thread_time(), processes.stat(server)[1]
                for group in groups:
                    transactions.run(group)
                own, theirs = time.thread_time() - began, processes.stat(server)[1] - cpu
                documents = sum(len(commit.writes) for group in groups for commit in group)
                yield line("write", part, "document", own, documents, theirs) | {"transactions": len(groups)}
        found = {one["_id"]: one for one in mongo.database["documents"].find({}, {"_sync": 0})}
        if found != self.meetup.documents():
            what = "the documents that the stages lead to are not the expected ones"
            raise CheckFailed(code="bench.wrong_documents", where="stages", what=what, fix="run the tests")

    def restore(self, mongo: Mongo, server: int) -> Iterator[Line]:
        """The state of every partition: from the local cache as it was left, and from segments alone."""
        for state in self.road.states.values():
            state.close()
        standing = {one["_id"]: one for one in mongo.database[names.FENCES].find()}
        for kind in ("warm", "cold"):
            began, cpu, entries = time.thread_time(), processes.stat(server)[1], 0
            for fence in self.road.states:
                place = self._place(fence)
                store = LmdbStore(place if kind == "warm" else place.with_name(f"{place.name}-cold"))
                state = PartitionState(store, fence.encode())
                seq, base = standing[fence]["seq"], standing[fence].get("base", 1)
                first = state.behind(seq, base)
                if first <= seq:
                    for _, blob in segments.segments(mongo, "state", fence, first, seq):
                        state.apply(blob)
                state.caught_up(seq)
                entries += store.entries()
                state.close()
            own, theirs = time.thread_time() - began, processes.stat(server)[1] - cpu
            yield line("restore", kind, "state entry", own, entries, theirs)


def line(stage: str, part: str, unit: str, seconds: float, units: int, server: float | None = None) -> Line:
    """One figure; `server`: CPU seconds of mongod for the same."""
    found: Line = {"stage": stage, "part": part, "unit": unit, "units": units, "cpu_us": _each(seconds, units)}
    return found if server is None else found | {"mongod_us": _each(server, units)}


def _each(seconds: float, units: int) -> float:
    return round(seconds / max(1, units) * 1e6, 2)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meetings", type=int, default=5_000)
    parser.add_argument("--changes", type=int, default=25_000)
    given = parser.parse_args()
    with running(kafka=False) as servers, tempfile.TemporaryDirectory() as folder:
        bench = Bench(given.meetings, given.changes, Path(folder))
        mongo = client.connect(servers.mongo, "pb_stages")
        server = processes.listener(processes.port_of(servers.mongo))
        steps: list[Callable[[], Iterator[Line]]] = [
            bench.decode, bench.pure, lambda: bench.write(mongo, server), lambda: bench.restore(mongo, server)
        ]  # fmt: skip
        try:
            for step in steps:
                for found in step():
                    print(json.dumps(found), flush=True)
        finally:
            mongo.client.drop_database("pb_stages")
            mongo.close()


if __name__ == "__main__":
    main()
