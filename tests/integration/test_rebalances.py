"""Workers come, leave, and stand still while changes flow."""

from __future__ import annotations

import signal

import pytest

from tests.integration.conftest import MakeStage
from tests.integration.load import Load
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until
from tests.integration.worker import Worker


def started(stage: Stage, owners: int) -> Worker:
    """One more worker, with partitions of its own."""
    worker = stage.worker()
    worker.start()
    wait_until(lambda: stage.all_owned(owners), lambda: f"{owners} workers do not share the work\n{stage.tails()}")
    return worker


@pytest.mark.parametrize("seed", [21])
def test_workers_may_join_and_leave_at_any_time(make_stage: MakeStage, seed: int) -> None:
    """
    Under load one worker joins, the first one leaves, a third joins and the second leaves: each leaves with exit code
    0, the documents equal the join after quiet, and no reader saw one go back.
    """
    stage = make_stage(seed)
    stage.begin()
    worker = started(stage, owners=1)
    wait_until(stage.copied, stage.tails)

    with Load(stage):
        for _ in range(2):
            newcomer = started(stage, owners=2)
            stage.go_on(20)
            assert worker.leave() == 0, worker.tail()
            wait_until(lambda: stage.all_owned(1), stage.tails)
            stage.go_on(20)
            worker = newcomer

    stage.settle()
    stage.check_reader()


@pytest.mark.parametrize("seed", [31, 32])
def test_a_worker_that_stood_still_while_another_took_over_does_no_damage(make_stage: MakeStage, seed: int) -> None:
    """
    A worker is frozen in the middle of its work for longer than its session; another one takes its partitions over
    and goes on.  When it wakes up, none of what it had in hand reaches the documents; it leaves, or begins again.
    """
    stage = make_stage(seed)
    stage.restarts_left = 1  # to leave is right for one that finds itself fenced out
    stage.begin()
    zombie = started(stage, owners=1)
    wait_until(stage.copied, stage.tails)

    with Load(stage):
        started(stage, owners=2)
        stage.go_on(stage.meetup.random.randint(1, 30))
        before = stage.owners()
        zombie.signal(signal.SIGSTOP)
        wait_until(lambda: stage.all_owned(1), lambda: f"nobody took over\n{stage.tails()}")
        stage.go_on(30)
        alone = stage.owners()
        assert alone < before
        zombie.signal(signal.SIGCONT)
        wait_until(
            lambda: not zombie.running or stage.owners() != alone,
            lambda: f"it neither left nor joined again\n{stage.tails()}",
        )
        stage.go_on(20)

    stage.settle()
    stage.check_reader()
