"""
One scenario's ground: topics, a collection, and workers as child processes, with meters and the comparison at the end.

The workers are those of `benchmarks/run-meetup`.  Refuses a run that did not end with exactly the expected documents:
every comparison is of all documents with all fields but `_sync`.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import pymongo
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks import processes, quota
from benchmarks.servers import PARTITIONS, Servers, say
from benchmarks.workload import TABLES, Event
from syncsvc.devstack import children, server
from syncsvc.errors import CheckFailed

ROOT = Path(__file__).parents[2]
LOOK_SECONDS = 0.02  # between two looks at something that is waited for
SPARING_SECONDS = 0.1  # .. where a look costs milliseconds of mongod
#: Documents that are looked at again and again until they are right, then more, then all that were not right the last
#: time, then all: looks at many documents cost a quarter of a core (measured), which the workers then do not have.
SAMPLES = (20, 300)
PATIENCE_SECONDS = 300.0
STOP_SECONDS = 60.0

Documents = Mapping[int, Mapping[str, Any]]


class Converged(NamedTuple):
    """The moment at which all documents were as expected: comparing them takes seconds more, and the workers idle."""

    #: `time.perf_counter()`.
    at: float
    #: The meter's, of then.
    report: dict[str, Any]


class Stage:
    """A pipeline of its own on shared servers; a context manager that leaves nothing behind."""

    def __init__(self, servers: Servers, name: str) -> None:
        self._servers = servers
        self.prefix = f"pb_{name.replace('-', '')}_{uuid.uuid4().hex[:6]}"
        self.state = servers.folder / self.prefix
        self.state.mkdir()
        self._log = servers.folder / f"{self.prefix}.log"
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(servers.mongo)
        self.collection = self._client[self.prefix]["meetings"]
        # The Java client's partitioner, as Connect uses it.
        self.producer = Producer(
            {"bootstrap.servers": servers.kafka, "partitioner": "murmur2_random", "enable.idempotence": True,
             "linger.ms": 1, "queue.buffering.max.messages": 200_000, "log_level": 3}
        )  # fmt: skip
        self._admin = AdminClient({"bootstrap.servers": servers.kafka})
        topics = [NewTopic(f"{self.prefix}.{table}", PARTITIONS, 1) for table in TABLES]
        for made in self._admin.create_topics(topics).values():
            made.result()
        self._worker: children.Child | None = None
        self._ports: list[int] = []
        self._groups: list[Path] = []
        self.meter: processes.Meter | None = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | BaseException | None) -> None:
        if kind is not None and self._worker is not None:
            sys.stderr.write(f"{children.tail(self._log)}\n")
        self.stop()
        self.producer.flush(10)
        self._client.drop_database(self.prefix)
        self._client.close()
        topics = [topic for topic in self._admin.list_topics(timeout=10).topics if self.prefix in topic]
        for gone in self._admin.delete_topics(topics).values():
            gone.result()
        shutil.rmtree(self.state, ignore_errors=True)

    # The source.

    def send(self, event: Event) -> None:
        """Produces one record, without waiting for it."""
        topic = f"{self.prefix}.{event.table}"
        while True:
            try:
                self.producer.produce(topic, key=event.key, value=event.value or None)
            except BufferError:
                self.producer.poll(0.1)
            else:
                return

    def load(self, events: Iterable[Event]) -> int:
        """Produces records and waits until the broker has all of them; how many."""
        count = 0
        for count, event in enumerate(events, 1):
            self.send(event)
            if count % 1000 == 0:
                self.producer.poll(0)
        if left := self.producer.flush(60):
            raise CheckFailed(
                code="bench.not_sent", where=self.prefix, what=f"the broker did not take {left} records in time",
                fix="look at the broker's log",
            )  # fmt: skip
        return count

    # The workers.

    def start(self, workers: int | None = None, *, named: bool = False, cores: float | None = None) -> float:
        """
        Starts the workers and a meter of them; returns `time.perf_counter()` of the moment.

        Args:
            named: as in Kubernetes, so that a worker that is back gets its own partitions.
            cores: what each worker may use; None: whatever there is.
        """
        count = workers or int(os.environ.get("WORKERS", "2"))
        self._ports = [server.free_port() for _ in range(count)]
        self._groups = [] if cores is None else [quota.make(cores) for _ in range(count)]
        given = {
            **self._servers.environment, "PB_PREFIX": self.prefix, "PB_DB": self.prefix, "PB_COLLECTION": "meetings",
            "PB_STATE": str(self.state), "WORKERS": str(count), "HTTP_PORTS": " ".join(map(str, self._ports)),
            "BENCH_ENVIRONMENT": sys.executable, "NAMED": "1" if named else "",
            "WORKER_GROUPS": " ".join(map(str, self._groups)),
        }  # fmt: skip
        began = time.perf_counter()
        self._worker = self._servers.nursery.spawn(
            "workers", [str(ROOT / "benchmarks" / "run-meetup")], log=self._log, env=given
        )
        servers = {"mongod": self._servers.mongo, "kafka": self._servers.kafka}
        listeners = {name: processes.listener(processes.port_of(address)) for name, address in servers.items()}
        self.meter = processes.Meter([self._worker.pid], listeners)
        return began

    def ready(self) -> float:
        """Waits until every worker's `/ready` says so; returns `time.perf_counter()` of the moment."""
        for port in self._ports:
            self.wait_for(lambda port=port: _answers(port), "a worker that is ready")  # type: ignore[misc]
        return time.perf_counter()

    def stop(self) -> None:
        """Asks the workers to leave, and waits."""
        if self.meter is not None:
            self.meter.close()
        if self._worker is not None:
            self._worker.stop(STOP_SECONDS)
            self._worker = None
        while self._groups:
            quota.remove(self._groups.pop())

    # The outcome.

    def wait_for(
        self,
        condition: Callable[[], bool],
        what: str,
        seconds: float = PATIENCE_SECONDS,
        *,
        pause: float = LOOK_SECONDS,
    ) -> None:
        """
        Returns when the condition holds; `pause` seconds lie between two looks.

        Raises:
            CheckFailed: `bench.not_in_time`; `bench.worker_ended`.
        """
        deadline = time.perf_counter() + seconds
        while not condition():
            if self._worker is None or self._worker.exit_code is not None:
                code, said = "bench.worker_ended", "the workers have ended"
            elif time.perf_counter() > deadline:
                code, said = "bench.not_in_time", f"not within {seconds:.0f} s"
            else:
                time.sleep(pause)
                continue
            fix = f"the workers said:\n{children.tail(self._log)}"
            raise CheckFailed(code=code, where=self.prefix, what=f"waiting for {what}: {said}", fix=fix)

    def converge(self, expected: Documents) -> Converged:
        """Waits for exactly the expected documents; what the look that saw them first has to tell."""
        assert self.meter is not None
        dice, numbers = random.Random(1), sorted(expected)
        left: list[int] | None = None
        while True:
            among = numbers if left is None else left
            for count in SAMPLES:
                self._right(dice.sample(among, min(count, len(among))), expected)
            looked = Converged(time.perf_counter(), self.meter.report())
            found = self.wrong(expected, left)
            if not found and left is not None:
                found = self.wrong(expected)
            if not found:
                return looked
            left = found

    def _right(self, probe: list[int], expected: Documents) -> None:
        """Waits until these documents are as expected."""

        def look() -> bool:
            found = {one["_id"]: one for one in self.collection.find({"_id": {"$in": probe}}, {"_sync": 0})}
            return all(found.get(number) == expected.get(number) for number in probe)

        self.wait_for(look, "the expected documents", pause=SPARING_SECONDS)

    def wrong(self, expected: Documents, among: list[int] | None = None) -> list[int]:
        """
        Ids whose document is missing, wrong or not expected, all fields compared but `_sync`.

        Args:
            among: only these; None: every document there is.
        """
        found, seen = [], set()
        wanted = {} if among is None else {"_id": {"$in": among}}
        for document in self.collection.find(wanted, {"_sync": 0}, batch_size=2000):
            seen.add(document["_id"])
            if expected.get(document["_id"]) != document:
                found.append(document["_id"])
        return found + [number for number in (expected if among is None else among) if number not in seen]

    def stored_mb(self) -> dict[str, int]:
        """`{collection: megabytes on mongod's disk}` of everything that belongs to the pipeline."""
        names = sorted(self._client[self.prefix].list_collection_names())
        found = {name: self._client[self.prefix].command("collStats", name)["storageSize"] for name in names}
        return {name: round(size / 1e6) for name, size in found.items()}

    def check(self, expected: Documents) -> None:
        """
        All documents once more.

        Raises:
            CheckFailed: `bench.wrong_documents`.
        """
        if wrong := self.wrong(expected):
            raise CheckFailed(
                code="bench.wrong_documents", where=self.prefix, what=f"{len(wrong)} documents are wrong",
                fix=f"compare them by hand, for example _id {wrong[:5]}",
            )  # fmt: skip
        say(f"{self.prefix}: {len(expected):,} documents are as expected")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{server.HOST}:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
