"""What ends a member of the group inside the client library ends the worker, and does not leave it standing still."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator

from syncsvc.engine.engine import Engine
from syncsvc.engine.port import TP, RecordBatch
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.thread import Thread
from tests.engine.ledger import BookKeeper, Ledger, numbered

pytestmark = [pytest.mark.servers, pytest.mark.timeout(100)]

MakeTopic = Callable[[int], Awaitable[str]]


@contextlib.asynccontextmanager
async def reading(
    settings: EngineSettings, make_topic: MakeTopic, keeper: BookKeeper, *, first: int = 10
) -> AsyncIterator[tuple[Engine, str]]:
    """A member that has one partition, and some records on the way to it."""
    topic = await make_topic(1)
    engine = Engine(settings, f"g.{topic}", [topic], None, keeper)
    await engine.start()
    await engine.send(topic, {0: numbered(first)})
    try:
        yield engine, topic
    finally:
        await engine.stop()


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Waits for what nobody tells of."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (of another thread, or of the library)
            await asyncio.sleep(0.05)


def client(engine: Engine) -> Any:
    """The library's consumer."""
    return engine._app.consumer._thread._consumer


async def refused(self: Any) -> None:
    """The broker's answer comes when nobody waits for a record: a join waits for the other members."""
    await asyncio.sleep(1.5)
    raise errors.GroupAuthorizationFailedError(self.group_id)


async def unforeseen(self: Any, *_: Any) -> None:
    """Whatever else may happen in there."""
    raise AssertionError("unforeseen")


@pytest.mark.parametrize(
    ("owner", "method", "how"),
    [
        pytest.param(CoordinatorGroupRebalance, "perform_group_join", refused, id="the right to the group is gone"),
        pytest.param(GroupCoordinator, "_do_rejoin_group", unforeseen, id="the task that joins dies"),
    ],
)
async def test_a_member_that_cannot_join_again_ends_the_worker(
    settings: EngineSettings, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, how: Any
) -> None:
    """It holds no partition and never will: Kubernetes starts it anew, and its log says why."""
    ledger = Ledger()
    keeper = BookKeeper(ledger)
    async with reading(settings, make_topic, keeper) as (engine, topic):
        await ledger.reaches({TP(topic, 0): 10})
        monkeypatch.setattr(owner, method, how)
        coordinator = client(engine)._coordinator
        coordinator.request_rejoin()
        await until(lambda: keeper.failures)
    with contextlib.suppress(Exception):
        await coordinator._coordination_task  # else it is told on the way of some other test


@pytest.mark.parametrize("task", ["_coordinator._coordination_task", "_fetcher._fetch_task"])
async def test_a_task_of_the_library_that_is_gone_ends_the_worker(
    monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    """Whatever it died of: the partitions are still this member's own, and nobody would read them."""

    async def for_ever() -> None:
        await asyncio.Event().wait()

    async def at_once(*_: Any) -> None:
        await asyncio.sleep(0)

    tasks = {name: asyncio.create_task(for_ever()) for name in ("_coordinator", "_fetcher")}
    thread = object.__new__(Thread)
    thread._consumer = SimpleNamespace(
        _closed=False,
        _coordinator=SimpleNamespace(_coordination_task=tasks["_coordinator"], check_errors=lambda: None),
        _fetcher=SimpleNamespace(_fetch_task=tasks["_fetcher"]),
    )
    monkeypatch.setattr(Thread, "should_stop", False)
    monkeypatch.setattr(thread, "sleep", at_once, raising=False)
    listening = asyncio.create_task(Thread._listen.fun(thread))
    await asyncio.sleep(0.01)
    assert not listening.done()

    tasks[task.partition(".")[0]].cancel()
    with pytest.raises(RuntimeError, match="a task of the client library has ended"):
        await listening
    for left in tasks.values():
        left.cancel()


class Full(BookKeeper):
    """An actor without room for more; its state takes a moment to load."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.room = asyncio.Event()

    async def assigned(self, tps: set[TP]) -> dict[TP, int]:
        """Longer than a fetch takes."""
        if self.rounds:
            await asyncio.sleep(0.5)
        return await super().assigned(tps)

    async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
        """When there is room."""
        await self.room.wait()
        await super().deliver(batch, ack)


async def test_room_that_comes_with_a_rebalance_reads_nothing_before_the_partition_is_open(
    settings: EngineSettings, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An actor that was full gets room in the moment its partition is taken away: each record still comes once."""
    ledger = Ledger()
    keeper = Full(ledger)
    small = dataclasses.replace(settings, lane_bytes=20_000, batch_records=10, poll_records=50)
    forget = Thread.forget_partitions

    def forget_and_get_room(self: Thread) -> None:
        forget(self)
        keeper.room.set()

    async with reading(small, make_topic, keeper, first=300) as (engine, topic):
        await until(lambda: keeper.open and engine._app.consumer.lanes.lane(TP(topic, 0))._pressed)
        monkeypatch.setattr(Thread, "forget_partitions", forget_and_get_room)
        client(engine)._coordinator.request_rejoin()
        await ledger.reaches({TP(topic, 0): 300})
        assert keeper.failures == []
