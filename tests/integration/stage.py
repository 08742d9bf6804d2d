"""
One pipeline on real servers: its topics, its database, its mapping file, its workers and a reader.

Nothing is shared between two stages but the servers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymongo

from syncsvc.devstack import children
from syncsvc.devstack.kafka import Kafka
from syncsvc.devstack.mongod import Mongod
from tests.integration.logs import Logs
from tests.integration.meetup import MAPPING, TABLES, Meetup
from tests.integration.reader import Reader
from tests.integration.waiting import PATIENCE_SECONDS, wait_until
from tests.integration.worker import ROOT, Worker


class Stage:
    """
    A pipeline and everything around it.

    Args:
        seed: of the database's history.
        meetings: how many there are.
    """

    def __init__(
        self,
        kafka: Kafka,
        mongod: Mongod,
        nursery: children.Nursery,
        folder: Path,
        seed: int,
        *,
        meetings: int = 120,
        partitions: int = 4,
        source_partitions: int = 2,
    ) -> None:
        self.kafka, self.mongod, self.nursery, self.folder = kafka, mongod, nursery, folder
        self.name = f"p{uuid.uuid4().hex[:8]}"
        self.partitions, self.source_partitions = partitions, source_partitions
        self.meetup = Meetup(seed, meetings)
        self.mapping = folder / "pipeline.yaml"
        self.write_mapping()
        self.workers: list[Worker] = []
        self.client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongod.uri)
        self.database = self.client[self.name]
        self.collection = self.database["meetings"]
        self.logs = Logs(kafka.bootstrap, self.name, partitions, source_partitions)
        self.reader: Reader | None = None
        #: How often workers may still end by themselves.
        self.restarts_left = 0

    # What is there.

    def write_mapping(self, generation: int = 1, title_type: str = "varchar(200)") -> None:
        """The mapping file; a type may differ to show a changed mapping."""
        self.mapping.write_text(
            MAPPING.format(
                name=self.name, generation=generation, prefix=self.name, partitions=self.partitions,
                source_partitions=self.source_partitions, title_type=title_type,
            )
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Settings of a worker, but for its folder and port."""
        return {
            "SYNCSVC_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "SYNCSVC_MONGO_URI": self.mongod.uri,
            "SYNCSVC_MONGO_DATABASE": self.name,
            "SYNCSVC_LOG_FORMAT": "text",
            "PYTHONPATH": str(ROOT),
        }

    def worker(self) -> Worker:
        """A worker that is not yet started; ended with the stage."""
        folder = self.folder / f"worker{len(self.workers)}"
        worker = Worker(self.nursery, folder, self.mapping, self.environment())
        self.workers.append(worker)
        return worker

    def watch(self) -> Reader:
        """A reader of the collection, from now on."""
        self.reader = Reader(self.mongod.uri, self.name, "meetings", self.meetup)
        return self.reader

    # What happens.

    def begin(self) -> None:
        """The connector's snapshot is in the source topics, and a reader watches."""
        self.logs.make(self.logs.sources, self.source_partitions)
        self.logs.publish(self.meetup.snapshot())
        self.watch()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of syncsvc to its end."""
        return subprocess.run(
            [sys.executable, "-m", "syncsvc.cli", *words],
            env={**os.environ, **self.environment()}, cwd=ROOT, timeout=PATIENCE_SECONDS,
            text=True, capture_output=True,
        )  # fmt: skip

    def change(self, count: int) -> None:
        """So many random changes happen and are published."""
        self.logs.publish(self.meetup.changes(count))

    # What one can see.

    def fences(self) -> list[dict[str, Any]]:
        """All fences of the pipeline."""
        return list(self.database["syncsvc_fences"].find())

    def owners(self) -> set[bytes]:
        """Who owns partitions: the sessions of the workers that wrote the fences last."""
        return {bytes(fence["lsid"]) for fence in self.fences()}

    def all_owned(self, workers: int) -> bool:
        """Whether every partition has an owner, and there are so many of them."""
        return self.whole() and len(self.owners()) == workers

    def whole(self) -> bool:
        """Whether every partition has been opened by somebody."""
        return len(self.fences()) == self.partitions + len(TABLES) * self.source_partitions + 1  # schema changes

    def quiet(self) -> bool:
        """Whether everything that was sent is applied."""
        return self.whole() and self.applied() == self.logs.ends()

    def commits(self) -> int:
        """Transactions that made a step of this pipeline durable, ever."""
        return sum(fence["seq"] for fence in self.fences())

    def copied(self) -> bool:
        """Whether the first copy is written."""
        joiners = [fence for fence in self.fences() if "/joiner/" in fence["_id"]]
        return len(joiners) == self.partitions and all(fence.get("copied") for fence in joiners)

    def parked(self) -> list[dict[str, Any]]:
        """Entries of everything parked."""
        return list(self.database["syncsvc_parked"].find())

    def shown(self) -> dict[Any, dict[str, Any]]:
        """`{_id: document}` in the collection, without `_sync`."""
        return {document["_id"]: document for document in self.collection.find({}, {"_sync": 0})}

    def published(self) -> str | None:
        """The collection that readers of the view see; None: there is no view."""
        found = self.database.list_collections(filter={"name": "meetings", "type": "view"})
        return next((one["options"]["viewOn"] for one in found), None)

    def applied(self) -> dict[tuple[str, int], int]:
        """Offsets up to which everything is durable."""
        found = {}
        for fence in self.fences():
            _, _, stage, place = fence["_id"].split("/")
            if stage == "joiner":
                found[self.logs.keyed, int(place)] = fence["offset"]
            else:
                topic, _, number = place.rstrip("]").partition("[")
                found[topic, int(number)] = fence["offset"]
        return found

    # What must hold.

    def keep_running(self) -> None:
        """Starts workers again that ended by themselves, as Kubernetes does, as often as the test allows."""
        for worker in self.workers:
            if worker.wanted and not worker.running:
                self.restarts_left -= 1
                assert self.restarts_left >= 0, f"{worker.name} ended by itself\n{worker.tail()}"
                worker.start()

    def go_on(self, commits: int) -> None:
        """Waits for so many more steps to become durable."""
        wanted = self.commits() + commits

        def enough() -> bool:
            self.keep_running()
            return self.commits() >= wanted

        wait_until(enough, lambda: f"{self.commits()} commits, not {wanted}\n{self.tails()}")

    def settle(self, wanted: Callable[[], dict[int, dict[str, Any]]] | None = None) -> None:
        """Waits for quiet (all that was sent is applied) and for the documents to equal the join."""
        wanted = wanted or self.meetup.documents
        expected = wanted()

        def settled() -> bool:
            self.keep_running()
            # Looked at twice: between the two the documents were read, and nothing came.
            return self.quiet() and self.shown() == expected and self.quiet()

        wait_until(settled, lambda: f"{self.difference(expected)}\n{self.tails()}")

    def difference(self, expected: dict[int, dict[str, Any]]) -> str:
        """What is behind, and how the collection differs from what is expected."""
        ends, applied = self.logs.ends(), self.applied()
        behind = {place: (applied.get(place), end) for place, end in ends.items() if applied.get(place) != end}
        shown = self.shown()
        wrong = [number for number in expected.keys() | shown.keys() if expected.get(number) != shown.get(number)]
        first = [f"{number}\n  shown    {shown.get(number)}\n  expected {expected.get(number)}" for number in wrong[:2]]
        return "\n".join([f"behind: {behind}", f"{len(wrong)} documents differ, first:", *first])

    def check_reader(self) -> None:
        """The reader saw nothing it must not see; call it after `settle`."""
        assert self.reader is not None
        reader, self.reader = self.reader, None
        reader.finish()
        assert reader.changes > 0
        assert not reader.complaints, "\n".join(reader.complaints[:10])

    def tails(self) -> str:
        """The last lines of all workers."""
        return "\n".join(worker.tail() for worker in self.workers)

    def close(self) -> None:
        """Ends what is left."""
        for worker in self.workers:
            worker.kill()
        if self.reader is not None:
            self.reader.leave()
        self.logs.close()
        self.client.close()
