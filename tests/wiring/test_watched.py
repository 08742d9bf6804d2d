"""Work that nobody waits for: when it dies, the worker ends and says why."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from syncsvc.engine.settings import EngineSettings
from syncsvc.errors import Unreachable
from syncsvc.telemetry.metrics import Metrics
from syncsvc.wiring.pipeline import RunningPipeline
from syncsvc.wiring.watched import watched
from syncsvc.wiring.worker import labels
from tests.routing.tables import meetings


class Shared:
    """Of a worker, what a pipeline needs to be made, and to tell a failure."""

    def __init__(self) -> None:
        self.mongo = self.events = None
        self.engine = EngineSettings("127.0.0.1:1")
        self.metrics = Metrics([labels(meetings())], version="1")
        self.told: list[BaseException] = []
        self.heard = asyncio.Event()

    def failed(self, error: BaseException) -> None:
        """What ends the worker."""
        self.told.append(error)
        self.heard.set()


def test_an_error_is_told_and_an_end_is_not() -> None:
    """A task that is cancelled, as at every stop, has not failed."""
    told: list[BaseException] = []

    async def run() -> None:
        async def ends() -> None:
            pass

        async def fails() -> None:
            raise ValueError

        async def goes_on() -> None:
            await asyncio.sleep(60)

        tasks = [watched(work, told.append) for work in (ends(), fails(), goes_on())]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert [type(error) for error in told] == [ValueError]


class Broken:
    """A host in which one thing does not work any more."""

    def __init__(self, broken: str) -> None:
        self._broken = broken

    @property
    def actors(self) -> dict[Any, Any]:
        """What `_poll` begins with."""
        return self._look("actors") or {}

    def copied(self) -> tuple[int, int]:
        """What `_watch_copy` begins with."""
        return self._look("copied") or (0, 1)

    def phase(self) -> str:
        """What is told already."""
        return "starting"

    def see(self, ends: object) -> None:
        """Nobody is interested."""

    def behind(self) -> bool:
        """Nothing is before it."""
        return False

    def _look(self, what: str) -> Any:
        if what == self._broken:
            raise KeyError("ann@example.org")


@pytest.mark.parametrize("broken", ["actors", "copied"])
def test_a_pipeline_fails_when_its_looking_around_dies(broken: str) -> None:
    """End offsets or the first copy would stand still, and freshness with them; the page shows no foreign text."""
    shared = Shared()

    async def run() -> None:
        running = RunningPipeline(meetings(), cast("Any", shared))
        running._host = cast("Any", Broken(broken))
        running._look_around()
        await asyncio.wait_for(shared.heard.wait(), 30)
        await running.stop()
        assert running._error == "KeyError"

    asyncio.run(run())
    assert {type(error) for error in shared.told} == {KeyError}


def test_an_error_of_ours_is_shown_as_it_is() -> None:
    """It is written for people."""
    shared = Shared()
    running = RunningPipeline(meetings(), cast("Any", shared))
    running._failed(Unreachable(code="kafka.down", where="broker", what="no answer", fix="start it"))

    assert "no answer" in (running._error or "")
