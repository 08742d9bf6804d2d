"""
The second half of a joiner's step: what it carries is taken, made durable in one transaction, and told.

A document that MongoDB refuses parks in the same transaction, and the rest is tried again.  Acknowledges only what is
durable (invariant 4).  Refuses to go on when another worker owns the fence: that is passed on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from syncsvc.actors import parking
from syncsvc.actors.durable import Durable
from syncsvc.actors.loading import Opened
from syncsvc.actors.ports import Ack, Ledger, Refused, Step, Written
from syncsvc.actors.report import Report
from syncsvc.actors.wall_clock import now_ms
from syncsvc.assembly.due import Due
from syncsvc.assembly.joiner import Joiner, Tally
from syncsvc.assembly.layout import PARKED
from syncsvc.assembly.render import Rendered
from syncsvc.routing.plan import Plan
from syncsvc.state import segments
from syncsvc.writing.document import versioned


@dataclass(frozen=True, slots=True)
class Work:
    """A step on its way into MongoDB, and what is done when it has arrived."""

    step: Step
    #: What each of the step's documents was rendered from, without its bytes: those are in the step.
    shown: list[Rendered]
    #: Parked documents that are good again.
    released: int
    #: Oldest source commit time (ms) among the documents, 0 when unknown.
    oldest_ms: int
    tally: Tally
    acks: list[Ack]
    records: int


class Committing:
    """The steps of one joiner, one after the other, on their way into the ledger."""

    def __init__(self, plan: Plan, joiner: Joiner, opened: Opened, *, ledger: Ledger, report: Report) -> None:
        self._plan, self._joiner, self._ledger, self._report = plan, joiner, ledger, report
        self._state, self._fence = opened.state, opened.owned
        self.durable = Durable(opened, ledger)
        self._source_ms = opened.owned.source_ms

    def take(self, due: Due, acks: list[Ack], *, offset: int, records: int) -> Work:
        """
        The next step: what is due, and all that was folded since the last call, up to `offset`.

        To be called when the step before is durable.
        """
        taken = self._state.take_segment(self.durable.seq + 1)
        tally = self._joiner.take_tally()
        # The keyed topic mixes senders, so only the oldest event of a step says what is surely applied (invariant 9).
        self._source_ms = tally.oldest_ms or self._source_ms
        step = Step(
            self._fence.id, self._fence.epoch, self.durable.seq, offset, taken.base, self._source_ms,
            (taken.blob,) if taken.blob else (), self._written(due, offset), self._joiner.agenda.copy.ended,
            self._entries(due, offset),
        )  # fmt: skip
        shown = [rendered._replace(elements=None) for rendered in (*due.documents, *due.fresh)]
        return Work(step, shown, len(due.released), due.oldest_ms, tally, acks, records)

    async def commit(self, work: Work) -> None:
        """
        Makes a step durable, acknowledges and reports it.

        Raises:
            FencedOut: another worker owns the partition; nothing was written.
        """
        joiner, tally = self._joiner, work.tally
        began = time.monotonic()
        step = await self._make_durable(work.step, work.shown)
        self.durable.landed(step, work.acks)
        self._report.folded(tally)
        self._tell(work, step)
        waiting = joiner.agenda.oldest_waiting()
        self._report.applied(step.offset, tally.oldest_ms or None)
        self._report.waiting(waiting)
        self._report.committed(step.offset, work.records, len(step.documents), began)

    async def _make_durable(self, step: Step, shown: list[Rendered]) -> Step:
        """Commits a step; a document that is refused parks in the same step, and the rest is tried again."""
        while True:
            try:
                await self._ledger.commit(step)
            except Refused as refusal:
                step = self._without(step, refusal, shown.pop(refusal.index))
            else:
                return step

    def _without(self, step: Step, refusal: Refused, rendered: Rendered) -> Step:
        """The step without one document, with its parking instead."""
        code = "document.refused"
        self._joiner.agenda.park(rendered, code)
        key = PARKED + rendered.address
        # Also into this step's segment: a later one may never come.
        blob = segments.encode({key: self._state.get(key)})
        documents = step.documents[: refusal.index] + step.documents[refusal.index + 1 :]
        entries = {**(step.parked or {}), **self._entry(rendered, code, refusal.reason, step.offset)}
        return replace(step, documents=documents, segments=(*step.segments, blob), parked=entries)

    def _written(self, due: Due, offset: int) -> tuple[Written, ...]:
        generation, now = self._plan.pipeline.generation, now_ms()
        found = []
        for fresh, documents in ((False, due.documents), (True, due.fresh)):
            for rendered in documents:
                body = None
                if rendered.elements is not None:
                    body = versioned(rendered.elements, generation, offset, now)
                collection = self._plan.views[rendered.address[0]].collection
                found.append(Written(rendered.identity or b"", body, fresh, collection))
        return tuple(found)

    def _entries(self, due: Due, offset: int) -> dict[str, parking.Entry | None]:
        group = self._plan.pipeline.group
        entries: dict[str, parking.Entry | None] = {
            parking.record_id(group, place): None for place in self._joiner.take_healed()
        }
        entries |= {parking.document_id(group, address): None for address in due.released}
        for rendered in due.parked:
            code, _, what = (rendered.problem or "").partition(": ")
            entries |= self._entry(rendered, code, what, offset)
        return entries

    def _entry(self, rendered: Rendered, code: str, what: str, offset: int) -> dict[str, parking.Entry]:
        pipeline = self._plan.pipeline
        where = f"{self._report.topic}[{self._report.partition}]@{offset}"
        collection = self._plan.views[rendered.address[0]].collection
        self._report.events.document_parked(pipeline=pipeline.name, collection=collection, where=where, reason=code)
        entry = parking.of_document(
            rendered, code, what, pipeline=pipeline.name, generation=pipeline.generation, where=where, now_ms=now_ms()
        )
        return {parking.document_id(pipeline.group, rendered.address): entry}

    def _tell(self, work: Work, step: Step) -> None:
        """Counts documents, and how long after its commit in the source a change is visible."""
        metrics = self._report.metrics
        inserted = sum(document.fresh for document in step.documents)
        deleted = sum(document.body is None for document in step.documents)
        metrics.written("inserted", inserted)
        metrics.written("deleted", deleted)
        metrics.written("modified", len(step.documents) - inserted - deleted)
        if work.released:
            self._report.events.parked_released(pipeline=self._plan.pipeline.name, keys=work.released, by="record")
        if work.oldest_ms:
            metrics.visible(time.time() - work.oldest_ms / 1000)
