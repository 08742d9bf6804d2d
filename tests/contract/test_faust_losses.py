"""
How stock Faust loses records, on a real broker: the reasons why nothing of its acknowledgements is used.

The tests pass while the faults are there.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import faust
import pytest
from aiokafka.consumer import fetcher

from syncsvc.engine.port import TP
from syncsvc.engine.raw_records import RawRecords
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.wire import Wire
from tests.engine.conftest import kafka, make_topic, nursery, settings  # noqa: F401 (fixtures)
from tests.engine.ledger import numbered

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def _stock_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ran before in this process: stock Faust needs aiokafka's own records."""
    monkeypatch.setattr(fetcher, "PartitionRecords", RawRecords.__base__)


class Stock:
    """A stock Faust app on one partition of twenty records, and what it has committed."""

    def __init__(self, engine: EngineSettings, topic: str, folder: Any) -> None:
        self.group = f"stock.{uuid.uuid4().hex[:8]}"
        self.app = faust.App(
            self.group, broker=f"kafka://{engine.bootstrap}", store="memory://", web_enabled=False, datadir=folder,
            topic_disable_leader=True, consumer_auto_offset_reset="earliest", table_standby_replicas=0,
            broker_commit_interval=0.2, loop=asyncio.get_running_loop(),
        )  # fmt: skip
        self.topic = self.app.topic(topic, key_serializer="raw", value_serializer="raw")
        self.wire = Wire(engine, self.group)
        self.tp = TP(topic, 0)

    async def commits(self, offset: int) -> None:
        """Run the app until this offset is committed."""
        await self.wire.start([self.tp.topic])
        await self.wire.send(self.tp.topic, {0: numbered(20)})
        await self.app.start()
        try:
            async with asyncio.timeout(60):
                while (await self.wire.committed([self.tp])).get(self.tp) != offset:  # noqa: ASYNC110 (a lag tool asks, too)
                    await asyncio.sleep(0.1)
        finally:
            await self.app.stop()
            await self.wire.stop()


async def test_a_record_whose_agent_raised_is_committed(make_topic: Any, settings: Any, tmp_path: Any) -> None:  # noqa: F811
    """Record 5 is never processed again, and the group stands behind it at 20."""
    stock = Stock(settings, await make_topic(1), tmp_path)
    seen: list[int] = []

    @stock.app.agent(stock.topic)
    async def work(stream: Any) -> None:
        async for value in stream:
            if int(value) == 5:
                raise OverflowError("a bug")
            seen.append(int(value))

    await stock.commits(20)

    assert seen == [n for n in range(20) if n != 5]


async def test_take_commits_a_whole_batch_that_failed(make_topic: Any, settings: Any, tmp_path: Any) -> None:  # noqa: F811
    """With `take(4)` it is four records that are lost."""
    stock = Stock(settings, await make_topic(1), tmp_path)
    seen: list[int] = []
    failed: list[int] = []

    @stock.app.agent(stock.topic)
    async def work(stream: Any) -> None:
        async for values in stream.take(4, within=1):
            if not failed:
                failed.extend(int(value) for value in values)
                raise OverflowError("a bug")
            seen.extend(int(value) for value in values)

    await stock.commits(20)

    assert failed
    assert not set(failed) & set(seen)
