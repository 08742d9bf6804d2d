"""The sweep behind a second snapshot: when it begins, what it takes, and that nothing is swept too early."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any, cast

import pytest

from syncsvc.actors.host import PipelineHost
from syncsvc.assembly.joiner import barrier
from syncsvc.engine.port import TP
from syncsvc.flow import Record
from syncsvc.routing import records
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.router import Router
from syncsvc.state.fences import fence_id
from syncsvc.state.memory import MemoryStore
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.wiring.sweeper import Sweeper
from tests.assembly.bench import Bench, shown
from tests.routing.tables import APPLICATION, MEETING, TABLES, change, key, meetings

PLAN = compile_plan(meetings(partitions=2))
TOPIC = PLAN.pipeline.source_topic(APPLICATION)
PLACES = [TP(TOPIC, 0), TP(TOPIC, 1)]


def read(number: int, *, pos: int, word: str = "true", ts_ms: int = 1_000, file: str = "bin.000001") -> Record:
    """A row as a snapshot reads it."""
    row = {"id": number, "meeting_id": 1, "user_id": None, "rank": None}
    envelope = json.loads(change("r", None, row, pos=pos, ts_ms=ts_ms, file=file))
    envelope["source"]["snapshot"] = word
    return Record(number, key(id=number), json.dumps(envelope).encode())


def router(*batches: list[Record]) -> Router:
    """A router of one partition, after these records."""
    made = Router(PLAN, APPLICATION, TOPIC, 0, sender=0, end=0, state=MemoryStore())
    for batch in batches:
        made.fold(batch)
    return made


@pytest.mark.parametrize("word", ["last", "last_in_data_collection"])
def test_a_snapshot_asks_for_a_sweep_with_its_last_row(word: str) -> None:
    """Rows before the last one tell nothing; another snapshot asks again."""
    first = [read(1, pos=100), read(2, pos=100, word=word)]
    assert router([read(1, pos=100)]).sweep is None
    asked = router(first).sweep
    assert asked is not None
    assert router(first, [read(1, pos=200), read(2, pos=200, word=word)]).sweep != asked


@pytest.mark.parametrize(
    "again",
    [
        {"pos": 90, "ts_ms": 9_000, "file": "other.000001"},  # of the server that took over
        {"pos": 90, "ts_ms": 9_000},  # the binlog began anew
        {"pos": 100, "file": "bin.000002"},
    ],
)
def test_a_snapshot_from_anywhere_else_is_another_one(again: dict[str, Any]) -> None:
    """After a failover rows may be missing as after any gap in the log."""
    made = router([read(1, pos=100), read(2, pos=100, word="last")])
    asked = made.sweep
    assert asked is not None
    made.swept(asked)
    made.fold([read(1, **again), read(2, word="last", **again)])

    assert made.sweep not in (None, asked)


def test_a_last_row_that_is_the_first_of_its_partition_asks_for_a_sweep() -> None:
    """The rows that are gone may have been in the other partitions; if there were none, it takes nothing."""
    assert router([read(1, pos=200, word="last")]).sweep is not None


def test_an_incremental_snapshot_asks_for_none() -> None:
    """It reads in pieces while the log goes on, and marks no last row."""
    assert router([read(1, pos=100), read(1, pos=200, word="incremental")]).sweep is None


class Surroundings:
    """A host with one router, a broker, a database and the keyed topic, as the sweeper sees them."""

    def __init__(self) -> None:
        self.router = router([read(1, pos=100)], [read(1, pos=200), read(2, pos=200, word="last")])
        self.ends = dict.fromkeys(PLACES, 10)
        self.durable = dict.fromkeys(PLACES, 0)
        self.away = False
        self.given_back = False
        #: Whether the router's partition is given back while the sweep is sent.
        self.rebalances = False
        self.sent: list[tuple[int, bytes, bytes]] = []
        labels = PipelineLabels("shop", "shop", "0", "direct", tuple(TABLES), (TOPIC,), 5)
        self.metrics = Metrics([labels], version="1")
        self.sweeper = self.opened()

    def opened(self, settle_seconds: float = 0) -> Sweeper:
        """A sweeper as the next process makes it, but for its patience."""
        return Sweeper(
            PLAN, cast(PipelineHost, self), {TOPIC: 2}, bounds=self.bounds, fences=self.fences, log=self,
            events=Events(self.metrics), settle_seconds=settle_seconds,
        )  # fmt: skip

    def routers(self) -> list[tuple[str, Router]]:
        """Of the host."""
        return [] if self.given_back else [(APPLICATION, self.router)]

    async def bounds(self, tps: set[TP]) -> Mapping[TP, tuple[int, int]]:
        """Of the broker."""
        return {tp: (0, self.ends[tp]) for tp in tps}

    def fences(self) -> list[dict[str, Any]]:
        """Of the database."""
        if self.away:
            raise ConnectionError
        return [{"_id": fence_id("shop", 1, "router", tp), "offset": at} for tp, at in self.durable.items()]

    async def send(self, batches: Mapping[int, Any]) -> None:
        """Of the keyed topic."""
        self.given_back = self.rebalances
        self.sent += [(partition, key, value) for partition, batch in batches.items() for key, value in batch]

    def look(self) -> int:
        """One look; how many records it sent."""
        before = len(self.sent)
        asyncio.run(self.sweeper.look())
        return len(self.sent) - before


def test_a_sweep_begins_when_every_partition_has_passed_what_was_there_when_it_was_asked_for() -> None:
    """So the barrier is behind all rows that the snapshot read; what comes meanwhile is not waited for."""
    around = Surroundings()
    assert around.look() == 0
    around.durable = {PLACES[0]: 10, PLACES[1]: 9}
    around.ends = dict.fromkeys(PLACES, 50)
    assert around.look() == 0
    assert around.router.sweep is not None

    around.durable = dict.fromkeys(PLACES, 10)
    stamped = around.router.sweep
    assert around.look() == 2
    assert sorted(partition for partition, _, _ in around.sent) == [0, 1]
    for _, address, value in around.sent:
        assert (address, value[1]) == (b"", records.BARRIER)
        assert records.parse_barrier(value) == (PLAN.tables.index(APPLICATION), stamped, b"")
    assert around.router.sweep is None
    assert around.look() == 0
    assert (
        b'barriers_total{cause="snapshot",pipeline="shop",table="shop.application"} 1.0' in around.metrics.render()[0]
    )


def test_a_sweep_is_also_behind_rows_that_reached_their_partition_after_the_last_one() -> None:
    """Connect sends to each partition by itself: the ends are looked at when what was on its way has arrived."""
    around = Surroundings()
    around.sweeper = around.opened(settle_seconds=0.05)
    around.durable = dict.fromkeys(PLACES, 10)
    assert around.look() == 0
    around.ends[PLACES[1]] = 12  # two rows of the snapshot, from a batch that was sent again
    time.sleep(0.06)
    assert around.look() == 0

    around.durable[PLACES[1]] = 12
    assert around.look() == 2


def test_a_sweep_waits_while_the_database_is_away() -> None:
    """Whether the rows are on their way is not known then."""
    around = Surroundings()
    around.look()
    around.durable = dict.fromkeys(PLACES, 10)
    around.away = True
    assert around.look() == 0
    around.away = False
    assert around.look() == 2


def test_a_sweep_that_a_kill_came_between_is_sent_again() -> None:
    """That it was sent is not durable yet; a second barrier of the same place takes nothing more."""
    around = Surroundings()
    around.durable = dict.fromkeys(PLACES, 10)
    stamped = around.router.sweep
    assert stamped is not None
    assert around.look() == 2
    around.sweeper = around.opened()
    around.router._state.put(b"w", stamped)
    assert around.look() == 2
    assert around.sent[:2] == around.sent[2:]


def test_a_sweep_whose_router_is_given_back_meanwhile_is_the_next_owners() -> None:
    """Its state is closed by then and is not touched; it says nothing of the sweep, so that it is sent again."""
    around = Surroundings()
    around.durable = dict.fromkeys(PLACES, 10)
    stamped = around.router.sweep
    around.rebalances = True
    assert around.look() == 2

    assert around.router.sweep == stamped
    around.rebalances = around.given_back = False
    assert around.look() == 2


def test_what_the_snapshot_found_is_there_all_the_time() -> None:
    """Rows are put again before the others are swept: no step shows a document without a row that exists."""
    bench = Bench()
    bench.route(MEETING, key(id=1), change("c", None, {"id": 1, "title": "m"}, pos=1))
    stage = bench._routers[APPLICATION]

    offsets = count()

    def fold(*some: Record) -> None:
        stage.fold([replace(record, offset=next(offsets)) for record in some])
        bench._append(stage.outbox.take())

    def written() -> list[int] | None:
        document = shown(bench.step().documents).get(1)
        return None if document is None else [row["id"] for row in document["applications"]]

    fold(*(read(number, pos=100) for number in (1, 2, 3)))
    assert written() == [1, 2, 3]
    for record in (read(1, pos=200), read(3, pos=200, word="last")):
        fold(record)
        assert written() in (None, [1, 2, 3])
    stamped = stage.sweep
    assert stamped is not None
    bench.append(*barrier(bench.plan.tables.index(APPLICATION), stamped))
    assert written() == [1, 3]
