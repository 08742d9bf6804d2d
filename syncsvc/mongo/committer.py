"""
Group commit: whatever is queued when the last transaction ends goes out as one.

A transaction costs about 1 ms of our CPU and a wait for the majority, however much it carries; partitions that commit
at the same time share one.  One thread and one session: more of them made smaller groups and worse tails (p99 127 to
84 ms with one).  A commit that may wait begins no transaction before its time has come, but goes with any that begins.
The session's `lsid` goes into the fences (`mongo.fences`), so that a new owner can end what a killed one left open.  A
commit that spoils its group is found by trying them one by one: the others go through.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Event, Thread

from bson.binary import Binary

from syncsvc.mongo import statements
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.commit import Abandoned, Commit, DocumentRefused
from syncsvc.mongo.transaction import GroupSpoiled, Transactions

#: Bounds of a group: a transaction of 4 MiB takes about 15 ms here; more would make the small ones wait.
MOST_GROUP_BYTES = 4 << 20
MOST_GROUP_COMMITS = 64

#: `observe(seconds, commits, writes, bytes)`, called in the committer's thread after each transaction that holds.
Observe = Callable[[float, int, int, int], None]

_Queued = tuple[Commit, "Future[None]"]


class Committer:
    """Commits steps in a thread of its own; close it before the connection."""

    def __init__(
        self,
        mongo: Mongo,
        *,
        observe: Observe = lambda *_: None,
        retried: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._session = mongo.client.start_session()
        #: Id of the session all transactions run in, for the fences.
        self.lsid: Binary = self._session.session_id["id"]
        self._observe = observe
        self._queue: deque[_Queued] = deque()
        #: When the next group goes out, `time.monotonic()`.
        self._due = math.inf
        self._wake = Condition()
        self._stopping = Event()
        self._transactions = Transactions(mongo, self._session, self._stopping, retried)
        self._thread = Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit(self, commit: Commit, *, within_seconds: float = 0.0) -> Future[None]:
        """
        Queue one step; any thread.  It may wait so long for others whose group it can join; `wake` ends that.

        The future ends with None when the step is durable with majority, else with one of the errors of
        `Transactions.run`, and then nothing of it was written.  Commits of one fence are carried out in the order
        given, never two in one group; when one fails, a later one that was queued behind it ends in `OutOfStep`.
        Cancelled before it is carried out, nothing of it is written; from then on it cannot be cancelled.
        """
        future: Future[None] = Future()
        refused = statements.too_large(commit)
        if refused is not None:
            future.set_exception(DocumentRefused(refused, 10334, "BSONObjectTooLarge"))
            return future
        with self._wake:
            if self._stopping.is_set():
                future.set_exception(Abandoned())
            else:
                self._queue.append((commit, future))
                self._go(time.monotonic() + within_seconds)
        return future

    def wake(self) -> None:
        """Carry out what is queued now."""
        with self._wake:
            if self._queue:
                self._go(-math.inf)

    def _go(self, at: float) -> None:
        """The next group goes out at this time, or earlier; the thread hears of it only when that changes something."""
        if at < self._due:
            self._due = at
            self._wake.notify()

    def close(self, patience_seconds: float = 10.0) -> None:
        """Abort the transaction under way, give up what is queued; ends within the patience, in seconds."""
        with self._wake:
            self._stopping.set()
            self._wake.notify()
        self._thread.join(patience_seconds)
        if not self._thread.is_alive():
            self._session.end_session()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if group := self._next_group():
                    self._settle(group)
        finally:  # also of an error of ours: nobody waits for a thread that is gone
            with self._wake:
                self._stopping.set()
                for _, future in self._queue:
                    if future.set_running_or_notify_cancel():
                        future.set_exception(Abandoned())
                self._queue.clear()

    def _next_group(self) -> list[_Queued]:
        """What is queued when it is due, at most one commit a fence, in order, within the bounds; [] when closing."""
        with self._wake:
            while not self._stopping.is_set() and (pause := self._due - time.monotonic()) > 0:
                self._wake.wait(None if self._due == math.inf else pause)
            if self._stopping.is_set():
                return []
            group: list[_Queued] = []
            left: deque[_Queued] = deque()
            fences: set[str] = set()
            size = 0
            for queued in self._queue:
                commit = queued[0]
                fits = len(group) < MOST_GROUP_COMMITS and (not group or size + commit.weight_bytes <= MOST_GROUP_BYTES)
                if not (fits and commit.fence_id not in fences):
                    left.append(queued)
                elif queued[1].set_running_or_notify_cancel():  # else nobody waits for it any more
                    group.append(queued)
                    size += commit.weight_bytes
                # Also one left behind: nothing of its fence may overtake it.
                fences.add(commit.fence_id)
            self._queue = left
            self._due = -math.inf if left else math.inf
            return group

    def _settle(self, group: list[_Queued]) -> None:
        """Carry a group out and end its futures."""
        began = time.perf_counter()
        try:
            self._transactions.run([commit for commit, _ in group])
        except GroupSpoiled:
            for queued in group:
                self._settle([queued])
        except BaseException as error:  # the caller decides; this thread goes on for the other partitions
            for _, future in group:
                future.set_exception(error)
        else:
            seconds = time.perf_counter() - began
            for _, future in group:
                future.set_result(None)
            writes = sum(len(commit.writes) for commit, _ in group)
            size = sum(commit.weight_bytes for commit, _ in group)
            self._observe(seconds, len(group), writes, size)
