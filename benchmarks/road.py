"""
The pure stages of one pipeline, driven by hand in batches of a fixed size: routers, keyed logs, joiners, commits.

What the actors do, without clock, loop and servers, so the same input always does the same work: the stages'
micro-benchmark times it, the regression guard counts it.  Every step ends in the `Commit` that the service would hand
to its committer; one round over the partitions is one group, as it is when all of them are busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from benchmarks.workload import Event
from syncsvc.actors.ports import Step, Written
from syncsvc.assembly.joiner import Joiner
from syncsvc.engine.port import TP
from syncsvc.flow import Record
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo.commit import Commit
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.router import Router
from syncsvc.routing.senders import Senders
from syncsvc.state.fences import fence_id
from syncsvc.state.partition import PartitionState
from syncsvc.state.store import Store
from syncsvc.wiring.ledger import MongoLedger
from syncsvc.writing.document import versioned

BATCH = 2_000  # records a step
STAGES = ("route", "segment", "fold", "render", "commit")


class Road:
    """
    A pipeline with one source partition a table; nothing moves until `run`.

    Args:
        first_copy: `{table: how many of its records belong to it}`.
        make_store: makes the state of a partition, by its name.
        batch: records a step.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        first_copy: Mapping[str, int],
        make_store: Callable[[str], Store],
        *,
        batch: int = BATCH,
    ) -> None:
        self.plan = compile_plan(pipeline)
        self._batch, self._make_store = batch, make_store
        senders = Senders(dict.fromkeys(self.plan.tables, 1), pipeline.partitions)
        #: `{name of the partition: its state}`.
        self.states: dict[str, PartitionState] = {}
        self._sources: dict[str, list[Record]] = {table: [] for table in self.plan.tables}
        self._routed = dict.fromkeys(self.plan.tables, 0)
        self._keyed: list[list[Record]] = [[] for _ in range(pipeline.partitions)]
        self._folded = [0] * pipeline.partitions
        self._seq: dict[str, int] = {}
        self._routers = {
            table: Router(
                self.plan, table, table, 0, sender=senders.router(table, 0), end=first_copy.get(table, 0),
                state=self._state(self._fence("router", table, 0)),
            )
            for table in self.plan.tables
        }  # fmt: skip
        #: One a keyed partition.
        self.joiners = [
            Joiner(self.plan, number, senders, self._state(self._fence("joiner", "", number)))
            for number in range(pipeline.partitions)
        ]
        # Only its building of commits is used, which needs no server.
        self._ledger = MongoLedger(cast(Any, None), cast(Any, None), state_collection="state", pool=cast(Any, None))
        #: CPU seconds of this thread by stage.
        self.spent = dict.fromkeys(STAGES, 0.0)
        #: Source records routed, keyed records and their bytes, documents written.
        self.records = self.keyed_records = self.keyed_bytes = self.documents = 0

    def _fence(self, stage: str, topic: str, number: int) -> str:
        return fence_id(self.plan.pipeline.name, self.plan.pipeline.generation, stage, TP(topic, number))

    def _state(self, fence: str) -> PartitionState:
        state = self.states[fence] = PartitionState(self._make_store(fence), fence.encode())
        state.behind(0, 1)
        state.caught_up(0)
        self._seq[fence] = 0
        return state

    @contextmanager
    def _clock(self, stage: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.spent[stage] += time.thread_time() - began

    def feed(self, events: Iterable[Event]) -> None:
        """Appends records to the tables' topics."""
        for event in events:
            log = self._sources[event.table]
            log.append(Record(len(log), event.key, event.value))

    def run(self) -> Iterator[list[Commit]]:
        """Works until nothing is left to do; yields the commits of each round."""
        while commits := [*self._route(), *self._join()]:
            yield commits

    def _route(self) -> Iterator[Commit]:
        for table, router in self._routers.items():
            batch = self._sources[table][self._routed[table] : self._routed[table] + self._batch]
            if not batch and (self._routed[table] or self._seq[self._fence("router", table, 0)]):
                continue
            with self._clock("route"):
                router.fold(batch)
            self._routed[table] += len(batch)
            router.passed(self._routed[table])
            self.records += len(batch)
            self._append(router.outbox.take())
            router.take_tally()
            yield self._commit(self._fence("router", table, 0), self._routed[table], [])

    def _join(self) -> Iterator[Commit]:
        for number, joiner in enumerate(self.joiners):
            first = self._folded[number]
            batch = self._keyed[number][first : first + self._batch]
            if not batch and not joiner.agenda.busy:
                continue
            with self._clock("fold"):
                joiner.fold(batch)
            self._folded[number] += len(batch)
            self._append(joiner.outbox.take())
            joiner.take_tally()
            with self._clock("render"):
                # All answers come in the rounds to follow, so what waits for one is not yet due.
                due = joiner.agenda.take(0, behind=True)
            shown = [*((rendered, False) for rendered in due.documents), *((rendered, True) for rendered in due.fresh)]
            self.documents += len(shown)
            written = []
            with self._clock("commit"):
                for rendered, fresh in shown:
                    body = rendered.elements and versioned(rendered.elements, 1, self._folded[number], 0)
                    written.append(Written(rendered.identity or b"", body, fresh, "documents"))
            yield self._commit(self._fence("joiner", "", number), self._folded[number], written)

    def _commit(self, fence: str, offset: int, written: list[Written]) -> Commit:
        state, seq = self.states[fence], self._seq[fence]
        with self._clock("segment"):
            taken = state.take_segment(seq + 1)
        step = Step(fence, 1, seq, offset, taken.base, 0, (taken.blob,) if taken.blob else (), tuple(written))
        with self._clock("commit"):
            commit = self._ledger._commit_of(step, fresh=True)
        self._seq[fence] = seq + 1
        state.committed(seq + 1, float(seq + 1))
        return commit

    def _append(self, batches: Mapping[int, list[tuple[bytes, bytes]]]) -> None:
        for partition, batch in batches.items():
            log = self._keyed[partition]
            log += [Record(len(log) + index, key, value) for index, (key, value) in enumerate(batch)]
            self.keyed_records += len(batch)
            self.keyed_bytes += sum(len(key) + len(value) for key, value in batch)
