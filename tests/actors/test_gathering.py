"""What a step of a joiner's actor waits for before it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

import pytest

from syncsvc.actors import joiner_actor
from syncsvc.actors.joiner_actor import JoinerActor
from syncsvc.actors.loading import Opened
from syncsvc.actors.ports import Batches, Ledger, Owned
from syncsvc.actors.report import Report
from syncsvc.actors.turns import Turns
from syncsvc.assembly.joiner import Joiner
from syncsvc.engine.port import RecordBatch
from syncsvc.flow import Record
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from syncsvc.telemetry.events import Events
from tests.assembly.bench import Bench, hosts
from tests.assembly.test_due import copied, finish
from tests.routing.tables import APPLICATION, MEETING, key
from tests.telemetry.test_metrics import a_worker


class Acknowledged:
    """A log whose records nobody reads."""

    async def send(self, batches: Batches) -> None:
        """Done."""


def batches_of(log: list[Record], most: int) -> list[RecordBatch]:
    """The records of a log in batches."""
    parts = [log[at : at + most] for at in range(0, len(log), most)]
    return [RecordBatch("keyed", 0, part, part[-1].offset + 1) for part in parts]


def on_its_own_state(bench: Bench) -> JoinerActor:
    """An actor whose joiner writes into the state that the steps are taken from, as a worker has it."""
    state = PartitionState(MemoryStore(), b"")
    bench.joiner = Joiner(bench.plan, 0, bench.senders, state)
    return actor(bench, lambda: False, state)


def actor(bench: Bench, behind: Callable[[], bool], state: PartitionState | None = None) -> JoinerActor:
    """An actor of the bench's joiner that gathers, and never commits."""
    metrics = a_worker()
    of = metrics.of("meetings"), metrics.progress("meetings"), Events(metrics)
    report = Report("meetings", "joiner", "keyed", 0, *of)
    opened = Opened(Owned("fence", 1, 0, 0, 1, 0), state or PartitionState(MemoryStore(), b""), 0)
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


ROW_BYTES = 100_000


async def steps(one: JoinerActor, batches: list[RecordBatch]) -> tuple[list[tuple[int, int]], list[int]]:
    """Gathers until all is folded: `(records, bytes of the segment)` of each step, and which batches are acked."""
    acked: list[int] = []
    one.inbox.give_back([(batch, partial(acked.append, number)) for number, batch in enumerate(batches)])
    found = []
    while len(one.inbox):
        async with asyncio.timeout(5):
            acks, records = await one._gather(one.inbox.take(joiner_actor.STEP_RECORDS))
        for ack in acks:
            ack()
        found.append((records, len(one._state.take_segment(len(found) + 1).blob)))
    return found, acked


@pytest.mark.parametrize("batch_records", [1, 7, 1_000], ids=["a batch a row", "some rows a batch", "one batch"])
async def test_a_step_of_large_rows_ends_before_no_transaction_can_hold_it(
    monkeypatch: pytest.MonkeyPatch, batch_records: int
) -> None:
    """
    However far behind a worker is: what a step changes is bounded in bytes as well as in records.

    MongoDB refuses what is larger, however often it is tried.  The rest is the next step's, and nothing is acknowledged
    before it was folded.
    """
    monkeypatch.setattr(joiner_actor, "STEP_BYTES", 10 * ROW_BYTES)
    bench = Bench(hosts())
    start = len(bench.log)
    for number in range(25):
        bench.put(APPLICATION, id=number, owner=number, memo="x" * ROW_BYTES)
    one = on_its_own_state(bench)
    found, acked = await steps(one, batches_of(bench.log[start:], batch_records))

    assert sum(records for records, _ in found) == len(bench.log) - start
    assert max(size for _, size in found) < 12 * ROW_BYTES
    assert acked == sorted(acked)
    assert len(acked) == len(batches_of(bench.log[start:], batch_records))
    assert one.offset == len(bench.log)


async def test_small_records_that_change_large_rows_end_a_step_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A table's schema changes, and none of its rows can be read any more: the word of it is some bytes a row.

    Each of them has the last good form of its row kept anew, so the records' own size says nothing of the step's.
    """
    monkeypatch.setattr(joiner_actor, "STEP_BYTES", 10 * ROW_BYTES)
    bench = Bench(hosts())
    start = len(bench.log)
    for number in range(25):
        bench.put(APPLICATION, id=number, owner=number, memo="x" * ROW_BYTES)
    good = len(bench.log)
    for number in range(25):
        bench.route(APPLICATION, key(id=number), b"{")
    one = on_its_own_state(bench)
    await steps(one, batches_of(bench.log[start:good], 1))
    assert sum(len(record.value or b"") for record in bench.log[good:]) < ROW_BYTES

    found, _ = await steps(one, batches_of(bench.log[good:], 1_000))

    assert sum(records for records, _ in found) == 25
    assert max(size for _, size in found) < 12 * ROW_BYTES
