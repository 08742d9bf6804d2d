"""
What this worker tells the others for their pages, and what they tell.

One small write and one read every two seconds, whatever the load; neither waits for a majority and neither is on the
way of a change.  The fences alone would have cost nothing more, but they cannot answer: they say what is durable, not
who owns a partition, how old what waits is, or that its owner is dead.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable

import msgspec

from syncsvc.mongo import workers
from syncsvc.mongo.client import Mongo
from syncsvc.telemetry.fleet import Fleet, Seen
from syncsvc.telemetry.status import Status, builtins

LOG = logging.getLogger("syncsvc")
SWEEP_SECONDS = 60.0  # between two looks for those who are dead for long
TELL_SECONDS = 2.0  # a fifth of what makes a worker look dead (`telemetry.fleet`)


class Presence:
    """
    One worker among the others.

    Args:
        instance: name of this worker.
        status: what it tells.
    """

    def __init__(self, mongo: Mongo, instance: str, status: Callable[[], Status]) -> None:
        self._mongo, self._instance, self._status = mongo, instance, status
        self._telling = threading.Lock()
        self._left = False
        self._others: tuple[Seen, ...] = ()
        self._read_at = time.monotonic()
        self._away = False

    async def keep_telling(self) -> None:
        """Until cancelled; MongoDB may be away meanwhile."""
        swept_at = -math.inf
        while True:
            try:
                if time.monotonic() - swept_at >= SWEEP_SECONDS:
                    swept_at = time.monotonic()
                    await asyncio.to_thread(workers.forget_dead, self._mongo)
                await asyncio.to_thread(self._tell_and_read)
                self._away = False
            except Exception as error:  # mostly the driver's: the page says that the others are unread
                if not self._away:
                    LOG.warning("presence_failed", extra={"fields": {"error": type(error).__name__}})
                self._away = True
            await asyncio.sleep(TELL_SECONDS)

    def _tell_and_read(self) -> None:
        with self._telling:
            if self._left:
                return
            workers.tell(self._mongo, self._instance, builtins(self._status()))
        asked = time.monotonic()
        self._others = tuple(map(_seen, workers.told(self._mongo, self._instance)))
        self._read_at = asked

    async def leave(self) -> None:
        """Says that this worker is gone on purpose, so that nobody looks for it."""

        def leave() -> None:
            with self._telling:  # a word on its way would make the document again
                self._left = True
                workers.leave(self._mongo, self._instance)

        await asyncio.to_thread(leave)

    def fleet(self) -> Fleet:
        """This worker now and the others as they were last read, as much older as that is ago; from any thread."""
        others, since = self._others, time.monotonic() - self._read_at
        aged = tuple(Seen(one.instance, one.age_seconds + since, one.status) for one in others)
        return Fleet(self._status(), aged, since)


def _seen(told: workers.Told) -> Seen:
    try:
        status = None if told.status is None else msgspec.convert(told.status, Status)
    except msgspec.ValidationError:
        status = None
    return Seen(told.instance, told.age_seconds, status)
