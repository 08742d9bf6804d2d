"""
Looking into a log from outside: the newest records, and nothing else is touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from syncsvc.engine import reading
from syncsvc.engine.port import TP
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.wire import Wire

pytestmark = pytest.mark.servers


async def _filled(settings: EngineSettings, topic: str, count: int) -> None:
    wire = Wire(settings, "test")
    await wire.start([topic])
    await wire.send(topic, {0: [(b"k", str(number).encode()) for number in range(count)], 1: [(b"k", b"one")]})
    await wire.stop()


async def test_the_newest_records_of_each_partition_are_read_in_order(
    settings: EngineSettings, make_topic: Callable[[int], Awaitable[str]]
) -> None:
    """At most as many as asked for; a partition with fewer gives all it has, an empty one nothing."""
    topic = await make_topic(3)
    await _filled(settings, topic, 2000)
    tps = [TP(topic, number) for number in range(3)]

    async with reading.reader(settings) as logs:
        bounds = await logs.bounds(tps)
        found = [record async for record in logs.last(tps, 700)]

    assert bounds == {tps[0]: (0, 2000), tps[1]: (0, 1), tps[2]: (0, 0)}
    assert [record.offset for record in found if record.partition == 0] == list(range(1300, 2000))
    assert [record.value for record in found if record.partition == 1] == [b"one"]


async def test_the_time_of_the_newest_record_is_known(
    settings: EngineSettings, make_topic: Callable[[int], Awaitable[str]]
) -> None:
    """None for a topic that is empty or missing, which asking does not make."""
    topic = await make_topic(2)
    assert await reading.newest_ms(settings, topic) is None
    assert await reading.newest_ms(settings, "t.missing") is None
    await _filled(settings, topic, 5)

    newest = await reading.newest_ms(settings, topic)

    assert newest is not None
    assert newest > 1_600_000_000_000
    assert await reading.newest_ms(settings, "t.missing") is None
