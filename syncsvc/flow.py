"""
START HERE: the whole pure path, from a change to a document, without a broker and without a database.

    source records ── Router ──▶ keyed records ── Joiner ──▶ what is due ── encode ──▶ documents
       (a table's        │         (one topic,       │  ▲
        partition)       ▼          partitioned      └──┘ subscriptions, answers, rows, end marks
                       memory       by the shared key)    back into the same topic

`Flow` runs it in one process on stores in memory, record by record, with every record delivered once.  The service
runs the same `Router` and `Joiner`, one for each partition, between Kafka and MongoDB (`actors`); the property tests
run them under crashes, zombies and redelivery (`tests/simulation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson

from syncsvc.assembly.joiner import Joiner
from syncsvc.assembly.render import Rendered
from syncsvc.keys import Partitioner
from syncsvc.mapping import model
from syncsvc.routing.outcome import ParkedRecord
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.router import Router
from syncsvc.routing.senders import Senders
from syncsvc.state.memory import MemoryStore
from syncsvc.writing.document import versioned


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic."""

    offset: int
    key: bytes
    value: bytes
    timestamp: int = 0


class Flow:
    """One pipeline, in memory: put source records in, look at the documents."""

    def __init__(self, pipeline: model.Pipeline, *, first_copy: Mapping[str, int] | None = None) -> None:
        """`first_copy`: `{table: how many of its records belong to it}`; without, every record shows at once."""
        self.plan = compile_plan(pipeline)
        self._ends = dict.fromkeys(self.plan.tables, 0) | dict(first_copy or {})
        self._senders = Senders(dict.fromkeys(self.plan.tables, 1), pipeline.partitions)
        self._routers = {table: self._router(table) for table in self.plan.tables}
        self._joiners = [
            Joiner(self.plan, partition, self._senders, MemoryStore()) for partition in range(pipeline.partitions)
        ]
        self._offsets = dict.fromkeys(self.plan.tables, 0)
        self._keyed: list[list[Record]] = [[] for _ in self._joiners]
        self._read = [0] * pipeline.partitions
        #: `{collection: {BSON of {_id}: BSON of the document}}`.
        self._documents: dict[str, dict[bytes, bytes]] = {view.collection: {} for view in self.plan.views}
        self.parked: list[ParkedRecord] = []
        for router in self._routers.values():
            router.passed(0)
            self._deliver(router.outbox.take())
        self.settle()

    def _router(self, table: str) -> Router:
        topic, sender = self.plan.pipeline.source_topic(table), self._senders.router(table, 0)
        return Router(self.plan, table, topic, 0, sender=sender, end=self._ends[table], state=MemoryStore())

    def put(self, table: str, key: bytes, value: bytes | None, timestamp: int = 0) -> None:
        """One record of a table's topic."""
        record = Record(self._offsets[table], key, value or b"", timestamp)
        self._offsets[table] += 1
        router = self._routers[table]
        router.fold([record])
        router.passed(self._offsets[table])
        self.parked += router.take_parked()
        self._deliver(router.outbox.take())

    def _deliver(self, batches: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        for partition, batch in batches.items():
            log = self._keyed[partition]
            log += [Record(len(log) + index, key, value) for index, (key, value) in enumerate(batch)]

    def settle(self) -> None:
        """Goes on until nothing is left to fold or to write."""
        moved = True
        while moved:
            moved = False
            for partition, joiner in enumerate(self._joiners):
                batch = self._keyed[partition][self._read[partition] :]
                self._read[partition] += len(batch)
                joiner.fold(batch)
                self._deliver(joiner.outbox.take())
                moved = moved or bool(batch) or joiner.agenda.busy
                self._write(joiner, partition)

    def _write(self, joiner: Joiner, partition: int) -> None:
        due = joiner.agenda.take(1 << 62)
        for rendered in (*due.documents, *due.fresh):
            assert rendered.identity is not None
            collection = self._documents[self.plan.views[rendered.address[0]].collection]
            if rendered.elements is None:
                collection.pop(rendered.identity, None)
            else:
                document = versioned(rendered.elements, self.plan.pipeline.generation, self._read[partition], 0)
                collection[rendered.identity] = document

    def rendered(self, address: bytes) -> Rendered:
        """What an address shows as it stands, with the problem for which it would be parked."""
        renderer = self._joiners[Partitioner(len(self._joiners))[address]].renderer
        return renderer.render(address, renderer.rows_at(address))

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The documents of the first view as they stand, without `_sync`, by `_id`."""
        return self.documents_of(self.plan.views[0].collection)

    def documents_of(self, collection: str) -> list[dict[str, Any]]:
        """The documents of a collection as they stand, without `_sync`, by `_id`."""
        found = [bson.decode(body) for _, body in sorted(self._documents[collection].items())]
        for document in found:
            del document["_sync"]
        return found
