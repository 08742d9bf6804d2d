"""
What a commit is worth when the server or the network fails in the middle of it, against a real server.

The server fails on command (`failCommand`); each test ends in one of two states only: all of the step, or nothing.
"""

from __future__ import annotations

import pytest

from syncsvc.mongo.client import Mongo
from syncsvc.mongo.committer import Committer
from tests.mongo import server
from tests.mongo.server import FaultyMongod, failing, fence_now, owned, put, step, stored

store, mongod, mongo, committer = server.store, server.mongod, server.mongo, server.committer

pytestmark = [pytest.mark.servers, pytest.mark.timeout(60)]


@pytest.mark.parametrize("command", ["update", "insert", "commitTransaction"])
@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"closeConnection": True}, id="connection lost"),
        pytest.param({"errorCode": 112, "errorLabels": ["TransientTransactionError"]}, id="conflict"),
        pytest.param({"errorCode": 11600, "errorLabels": ["TransientTransactionError"]}, id="going down"),
        pytest.param({"errorCode": 10107, "errorLabels": ["TransientTransactionError"]}, id="no longer primary"),
    ],
)
def test_a_transient_error_is_tried_again(
    mongo: Mongo, committer: Committer, command: str, how: dict[str, object]
) -> None:
    """Three times in a row, at any command: the step holds once in the end, and its caller sees nothing."""
    fence = owned(mongo, committer)
    with failing(mongo, [command], 3, **how):
        committer.submit(step(fence, put(1))).result(30)

    assert fence_now(mongo, fence) == (1, 1, 10)
    assert stored(mongo).keys() == {1}


@pytest.mark.parametrize("code", [pytest.param(91, id="the answer is retryable"), pytest.param(64, id="timed out")])
def test_an_unknown_commit_is_committed_again(mongo: Mongo, committer: Committer, code: int) -> None:
    """The transaction holds, but the answer says that nobody knows: only the commit is repeated."""
    fence = owned(mongo, committer)
    with failing(mongo, ["commitTransaction"], 3, writeConcernError={"code": code, "errmsg": "nobody knows"}):
        committer.submit(step(fence, put(1))).result(30)

    assert fence_now(mongo, fence) == (1, 1, 10)


def test_a_commit_that_holds_although_it_failed_is_recognised(mongo: Mongo, committer: Committer) -> None:
    """The answer is an error that a repetition cannot turn: the fence is read, and own epoch and seq + 1 mean done."""
    fence = owned(mongo, committer)
    with failing(mongo, ["commitTransaction"], 1, writeConcernError={"code": 100, "errmsg": "cannot be satisfied"}):
        committer.submit(step(fence, put(1))).result(30)

    assert fence_now(mongo, fence) == (1, 1, 10)
    committer.submit(step(fence, put(2), seq=1)).result(30)


def test_an_aborted_commit_is_done_anew(mongo: Mongo, committer: Committer) -> None:
    """The server has lost the transaction: the fence shows that nothing holds, so the whole step is sent again."""
    fence = owned(mongo, committer)
    with failing(mongo, ["commitTransaction"], 2, errorCode=251):
        committer.submit(step(fence, put(1))).result(30)

    assert fence_now(mongo, fence) == (1, 1, 10)
    assert stored(mongo).keys() == {1}


def test_an_error_nobody_knows_writes_nothing_and_says_its_code(mongo: Mongo, committer: Committer) -> None:
    """Crash-only: no guess, no endless repetition; the next step of the same owner still works."""
    fence = owned(mongo, committer)
    with (
        failing(mongo, ["insert"], 1, errorCode=8),
        pytest.raises(Exception, match=r"mongo\.failed[\s\S]*code 8"),
    ):
        committer.submit(step(fence, put(1))).result(30)

    assert fence_now(mongo, fence) == (1, 0, 0)
    assert stored(mongo) == {}
    committer.submit(step(fence, put(1))).result(30)


def test_steps_go_on_when_the_server_was_killed(mongod: FaultyMongod, mongo: Mongo, committer: Committer) -> None:
    """kill -9 of mongod under a running stream of steps: each of them holds exactly once."""
    fence = owned(mongo, committer)
    futures = [committer.submit(step(fence, put(seq), seq=seq)) for seq in range(100)]
    futures[5].result(30)
    mongod.kill()
    mongod.start()
    for future in futures:
        future.result(50)

    assert fence_now(mongo, fence) == (1, 100, 1000)
    assert len(stored(mongo)) == 100
