"""However a commit ends, it is heard: also where no record comes any more, or another worker has the partition."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import pytest

from syncsvc.actors import parking, router_actor
from syncsvc.actors.joiner_actor import JoinerActor
from syncsvc.actors.loading import Opened
from syncsvc.actors.partition import Actor
from syncsvc.actors.ports import FencedOut, Ledger, Log, Owned, Step
from syncsvc.actors.report import Report
from syncsvc.actors.router_actor import RouterActor
from syncsvc.actors.turns import Turns
from syncsvc.engine.port import RecordBatch
from syncsvc.errors import SyncError, Unreachable
from syncsvc.flow import Record
from syncsvc.routing.outcome import ParkedRecord
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.records import KINDS
from syncsvc.routing.router import Router
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics
from syncsvc.wiring.worker import labels
from tests.assembly.bench import Bench
from tests.routing.tables import APPLICATION, MEETING, change, key, meetings

GONE = Unreachable(code="mongo.no_progress", where="w", what="w", fix="f")


class SentNowhere:
    """A log that takes everything."""

    async def send(self, batches: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        """Nothing is kept."""


class Answering:
    """A ledger that ends each commit in one way."""

    def __init__(self, error: Exception | None = None, seconds: float = 0.01) -> None:
        self.error, self.seconds = error, seconds
        self.steps: list[Step] = []

    async def commit(self, step: Step, *, lazily: bool = False) -> None:
        """After a moment."""
        await asyncio.sleep(self.seconds)
        self.steps.append(step)
        if self.error is not None:
            raise self.error

    def forget(self, fence: str, below: int) -> None:
        """No segment is kept."""


def report(stage: str, name: str, metrics: Metrics, topic: str = "t") -> Report:
    """Of partition 0 of a topic."""
    progress = metrics.progress(name)
    progress.owned(stage, topic, 0, 0, None)
    return Report(name, stage, topic, 0, metrics.of(name), progress, Events(metrics))


def opened(state: PartitionState) -> Opened:
    """A fence without a step."""
    return Opened(Owned("fence", 1, 0, 0, 1, 0), state, 0)


def joiner(ledger: Answering, failed: list[BaseException]) -> tuple[Actor, RecordBatch]:
    """A joiner, and what makes it write a document."""
    bench = Bench()
    bench.put(MEETING, id=1, title="t")
    return joiner_of(bench, ledger, failed), RecordBatch("keyed", 0, bench.log[bench.read :], len(bench.log))


def joiner_of(bench: Bench, ledger: Answering, failed: list[BaseException]) -> JoinerActor:
    """The joiner of a bench, as an actor."""
    name = bench.plan.pipeline.name
    metrics = Metrics([labels(bench.plan.pipeline)], version="1", keyed_kinds=KINDS.values())
    return JoinerActor(
        bench.plan, bench.joiner, opened(PartitionState(MemoryStore(), b"")), log=cast(Log, SentNowhere()),
        ledger=cast(Ledger, ledger), turns=Turns(lambda: 0.0), report=report("joiner", name, metrics),
        failed=failed.append, behind=lambda: False,
    )  # fmt: skip


def router(ledger: Answering, failed: list[BaseException]) -> tuple[RouterActor, RecordBatch]:
    """A router, and one row of its table."""
    plan = compile_plan(meetings(partitions=2))
    topic, state = plan.pipeline.source_topic(MEETING), PartitionState(MemoryStore(), b"")
    made = Router(plan, MEETING, topic, 0, sender=0, end=0, state=state)
    metrics = Metrics([labels(plan.pipeline)], version="1", keyed_kinds=KINDS.values())
    actor = RouterActor(
        plan, MEETING, made, opened(state), log=cast(Log, SentNowhere()), ledger=cast(Ledger, ledger),
        report=report("router", plan.pipeline.name, metrics, topic), commit_seconds=0.02, failed=failed.append,
    )  # fmt: skip
    row = Record(0, key(id=1), change("u", None, {"id": 1, "title": "t"}, pos=10))
    return actor, RecordBatch(topic, 0, [row], 1)


async def until(condition: Any, seconds: float = 10.0) -> None:
    """Waits for a condition, in vain for so long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_document_waits_no_longer_because_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its wait for an answer that does not come is a fraction of a second, whatever the time of day becomes."""
    bench, ledger, set_back, real = Bench(), Answering(), 0, time.time
    monkeypatch.setattr(time, "time", lambda: real() - set_back)
    bench.put(MEETING, id=1, title="t")
    bench.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    actor = joiner_of(bench, ledger, [])
    actor.start("joiner t[0]")
    await actor.inbox.put(RecordBatch("keyed", 0, bench.log[bench.read :], len(bench.log)), lambda: None)
    await until(lambda: actor.joiner.agenda.next_due() is not None)

    set_back = 3_600

    await until(lambda: any(step.documents for step in ledger.steps), 5)
    await actor.close()


@pytest.mark.parametrize("kind", [joiner, router])
async def test_a_partition_that_another_worker_took_must_be_given_back_or_the_worker_starts_again(
    monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """While Kafka still gives it to this worker, nobody reads it: that is no state to stay in."""
    monkeypatch.setattr(Actor, "FENCED_SECONDS", 0.1)
    failed: list[BaseException] = []
    actor, batch = kind(Answering(FencedOut("epoch 1 is over")), failed)
    actor.start("joiner t[0]")
    await actor.inbox.put(batch, lambda: None)

    await until(lambda: failed)
    assert isinstance(failed[0], SyncError)
    (problem,) = failed[0].problems
    assert (problem.code, problem.where) == ("mongo.fenced_out", "partition joiner t[0]")
    await actor.close()


@pytest.mark.parametrize("kind", [joiner, router])
async def test_a_partition_that_is_given_back_after_another_worker_took_it_is_no_failure(kind: Any) -> None:
    """A worker that was away hears of the rebalance later than of the fence: the other partitions go on."""
    failed: list[BaseException] = []
    ledger = Answering(FencedOut("epoch 1 is over"))
    actor, batch = kind(ledger, failed)
    actor.start("joiner t[0]")
    await actor.inbox.put(batch, lambda: None)
    await until(lambda: ledger.steps)

    await actor.close()
    assert failed == []


async def test_a_router_that_lost_its_partition_hands_over_no_other_step() -> None:
    """
    What it folded meanwhile is the next owner's, and the loss is told once.

    It went on with the next step when it was the wait for the last one that brought the news.
    """
    failed: list[BaseException] = []
    ledger = Answering(FencedOut("epoch 1 is over"), seconds=0.2)
    actor, batch = router(ledger, failed)
    actor.start("router t[0]")
    await actor.inbox.put(batch, lambda: None)
    await until(lambda: actor._committing)
    again = Record(1, key(id=1), change("u", None, {"id": 1, "title": "u"}, pos=20))
    await actor.inbox.put(RecordBatch(batch.topic, 0, [again], 2), lambda: None)

    await until(lambda: actor._fenced)
    await asyncio.sleep(2 * ledger.seconds)
    await actor.close()
    assert len(ledger.steps) == 1
    assert failed == []


@pytest.mark.parametrize("kind", [joiner, router])
async def test_a_partition_that_is_closed_leaves_no_transaction_behind(
    monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """
    Where Kafka and MongoDB are away, closing has its bound; then nothing goes on that needs the local state.

    A transaction that came through after that tried to keep the closed store, and said that no disk is left.
    """
    monkeypatch.setattr(Actor, "CLOSE_SECONDS", 0.05)
    failed: list[BaseException] = []
    actor, batch = kind(Answering(seconds=60.0), failed)
    acked: list[None] = []
    actor.start("t[0]")
    await actor.inbox.put(batch, lambda: acked.append(None))
    await until(lambda: actor._committing)
    transaction = actor._committing
    # The next step waits for its send.
    actor._sending._under_way = asyncio.create_task(asyncio.sleep(60))
    await actor.inbox.put(RecordBatch(batch.topic, 0, [], batch.next_offset + 1), lambda: None)
    await asyncio.sleep(0.05)

    await actor.close()
    assert transaction.cancelled()
    assert acked == []
    assert failed == []


async def test_unreadable_records_of_megabytes_share_no_transaction_that_no_server_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    After a change of the schema every record of a table may be unreadable, and each is kept raw.

    A step ends behind the record that fills it, in the middle of a batch if need be; none is lost or kept twice, and
    a batch is acknowledged when its last record is durable.
    """
    monkeypatch.setattr(router_actor, "PARKED_BYTES", 100_000)
    failed: list[BaseException] = []
    acked: list[int] = []
    ledger = Answering()
    actor, batch = router(ledger, failed)
    unreadable = [Record(number, key(id=number), b"{" + b"x" * 30_000, 0) for number in range(30)]
    for at in range(0, 30, 10):
        part = RecordBatch(batch.topic, 0, unreadable[at : at + 10], at + 10)
        await actor.inbox.put(part, partial(acked.append, at + 10))
    actor.start("router t[0]")

    await until(lambda: actor.durable_offset == 30 or failed)
    assert failed == []
    await actor.close()
    parked = [list(step.parked or ()) for step in ledger.steps]
    assert max(map(len, parked)) == 4
    assert [place for step in parked for place in step] == [
        parking.record_id(actor._plan.pipeline.group, f"{batch.topic}[0]@{number}") for number in range(30)
    ]
    assert acked == [10, 20, 30]
    assert failed == []


