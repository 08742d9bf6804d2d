"""
Sees when a document has become what it should: a change stream in a thread, and a clock.

The time is taken here when the server has told us of a majority-committed change; so it is when any reader could
have seen it, plus the way to us.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from syncsvc import errors

Document = Mapping[str, Any]
#: Whether a document is as wanted; None: there is no document.
Wanted = Callable[[Document | None], bool]
#: Longest wait for a change on an idle system; a hundred times what it takes.
ARRIVE_SECONDS = 30.0
#: Between two looks whether we are still wanted, or the workers still there.
LOOK_AGAIN_SECONDS = 0.25


class Awaited:
    """
    Documents that are to become something, and when each did.

    Args:
        wanted: `{_id: test}`.
    """

    def __init__(self, wanted: Mapping[Any, Wanted]) -> None:
        self._wanted = dict(wanted)
        self._all_there = threading.Event()
        #: `{_id: time.monotonic() of the first event with which its test held}`.
        self.seen: dict[Any, float] = {}

    @property
    def open(self) -> bool:
        """Whether one of them is still awaited."""
        return not self._all_there.is_set()

    def look_at(self, identity: Any, document: Document | None, now: float) -> None:
        """One event of the change stream."""
        test = self._wanted.get(identity)
        if test is not None and test(document):
            del self._wanted[identity]
            self.seen[identity] = now
            if not self._wanted:
                self._all_there.set()

    def wait(self, check: Callable[[], None]) -> float:
        """
        Wait for all of them; when the last one was seen, as `time.monotonic()`.

        Args:
            check: called now and then; raises when waiting has become useless.

        Raises:
            CheckFailed: code `demo.change_not_seen`.
        """
        deadline = time.monotonic() + ARRIVE_SECONDS
        while not self._all_there.wait(LOOK_AGAIN_SECONDS):
            check()
            if time.monotonic() > deadline:
                missing = sorted(self._wanted)[:3]
                raise errors.CheckFailed(
                    code="demo.change_not_seen",
                    where="MongoDB",
                    what=f"a committed change is not in document {', '.join(map(str, missing))} "
                    f"after {ARRIVE_SECONDS:.0f} s",
                    fix="read the logs of the workers and of Kafka Connect; please report it with them",
                )
        return max(self.seen.values())


class Watcher:
    """
    Follows a collection until `close`.

    Args:
        collection: a `pymongo` collection; a view cannot be watched.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._awaited: list[Awaited] = []
        self._over, self._ready = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, name="demo-watcher", daemon=True)

    def start(self) -> None:
        """Returns when everything that is committed from now on will be seen."""
        self._thread.start()
        self._ready.wait()
        self.check()

    def expect(self, wanted: Mapping[Any, Wanted]) -> Awaited:
        """To be called before the change is made."""
        awaited = Awaited(wanted)
        self._awaited.append(awaited)
        return awaited

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Let the thread end."""
        self._over.set()

    def _follow(self) -> None:
        try:
            with self._collection.watch(max_await_time_ms=int(LOOK_AGAIN_SECONDS * 1000)) as stream:
                self._ready.set()
                while not self._over.is_set():
                    event = stream.try_next()
                    if event is not None:
                        self._tell(event, time.monotonic())
        except Exception as error:  # told to whoever waits, see `check`
            self._error = error
        finally:
            self._ready.set()

    def _tell(self, event: Mapping[str, Any], now: float) -> None:
        identity = event["documentKey"]["_id"]
        document = None if event["operationType"] == "delete" else event["fullDocument"]
        for awaited in tuple(self._awaited):
            awaited.look_at(identity, document, now)
            if not awaited.open:
                self._awaited.remove(awaited)
