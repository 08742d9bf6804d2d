"""
What each pure stage costs, in µs of CPU a unit: route, segment, fold, first copy; on the service's own state store.

    python -m benchmarks.stages [--meetings 5000]

Prints one JSON line.  Rows are made here, seeded; no server is started.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from benchmarks.meetup import PIPELINE
from syncsvc.assembly.joiner import Joiner
from syncsvc.flow import Record
from syncsvc.mapping import load_text
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.router import Router
from syncsvc.routing.senders import Senders
from syncsvc.state.lmdb_store import LmdbStore
from syncsvc.state.partition import PartitionState

BATCH = 2_000  # records folded at a time


def _rows(meetings: int) -> dict[str, list[Record]]:
    """`{table: snapshot records}`: as many users as meetings, five times as many applications."""
    rng = random.Random(7)
    words = ["open", "data", "night", "kafka", "book", "river", "chess", "garden"]

    def some(count: int) -> str:
        return " ".join(rng.choices(words, k=count))

    def record(offset: int, row: dict[str, object]) -> Record:
        source = {"file": "binlog.000001", "pos": 100 + offset, "row": 0, "ts_ms": 1_767_225_600_000 + offset}
        envelope = {"before": None, "after": row, "op": "r", "source": source}
        return Record(offset, json.dumps({"id": row["id"]}).encode(), json.dumps(envelope).encode())

    keys = range(1, meetings + 1)
    tables: dict[str, list[dict[str, object]]] = {
        "meetup.meeting": [
            {"id": key, "title": some(4), "place": some(1), "capacity": 20, "status": "open", "starts_at": key}
            for key in keys
        ],
        "meetup.user": [{"id": key, "name": some(2), "email": f"u{key}@example.org", "city": some(1)} for key in keys],
        "meetup.meeting_application": [
            {"id": key, "meeting_id": rng.choice(keys), "user_id": rng.choice(keys), "status": "applied",
             "memo": some(6), "applied_at": key}
            for key in range(1, 5 * meetings + 1)
        ],
    }  # fmt: skip
    return {table: [record(offset, row) for offset, row in enumerate(rows)] for table, rows in tables.items()}


def measure(meetings: int) -> dict[str, float]:
    """`{stage: µs of CPU a unit}`."""
    plan = compile_plan(load_text(PIPELINE.format(name="bench", collection="c", prefix="p"), "bench.yaml"))
    senders = Senders(dict.fromkeys(plan.tables, 1), plan.pipeline.partitions)
    sources = _rows(meetings)
    spent = dict.fromkeys(("route", "segment", "fold", "copy"), 0.0)
    keyed: list[list[Record]] = [[] for _ in range(plan.pipeline.partitions)]

    def append(batches: dict[int, list[tuple[bytes, bytes]]]) -> None:
        for partition, batch in batches.items():
            log = keyed[partition]
            log += [Record(len(log) + index, key, value) for index, (key, value) in enumerate(batch)]

    with tempfile.TemporaryDirectory() as folder:

        def state(name: str) -> PartitionState:
            made = PartitionState(LmdbStore(Path(folder) / name), name.encode())
            made.behind(0, 1)
            made.caught_up(0)
            return made

        for table in plan.tables:
            records, held = sources[table], state(table)
            router = Router(
                plan, table, table, 0, sender=senders.router(table, 0), end=len(records), state=held
            )
            for start in range(0, len(records), BATCH):
                began = time.thread_time()
                router.fold(records[start : start + BATCH])
                spent["route"] += time.thread_time() - began
                append(router.outbox.take())
            router.passed(len(records))
            append(router.outbox.take())
            began = time.thread_time()
            held.take_segment(1)
            spent["segment"] += time.thread_time() - began
        joiners = [Joiner(plan, number, senders, state(f"joiner {number}")) for number in range(len(keyed))]
        read = [0] * len(keyed)
        while any(at < len(log) for at, log in zip(read, keyed, strict=True)):
            for number, joiner in enumerate(joiners):
                batch = keyed[number][read[number] : read[number] + BATCH]
                read[number] += len(batch)
                began = time.thread_time()
                joiner.fold(batch)
                spent["fold"] += time.thread_time() - began
                append(joiner.outbox.take())
        documents = 0
        for joiner in joiners:
            began = time.thread_time()
            while joiner.agenda.busy:
                documents += len(joiner.agenda.take(0).fresh)
            spent["copy"] += time.thread_time() - began
    rows = sum(map(len, sources.values()))
    units = {"route": rows, "segment": rows, "fold": sum(map(len, keyed)), "copy": documents}
    return {stage: round(seconds / units[stage] * 1e6, 2) for stage, seconds in spent.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meetings", type=int, default=5_000)
    print(json.dumps({"cpu_us": measure(parser.parse_args().meetings)}))
