"""
Where decisions made on the page arrive: the entry is found by its handle and decided about as `syncsvc parked` does.

Only about pipelines that this worker runs, since reading a record again needs its mapping.  Called from the page's
threads; who may call is the page's matter (`web.access`).
"""

from __future__ import annotations

from collections.abc import Sequence

from syncsvc.engine.settings import EngineSettings
from syncsvc.errors import CheckFailed, UsageFault
from syncsvc.mongo import parked
from syncsvc.mongo.client import Mongo
from syncsvc.web.actions import Decision
from syncsvc.wiring import decisions
from syncsvc.wiring.pipeline import RunningPipeline

#: How long a person waits for the page's answer, seconds.
WAIT_SECONDS = 10.0


class Desk:
    """Takes decisions while it is open."""

    def __init__(self) -> None:
        self._open: tuple[Mongo, EngineSettings, Sequence[RunningPipeline]] | None = None

    def open(self, mongo: Mongo, engine: EngineSettings, running: Sequence[RunningPipeline]) -> None:
        """From now on decisions are taken."""
        self._open = (mongo, engine, running)

    def close(self) -> None:
        """The worker leaves."""
        self._open = None

    def decide(self, decision: Decision) -> None:
        """
        Carries a decision out and waits until a worker has acted on it.

        Raises:
            UsageFault: the worker does not run the pipeline, or nothing is parked under the handle.
            CheckFailed: parked again, still unreadable, or nobody acted within WAIT_SECONDS.
        """
        if self._open is None:
            raise _not_here(decision, "this worker is starting or leaving")
        mongo, engine, running = self._open
        wanted = (decision.pipeline, decision.generation)
        found = next((one for one in running if (one.pipeline.name, one.pipeline.generation) == wanted), None)
        if found is None or found.lineage is None:
            raise _not_here(decision, "this worker does not run the pipeline")
        ids = parked.ids(mongo, decision.pipeline, decision.generation)
        identity = next((one for one in ids if parked.handle(one, found.lineage) == decision.handle), None)
        if identity is None:
            raise UsageFault(
                code="parked.unknown", where=decision.where, what="nothing is parked under this handle any more",
                fix="nothing has to be done; reload the page",
            )  # fmt: skip
        entry = decisions.entry(mongo, identity)
        if decision.action == "retry":
            decisions.retry(mongo, engine, entry, [one.pipeline for one in running])
        else:
            decisions.skip(mongo, engine, entry)
        if not decisions.settled(mongo, entry, WAIT_SECONDS):
            raise CheckFailed(
                code="parked.pending", where=decision.where,
                what=f"the decision is in the log, but no worker has acted on it within {WAIT_SECONDS:g} s",
                fix="nothing has to be sent again; look whether its partition has a worker",
            )  # fmt: skip


def _not_here(decision: Decision, what: str) -> UsageFault:
    return UsageFault(
        code="parked.not_here", where=decision.where, what=what, fix="open the page of a worker that runs it"
    )
