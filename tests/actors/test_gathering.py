"""What a step of a joiner's actor waits for before it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from syncsvc.actors import joiner_actor
from syncsvc.actors.joiner_actor import JoinerActor
from syncsvc.actors.loading import Opened
from syncsvc.actors.ports import Batches, Ledger, Owned
from syncsvc.actors.report import Report
from syncsvc.actors.turns import Turns
from syncsvc.engine.port import RecordBatch
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from syncsvc.telemetry.events import Events
from tests.assembly.bench import Bench
from tests.assembly.test_due import copied, finish
from tests.routing.tables import MEETING
from tests.telemetry.test_metrics import a_worker


class Acknowledged:
    """A log whose records nobody reads."""

    async def send(self, batches: Batches) -> None:
        """Done."""


def actor(bench: Bench, behind: Callable[[], bool]) -> JoinerActor:
    """An actor of the bench's joiner that gathers, and never commits."""
    metrics = a_worker()
    of = metrics.of("meetings"), metrics.progress("meetings"), Events(metrics)
    report = Report("meetings", "joiner", "keyed", 0, *of)
    opened = Opened(Owned("fence", 1, 0, 0, 1, 0), PartitionState(MemoryStore(), b""), 0)
    return JoinerActor(
        bench.plan, bench.joiner, opened, log=Acknowledged(), ledger=cast(Ledger, None), turns=Turns(lambda: 0.0),
        report=report, failed=lambda error: None, behind=behind,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_pause_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for more to come waits longer than any test."""
    monkeypatch.setattr(joiner_actor, "PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(joiner_actor, "CATCH_UP_SECONDS", 3600.0)


async def test_a_worker_that_is_behind_gathers_what_comes_later_into_its_step() -> None:
    """After an outage a document of many changes is written once."""
    bench = Bench()
    bench.put(MEETING, id=1, title="t")
    batch = RecordBatch("keyed", 0, bench.log[bench.read :], len(bench.log))
    later: list[asyncio.Task[bool]] = []

    def behind() -> bool:
        """Until the batch that comes after the step could have ended."""
        if later:
            return False
        later.append(asyncio.create_task(one.inbox.put(batch, lambda: None)))
        return True

    one = actor(bench, behind)
    async with asyncio.timeout(5):
        _, records = await one._gather([])

    assert records == len(batch.records)
    assert list(bench.joiner.agenda.take(0).documents)


async def test_a_step_of_the_first_copy_ends_where_it_only_takes_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """While rows are gathered no document is written, so a larger step would save nothing."""
    monkeypatch.setattr(joiner_actor, "COPY_RECORDS", 5)
    bench = copied(3)
    batch = RecordBatch("keyed", 0, bench.log[bench.read :], len(bench.log))
    assert len(batch.records) >= 5
    one = actor(bench, lambda: True)
    await one.inbox.put(batch, lambda: None)

    async with asyncio.timeout(5):
        _, records = await one._gather(one.inbox.take(1))

    assert records == len(batch.records)
    assert bench.joiner.agenda.copy.gathering


async def test_the_first_copy_is_written_when_it_is_complete() -> None:
    """Its documents are written once in any case: waiting for more would only delay them."""
    bench = copied(3)
    finish(bench)
    assert bench.joiner.agenda.copy.under_way

    async with asyncio.timeout(5):
        await actor(bench, lambda: True)._gather([])


async def test_a_step_of_large_rows_ends_before_no_transaction_can_hold_it() -> None:
    """However far behind a worker is: what a step changes is bounded in bytes as well as in records."""
    bench = Bench()
    bench.put(MEETING, id=1, title="t")
    one = actor(bench, lambda: True)
    one._state.put(b"key", bytes(joiner_actor.STEP_BYTES))
    batch = RecordBatch("keyed", 0, bench.log[bench.read :], len(bench.log))

    async with asyncio.timeout(5):
        _, records = await one._gather([(batch, lambda: None)])

    assert records == len(batch.records)
    one._state.take_segment(1)
    assert one._state.changed_bytes == 0
