"""
One transaction for a group of commits: carried out until it is certain whether it holds.

    fences -> segments -> documents -> parked -> commit with majority
    transient error          the whole again, with a growing pause
    unknown commit result    the commit again; then the fences are read: own epoch and seq + 1 means done (design D4)
    fence does not match     Fenced (one commit) or GroupSpoiled (several: the caller tries them one by one)
    document refused         DocumentRefused / DocumentInsertClash, or GroupSpoiled

Nothing is half done after any of these.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any, NoReturn

import pymongo
from pymongo import ReadPreference, errors
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from syncsvc.errors import Unreachable
from syncsvc.mongo import names, statements, verdict
from syncsvc.mongo.client import MAJORITY, Mongo
from syncsvc.mongo.commit import Abandoned, Commit, DocumentInsertClash, DocumentRefused, Fenced, OutOfStep
from syncsvc.mongo.verdict import DRIVER_ERRORS, DriverError, Verdict

#: Pauses between attempts, in seconds: a conflict is over in milliseconds, an election in some seconds.
FIRST_PAUSE_SECONDS = 0.01
MOST_PAUSE_SECONDS = 1.0
#: After this long without success the process leaves, in seconds: Kubernetes restarts it with a fresh connection.
PATIENCE_SECONDS = 300.0
#: Longest of one attempt to commit, in seconds: a majority that does not come is waited for without end otherwise.
COMMIT_SECONDS = 10.0

_DUPLICATE_KEY = 11000


class GroupSpoiled(Exception):
    """One of several commits cannot be done: try them one by one."""


class _FenceMismatch(Exception):
    """Fewer fences matched than there are commits."""


class Transactions:
    """Carries groups of commits out, one after the other, on one session."""

    def __init__(
        self, mongo: Mongo, session: ClientSession, stopping: Event, retried: Callable[[str], None] = lambda _: None
    ) -> None:
        self._mongo, self._session, self._stopping, self._retried = mongo, session, stopping, retried
        self._fences = mongo.database[names.FENCES].with_options(read_concern=ReadConcern("linearizable"))

    def run(self, commits: Sequence[Commit]) -> None:
        """
        Return when all commits are durable with majority.

        Raises:
            Fenced, OutOfStep, DocumentRefused, DocumentInsertClash: of a single commit; nothing was written.
            GroupSpoiled: the same for one of several.
            Abandoned: `stopping` was set meanwhile.
            Unreachable: `mongo.failed` (an error we do not know), `mongo.no_progress` after PATIENCE_SECONDS.
        """
        uncertain = False
        for _ in self._attempts():
            try:
                self._begin()
                for command in statements.of_group(commits):
                    self._send(command, len(commits) > 1)
                if self._stopping.is_set():
                    raise Abandoned
            except _FenceMismatch:
                self._abort()
                if uncertain and self._landed(commits):
                    return
                self._disown(commits)
                continue
            except DRIVER_ERRORS as error:
                self._abort()
                self._judge(error, commits)
                continue
            except BaseException:
                self._abort()
                raise
            problem = self._commit()
            if problem is None or self._landed(commits):
                return
            uncertain = True
            self._judge(problem, commits)

    def _begin(self) -> None:
        # Said here: else it is what the URI prefers to read from, and the driver knows no transaction elsewhere.
        self._session.start_transaction(write_concern=MAJORITY, read_preference=ReadPreference.PRIMARY)

    def _send(self, command: statements.Command, several: bool) -> None:
        reply = self._mongo.database.command(command.body(), session=self._session)
        if command.must_match is not None and reply["n"] != command.must_match:
            raise _FenceMismatch
        for problem in reply.get("writeErrors", ()):
            code = problem["code"]
            clash = code == _DUPLICATE_KEY and list(problem.get("keyPattern", ())) == ["_id"]
            if verdict.of_code(code) is Verdict.AGAIN or (clash and command.kind == "update"):
                # Two upserts of one `_id` met: the next attempt finds the document.
                raise errors.OperationFailure("conflict", 112)
            if verdict.of_code(code) is Verdict.FATAL or not command.places:
                if code == verdict.UNAUTHORIZED:
                    raise verdict.forbidden(f"{self._mongo.where}.{command.collection}")
                raise verdict.failed(self._mongo.where, f"{command.kind} in {command.collection}: code {code}")
            if several:
                raise GroupSpoiled
            _, index = command.places[problem["index"]]
            if clash and command.kind == "insert":
                raise DocumentInsertClash(index)
            raise DocumentRefused(index, code, verdict.DOCUMENT_CODES[code])

    def _judge(self, error: DriverError, commits: Sequence[Commit]) -> None:
        """Return to try again; raise when that will not help."""
        judged = verdict.of_error(error)
        if judged is Verdict.AGAIN:
            self._retried(type(error).__name__)
            return
        if judged is Verdict.DOCUMENT:
            self._search(commits, error)
        raise verdict.failed_by(self._mongo.where, error) from None

    def _search(self, commits: Sequence[Commit], error: DriverError) -> NoReturn:
        """The command as a whole was refused for a document: find it by sending them alone, then abort."""
        if len(commits) > 1:
            raise GroupSpoiled
        for command in statements.of_writes_alone(commits[0]):
            self._begin()
            try:
                self._send(command, several=False)
            except DRIVER_ERRORS as found:
                code = getattr(found, "code", None) or 10334
                if verdict.of_error(found) is Verdict.DOCUMENT:
                    raise DocumentRefused(command.places[0][1], code, verdict.DOCUMENT_CODES[code]) from None
            finally:
                self._abort()
        raise verdict.failed_by(self._mongo.where, error) from None

    def _commit(self) -> errors.PyMongoError | None:
        """Commit; None when done, else the error with which it ended for certain or for as long as we may wait."""
        for _ in self._attempts():
            try:
                with pymongo.timeout(COMMIT_SECONDS):
                    self._session.commit_transaction()
            except errors.PyMongoError as error:
                if not verdict.unknown_commit(error):
                    return error
                self._retried("unknown commit result")
            else:
                return None
        raise Abandoned

    def _landed(self, commits: Sequence[Commit]) -> bool:
        """Whether the transaction holds after all: any fence that is still ours tells, for all or none were raised."""
        for commit in commits:
            found = self._read(commit.fence_id)
            if found is not None and found["epoch"] == commit.epoch:
                return bool(found["seq"] == commit.seq + 1)
        self._disown(commits)
        return False

    def _disown(self, commits: Sequence[Commit]) -> None:
        """Raise why the fences do not match; return when the one fence does after all, to try again."""
        if len(commits) > 1:
            raise GroupSpoiled
        (commit,) = commits
        found = self._read(commit.fence_id)
        if found is None or found["epoch"] != commit.epoch:
            raise Fenced(commit.fence_id, commit.epoch, found["epoch"] if found else None)
        if found["seq"] != commit.seq:
            raise OutOfStep(commit.fence_id, commit.seq, found["seq"])

    def _read(self, fence_id: str) -> dict[str, Any] | None:
        """The fence as it certainly is: a linearizable read waits until what it saw is durable."""
        for _ in self._attempts():
            try:
                return self._fences.find_one({"_id": fence_id}, {"epoch": 1, "seq": 1}, max_time_ms=10_000)
            except errors.PyMongoError as error:
                if verdict.of_error(error) is not Verdict.AGAIN:
                    raise verdict.failed_by(self._mongo.where, error) from None
        raise Abandoned

    def _abort(self) -> None:
        if self._session.in_transaction:
            self._session.abort_transaction()

    def _attempts(self) -> Iterator[int]:
        """0, 1, 2, .. with a pause before each but the first; raises when stopped or out of patience."""
        pause, end, attempt = FIRST_PAUSE_SECONDS, time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < end:
            yield attempt
            attempt += 1
            if self._stopping.wait(pause):
                raise Abandoned
            pause = min(pause * 2, MOST_PAUSE_SECONDS)
        raise Unreachable(
            code="mongo.no_progress",
            where=self._mongo.where,
            what=f"no transaction passed for {PATIENCE_SECONDS:.0f} s ({attempt} attempts)",
            fix="look at the replica set (rs.status()) and its load; syncsvc goes on from the fence when restarted",
        )
