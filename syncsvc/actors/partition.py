"""
What routers' and joiners' actors share: the life of one partition, from its first step to its last.

It is opened by `loading`, and closed by finishing the step under way.  Any error that is not foreseen ends the process
(design D9): the fence says where the next owner goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncsvc.actors.inbox import Inbox
from syncsvc.actors.ports import FencedOut
from syncsvc.actors.report import Report
from syncsvc.errors import Unreachable


class Actor:
    """An actor's task and inbox; subclasses say what a step is."""

    #: Longest wait for the step under way when the partition is given back, seconds; below the engine's own bound.
    CLOSE_SECONDS = 20.0
    #: Longest wait for what was cancelled after that.
    CANCEL_SECONDS = 1.0
    #: Longest that a partition which another worker owns may stay assigned here: a member that was away hears of the
    #: rebalance within some seconds.
    FENCED_SECONDS = 60.0

    def __init__(self, report: Report, failed: Callable[[BaseException], None]) -> None:
        self.inbox = Inbox()
        self._report = report
        #: The transaction under way.
        self._committing: asyncio.Task[None] | None = None
        self._closing = False
        self._given_back = asyncio.Event()
        #: Why the partition is no longer ours, when another worker has it.
        self._fenced: FencedOut | None = None
        self._failed = failed
        self._task: asyncio.Task[None] | None = None
        self._name = ""

    async def run(self) -> None:
        """Steps until closing; overridden."""
        raise AssertionError("overridden")

    def release(self) -> None:
        """Lets go of what the actor holds; overridden."""
        raise AssertionError("overridden")

    def start(self, name: str) -> None:
        """Begins stepping."""
        self._name = name
        self._task = asyncio.create_task(self._guarded(), name=name)

    async def _guarded(self) -> None:
        try:
            await self.run()
            if self._fenced is not None:
                await self._expect_to_be_given_back(self._fenced)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # whatever it is, the process leaves: nothing half-known goes on
            self._failed(error)

    async def _settle(self) -> None:
        """Waits for the transaction under way."""
        if self._committing is not None:
            task, self._committing = self._committing, None
            try:
                await task
            except FencedOut as error:
                self._report.fenced_out()
                self._closing, self._fenced = True, error

    async def _expect_to_be_given_back(self, fenced: FencedOut) -> None:
        """Where Kafka has given the partition to nobody else, it would stand still here for ever."""
        try:
            async with asyncio.timeout(self.FENCED_SECONDS):
                await self._given_back.wait()
        except TimeoutError:
            raise Unreachable(
                code="mongo.fenced_out",
                where=f"partition {self._name}",
                what=f"another worker took it over, but Kafka still gives it to this one: {fenced}",
                fix="none is needed: the worker starts again and takes it back; look for a second deployment of the"
                " pipeline with another consumer group if it comes again",
            ) from None

    async def close(self) -> None:
        """Finishes the step under way, within a bound, and lets go."""
        self._closing = True
        self._given_back.set()
        self.inbox.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self.CLOSE_SECONDS)
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task], timeout=self.CANCEL_SECONDS)
        await self._give_up()
        self.release()

    async def _give_up(self) -> None:
        """
        Ends the transaction that nobody waits for any more: what it does when it is durable is done to the state.

        It may become durable all the same; the next owner finds that in the fence.
        """
        if self._committing is None:
            return
        task, self._committing = self._committing, None
        task.cancel()
        await asyncio.wait([task], timeout=self.CANCEL_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()  # why it failed is not of interest: the partition is the next owner's
