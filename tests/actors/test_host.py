"""The partitions of a worker while they come and go: what it says of itself is true at every moment of a rebalance."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from typing import cast

import pytest

from syncsvc.actors.host import PipelineHost, Surroundings
from syncsvc.actors.ports import Ledger, Log, Owned
from syncsvc.actors.turns import Turns
from syncsvc.engine.port import TP
from syncsvc.errors import Drift
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.records import KINDS
from syncsvc.routing.senders import Senders
from syncsvc.state.fences import fence_id
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from syncsvc.telemetry.events import Events
from syncsvc.telemetry.metrics import Metrics
from syncsvc.telemetry.probes import Health
from syncsvc.wiring.worker import labels
from tests.actors.test_outcomes import Answering, SentNowhere
from tests.routing.tables import MEETING, meetings

PLAN = compile_plan(meetings(partitions=2))
NAME = PLAN.pipeline.name
TOPIC = TP(PLAN.pipeline.source_topic(MEETING), 0)
FENCE = fence_id(NAME, PLAN.pipeline.generation, "router", TOPIC)


class Opening(Answering):
    """A ledger whose fence stands somewhere, and whose state takes until `loaded` to be read."""

    def __init__(self, *, seq: int, offset: int) -> None:
        super().__init__()
        self.owned = Owned(FENCE, 1, seq, offset, 1, 1_000)
        self.loaded = asyncio.Event()

    async def open(self, fence: str) -> Owned:
        """At once."""
        return self.owned

    async def segments(self, fence: str, first: int, last: int) -> tuple[list[bytes], int]:
        """None was written; that takes its time to find out."""
        await self.loaded.wait()
        return [], last + 1


class Bench:
    """A host of one pipeline, and what it tells."""

    def __init__(
        self, ledger: Opening, *, log: tuple[int, int], copied_to: int = 0, begins: Mapping[TP, int] | None = None
    ) -> None:
        self.metrics = Metrics([labels(PLAN.pipeline)], version="1", keyed_kinds=KINDS.values())
        self.health = Health([NAME])
        self.failed: list[BaseException] = []

        async def bounds(tps: set[TP]) -> Mapping[TP, tuple[int, int]]:
            return dict.fromkeys(tps, log)

        sources = dict.fromkeys(PLAN.tables, 2)
        self.host = PipelineHost(
            Surroundings(
                PLAN, Senders(sources, 2), {TOPIC: copied_to}, cast(Log, SentNowhere()), cast(Ledger, ledger),
                Turns(lambda: 0.0), lambda fence: PartitionState(MemoryStore(), fence.encode()), bounds, self.metrics,
                Events(self.metrics), self.health, 0.01, self.failed.append, begins=begins or {},
            )
        )  # fmt: skip

    def freshness(self) -> float | None:
        """Of the pipeline, as far as this worker knows."""
        return self.metrics.progress(NAME).view(time.time()).freshness_seconds

    def margin(self, log: tuple[int, int]) -> int | None:
        """Between what the broker deletes next and what is needed next, after a poll of the offsets."""
        progress = self.metrics.progress(NAME)
        progress.ends({TOPIC: log}, time.time())
        (seen,) = progress.view(time.time()).partitions
        return seen.retention_margin


async def test_a_worker_that_loads_a_state_has_started_is_not_ready_and_does_not_claim_to_be_fresh() -> None:
    """
    A load that takes longer than the startup probe allows must not be cut short, for it would begin anew.

    Until it is over nobody knows how old the documents of the partition are: a missed objective, and no silence.
    """
    ledger = Opening(seq=3, offset=7)
    bench = Bench(ledger, log=(0, 7))
    loading = asyncio.create_task(bench.host.assigned({TOPIC}))
    await asyncio.sleep(0.01)

    assert bench.health.started().ok
    assert not bench.health.ready().ok
    assert (bench.host.phase(), bench.freshness()) == ("recovering", math.inf)

    ledger.loaded.set()
    assert await loading == {TOPIC: 7}
    assert bench.health.ready().ok
    assert bench.host.phase() == "running"
    assert bench.margin((0, 7)) == 7
    assert bench.freshness() == 0.0
    await bench.host.revoked({TOPIC})


async def test_a_load_that_a_rebalance_cuts_short_leaves_nothing_behind() -> None:
    """Neither readiness nor freshness wait for a partition that went elsewhere."""
    bench = Bench(Opening(seq=3, offset=7), log=(0, 7))
    loading = asyncio.create_task(bench.host.assigned({TOPIC}))
    await asyncio.sleep(0.01)
    loading.cancel()
    await asyncio.wait([loading])
    await bench.host.revoked({TOPIC})

    await bench.host.assigned(set())

    assert bench.health.ready().ok
    assert bench.freshness() is None


async def test_a_new_partition_whose_log_begins_later_has_lost_nothing() -> None:
    """What was deleted before the pipeline was there is no loss: reading begins where the log does."""
    bench = Bench(Opening(seq=0, offset=0), log=(1_000, 1_200))

    assert await bench.host.assigned({TOPIC}) == {TOPIC: 1_000}
    assert bench.margin((1_000, 1_200)) == 0
    await bench.host.revoked({TOPIC})


@pytest.mark.parametrize(
    ("tp", "begins"),
    [
        pytest.param(TOPIC, 999, id="a source topic that began at 999 when the generation did"),
        pytest.param(TP(PLAN.pipeline.keyed_topic, 0), 0, id="the keyed topic, which was empty when we made it"),
    ],
)
async def test_a_new_partition_whose_log_was_cut_before_it_was_read_has_lost_records(tp: TP, begins: int) -> None:
    """
    A generation began, its workers stayed away longer than the topic keeps its records, and came back.

    They read on behind what was gone, and documents were wrong without a word.
    """
    bench = Bench(Opening(seq=0, offset=0), log=(1_000, 1_200), begins={tp: begins})

    with pytest.raises(Drift, match=r"log\.records_lost") as refused:
        await bench.host.assigned({tp})

    (problem,) = refused.value.problems
    assert (problem.where, "from 1000 to 1200" in problem.what) == (f"{tp.topic}[0]@{begins}", True)


async def test_a_new_partition_whose_log_is_as_the_generation_found_it_is_read_from_there() -> None:
    """What was deleted before is no loss of this generation."""
    bench = Bench(Opening(seq=0, offset=0), log=(1_000, 1_200), begins={TOPIC: 1_000})

    assert await bench.host.assigned({TOPIC}) == {TOPIC: 1_000}
    await bench.host.revoked({TOPIC})


async def test_a_worker_without_partitions_runs_whatever_it_did_before() -> None:
    """What it copied is now another's: it is not stuck in a first copy, and a spare one is not for ever recovering."""
    bench = Bench(Opening(seq=0, offset=0), log=(0, 500), copied_to=500)
    both = {TOPIC, TP(PLAN.pipeline.keyed_topic, 0)}
    assert bench.host.phase() == "recovering"

    await bench.host.assigned(both)
    assert bench.host.phase() == "snapshotting"
    await bench.host.revoked(both)
    assert bench.host.phase() == "recovering"

    await bench.host.assigned(set())
    assert (bench.host.phase(), bench.host.copied()) == ("running", (0, 0))
    assert bench.failed == []


@pytest.mark.parametrize(
    "grown", [pytest.param(TP(TOPIC.topic, 2), id="source"), pytest.param(TP(PLAN.pipeline.keyed_topic, 2), id="keyed")]
)
async def test_a_partition_that_came_while_the_worker_runs_is_refused_before_it_is_opened(grown: TP) -> None:
    """It has no end of a first copy, and the keys are elsewhere now: told as at a start, not as a KeyError of ours."""
    bench = Bench(Opening(seq=0, offset=0), log=(0, 0))

    with pytest.raises(Drift, match=r"generation\.partitions_changed"):
        await bench.host.assigned({TOPIC, grown})

    assert bench.host.actors == {}
