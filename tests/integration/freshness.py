"""
How late documents are, measured from outside: a steady load that knows when it changed which row, and a change stream.

A row stays where it is here, so the documents that show it are known beforehand; each of them has to show each of its
editions, or a later one.  Lateness is counted from before the change is published until the stream shows it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pymongo

from tests.integration.meetup import APPLICATION, MEETING, TABLES, USER
from tests.integration.stage import Stage

Place = tuple[int, str, int]  # document, table, row
LOOK_SECONDS = 0.1


class SteadyLoad:
    """
    Rows change one after the other, table by table, at a steady rate: `with SteadyLoad(stage) as load: …`.

    Args:
        stage: whose rows; nobody else may change them meanwhile.
        pause_seconds: between two changes.
    """

    def __init__(self, stage: Stage, pause_seconds: float = 0.03) -> None:
        self._stage, self._pause_seconds = stage, pause_seconds
        self._shown_in: dict[tuple[str, int], set[int]] = {}
        for number, document in stage.meetup.documents().items():
            self._shown_in[MEETING, number] = {number}
            for application in document["applications"]:
                self._shown_in[APPLICATION, application["id"]] = {number}
                if application["user"] is not None:
                    self._shown_in.setdefault((USER, application["user_id"]), set()).add(number)
        self._lock = threading.Lock()
        #: Editions that a document does not show yet, oldest first, with the time of their change.
        self._awaited: dict[Place, deque[tuple[int, float]]] = {}
        #: `(seconds, document, table, row)` of each edition that was shown.
        self.lateness: list[tuple[float, int, str, int]] = []
        #: Changes so far.
        self.changes = 0
        self._over, self._watched = threading.Event(), threading.Event()
        self._errors: list[BaseException] = []
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(stage.mongod.uri)
        self._changing = threading.Thread(target=self._kept, args=(self._change,), daemon=True)
        self._watching = threading.Thread(target=self._kept, args=(self._watch,), daemon=True)

    def __enter__(self) -> SteadyLoad:
        began = threading.Event()
        self._began = began
        self._watching.start()
        began.wait()
        self._changing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._changing.join()
        if self._errors:
            raise self._errors[0]

    def awaited(self) -> list[Place]:
        """What documents do not show yet."""
        with self._lock:
            return [place for place, editions in self._awaited.items() if editions]

    def worst(self) -> tuple[float, int, str, int]:
        """The latest of all: `(seconds, document, table, row)`."""
        with self._lock:
            return max(self.lateness)

    def finish(self) -> None:
        """Stops looking; call it when everything is shown, or the test has failed."""
        self._watched.set()
        self._watching.join()
        self._client.close()
        if self._errors:
            raise self._errors[0]

    def _kept(self, work: Any) -> None:
        try:
            work()
        except BaseException as error:  # told by the thread that waits for us
            self._errors.append(error)
            self._began.set()

    def _rows(self) -> Iterator[tuple[str, int]]:
        """Every row that a document shows, a table in turn, again and again."""
        by_table = {name: sorted(number for table, number in self._shown_in if table == name) for name in TABLES}
        for numbers in zip(*map(itertools.cycle, by_table.values()), strict=True):
            yield from zip(by_table, numbers, strict=True)

    def _change(self) -> None:
        meetup, due = self._stage.meetup, time.monotonic()
        for table, number in self._rows():
            if self._over.is_set():
                return
            at = time.monotonic()
            name, value = {
                MEETING: ("title", f"meeting {self.changes}"),
                APPLICATION: ("status", f"status {self.changes}"[:20]),
                USER: ("city", f"city {self.changes}"),
            }[table]
            events = meetup.set(table, number, **{name: value})
            edition = int(meetup.rows[table][number]["edition"])
            with self._lock:
                for document in self._shown_in[table, number]:
                    self._awaited.setdefault((document, table, number), deque()).append((edition, at))
            self._stage.logs.publish(events)
            self.changes += 1
            due = max(due + self._pause_seconds, at)  # what was missed behind a stall is not made up for
            self._over.wait(max(0.0, due - time.monotonic()))

    def _watch(self) -> None:
        collection = self._client[self._stage.name]["meetings"]
        with collection.watch(max_await_time_ms=int(LOOK_SECONDS * 1000)) as stream:
            self._began.set()
            while not self._watched.is_set():
                change = stream.try_next()
                if change is not None and change.get("fullDocument") is not None:
                    self._seen(change["fullDocument"], time.monotonic())

    def _seen(self, document: dict[str, Any], now: float) -> None:
        identity = document["_id"]
        shown = [(MEETING, identity, document["edition"])]
        for application in document["applications"]:
            shown.append((APPLICATION, application["id"], application["edition"]))
            if application["user"] is not None:
                shown.append((USER, application["user"]["id"], application["user"]["edition"]))
        with self._lock:
            for table, number, edition in shown:
                waiting = self._awaited.get((identity, table, number))
                while waiting and waiting[0][0] <= edition:
                    self.lateness.append((now - waiting.popleft()[1], identity, table, number))
