"""Opening a fence while MongoDB has other cares: it goes on, or ends in words that a user can act on."""

from __future__ import annotations

from typing import Any, cast

import pytest
from bson.binary import Binary
from pymongo import errors

from syncsvc.errors import Unreachable
from syncsvc.mongo import fences
from syncsvc.mongo.client import Mongo

FENCE = "test/g1/joiner/0"
OURS, THEIRS = Binary(b"0123456789abcdef", 4), Binary(b"fedcba9876543210", 4)


class Blocked:
    """A fence that the transaction of a dead owner holds until its session is killed; the first kill fails."""

    where = "here"

    def __init__(self, failure: errors.PyMongoError) -> None:
        self._failures = [failure]
        self.held = True
        self.database = self.client = self.admin = self

    def get_collection(self, *_: object, **__: object) -> Blocked:
        """Of the fences."""
        return self

    __getitem__ = get_collection

    def find_one(self, *_: object) -> dict[str, Any]:
        """As its dead owner left it."""
        return {"_id": FENCE, "epoch": 1, "lsid": THEIRS}

    def find_one_and_update(self, *_: object, **__: object) -> dict[str, Any]:
        """Waits for the dead owner's transaction in vain, as long as there is one."""
        if self.held:
            raise errors.ExecutionTimeout("operation exceeded time limit", 50)
        return {"_id": FENCE, "epoch": 2, "seq": 3, "offset": 30, "base": 1}

    def command(self, name: str, *_: object) -> None:
        """killSessions."""
        assert name == "killSessions"
        if self._failures:
            raise self._failures.pop()
        self.held = False


def opened(mongo: Blocked) -> fences.Fence:
    """By the next owner."""
    return fences.open_fence(cast(Mongo, mongo), FENCE, OURS)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(errors.NotPrimaryError("not primary"), id="an election"),
        pytest.param(errors.OperationFailure("interrupted", 11602), id="a step down"),
        pytest.param(errors.ServerSelectionTimeoutError("no primary"), id="nobody there"),
    ],
)
def test_a_kill_that_an_election_interrupts_is_tried_again(failure: errors.PyMongoError) -> None:
    """
    A worker dies together with the primary: its fence is blocked, and the one that takes over meets the election.

    The error of the kill once left the worker as the driver's own, and it ended where it only had to wait.
    """
    assert opened(Blocked(failure)).epoch == 2


def test_a_missing_right_to_kill_sessions_is_told() -> None:
    """Exit code 4 with the role to give, not the driver's words."""
    with pytest.raises(Unreachable) as refused:
        opened(Blocked(errors.OperationFailure("not authorized", 13)))

    assert refused.value.problems[0].code == "mongo.forbidden"