async def test_a_routers_commit_that_fails_is_heard_although_no_record_comes_any_more() -> None:
    """A static table has had its last record: its worker does not wait for another one to tell that MongoDB is away."""
    failed: list[BaseException] = []
    actor, batch = router(Answering(GONE), failed)
    actor.start("router t[0]")
    await actor.inbox.put(batch, lambda: None)

    await until(lambda: failed)
    assert failed == [GONE]
    await actor.close()


async def test_reading_past_what_is_no_record_becomes_durable() -> None:
    """A topic that ends with an aborted transaction of its producer is read to its end, and says so."""
    failed: list[BaseException] = []
    acked: list[None] = []
    actor, batch = router(Answering(), failed)
    actor.start("router t[0]")
    await actor.inbox.put(batch, lambda: None)
    await until(lambda: actor.durable_offset == 1)
    await actor.inbox.put(RecordBatch(batch.topic, 0, [], 3), lambda: acked.append(None))

    await until(lambda: actor.durable_offset == 3)
    await until(lambda: acked)
    await actor.close()
    assert failed == []


class Registry:
    """A schema registry that is away for ever."""

    def __call__(self, number: int) -> str:
        """Never had."""
        raise AssertionError

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """All of them."""
        return set(numbers)

    def prepare(self, numbers: Iterable[int]) -> None:
        """No answer."""
        raise Unreachable(code="registry.unreachable", where="http://registry", what="no answer", fix="start it")


