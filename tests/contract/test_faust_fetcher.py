"""Stock Faust takes being stopped in the middle of a rebalance for a crash; ours does not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.consumer import Fetcher as Stock

from syncsvc.engine.transport import Fetcher


class Reading:
    """A consumer that waits for records that never come."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def _drain_messages(self, fetcher: Any) -> None:
        self.begun.set()
        await asyncio.Event().wait()


async def _stopped_in_a_rebalance(kind: type[Any]) -> BaseException | None:
    """What the fetcher crashed with, when it was stopped while the group was rebalancing."""
    reading = Reading()
    fetcher = kind(SimpleNamespace(consumer=reading, rebalancing=True))
    await fetcher.start()
    await reading.begun.wait()
    await asyncio.wait_for(fetcher.stop(), 5)
    crash: BaseException | None = fetcher.crash_reason
    return crash


@pytest.mark.parametrize(
    ("kind", "crashes"),
    [pytest.param(Fetcher, False, id="ours"), pytest.param(Stock, True, id="stock: when this fails, drop ours")],
)
def test_a_worker_told_to_stop_during_a_rebalance_just_stops(kind: type[Any], crashes: bool) -> None:
    """Two workers stopped at once end with exit code 0: the first one's leaving is a rebalance for the other."""
    assert (asyncio.run(_stopped_in_a_rebalance(kind)) is not None) is crashes
