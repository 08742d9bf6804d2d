"""
Changes at a steady rate: title changes of some meetings, in a thread of their own or in step with the caller.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from benchmarks.scenarios.stage import Stage
from benchmarks.scenarios.watching import Watcher
from benchmarks.workload import Meetup

OTHERS_A_SECOND = 50  # titles of other meetings, while something hard happens


def now_ms() -> int:
    """The source commit time of a live change."""
    return int(time.time() * 1000)


def steadily(rate: float, over: Callable[[], bool], act: Callable[[int], None]) -> tuple[int, float]:
    """
    Calls `act(0)`, `act(1)`, … at a rate a second until it is over; how often, and the latest it ever was, seconds.
    """
    began, number, late = time.perf_counter(), 0, 0.0
    while not over():
        wait = began + number / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        late = max(late, -wait)
        act(number)
        number += 1
    return number, late


class Others:
    """New titles of some meetings at `OTHERS_A_SECOND`, from a thread, until it is left: `with Others(…): …`."""

    def __init__(
        self, stage: Stage, meetup: Meetup, watcher: Watcher, meetings: Sequence[int], lock: threading.Lock
    ) -> None:
        """`lock`: held while the tables are changed; the caller changes them too."""
        self._stage, self._meetup, self._watcher, self._meetings = stage, meetup, watcher, meetings
        self._lock, self._dice, self._over = lock, random.Random(11), threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Others:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            steadily(OTHERS_A_SECOND, self._over.is_set, self._change)
        except BaseException as error:  # told by the thread that waits for us
            self._error = error

    def _change(self, number: int) -> None:
        meeting = self._dice.choice(self._meetings)
        with self._lock:
            event = self._meetup.title(meeting)
            self._watcher.sends(meeting, self._meetup.sequence)
            self._stage.send(event)
        self._stage.producer.poll(0)