@pytest.mark.parametrize("error", [None, GONE])
async def test_what_was_read_before_a_schema_that_is_away_goes_its_way(error: Exception | None) -> None:
    """It is sent and becomes durable while the partition waits; that this fails is heard as well."""
    failed: list[BaseException] = []
    ledger = Answering(error)
    actor, batch = router(ledger, failed)
    actor._schemas = Registry()
    avro = Record(1, b"", struct.pack(">BI", 0, 7) + b"body")
    await actor.inbox.put(batch, lambda: None)
    await actor.inbox.put(RecordBatch(batch.topic, 0, [avro], 2), lambda: None)
    actor.start("router t[0]")

    await until(lambda: failed if error else actor.durable_offset == 1)
    assert failed == ([error] if error else [])
    await actor.close()


def test_of_a_record_that_no_document_holds_the_beginning_is_kept() -> None:
    """With its size; smaller ones are kept whole, which is what a retry needs."""
    whole = ParkedRecord("t[0]@1", "c", "w", b"key", b"x" * parking.BEGINNING_BYTES * 2)
    huge = ParkedRecord("t[0]@2", "c", "w", b"key", b"x" * (parking.MOST_RAW_BYTES + 1))
    entries = [
        parking.of_record(record, pipeline="p", generation=1, table="t", now_ms=0) for record in (whole, huge)
    ]

    assert (entries[0]["value"], entries[0].get("cut_from")) == (whole.value, None)
    assert (len(entries[1]["value"]), entries[1]["cut_from"]) == (parking.BEGINNING_BYTES, parking.MOST_RAW_BYTES + 4)
