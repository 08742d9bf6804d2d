"""A worker is killed again and again, at moments of its work that a seed chooses, and started again each time."""

from __future__ import annotations

import random

import pytest

from tests.integration.conftest import MakeStage
from tests.integration.load import Load
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until
from tests.integration.worker import Worker


def reach(stage: Stage, worker: Worker, fences: int, commits: int) -> None:
    """Waits until so many partitions were opened and so many steps are durable, ever."""

    def reached() -> bool:
        assert worker.running, worker.tail()
        return len(stage.fences()) >= fences and stage.commits() >= commits

    wait_until(reached, lambda: f"{stage.commits()} commits, not {commits}\n{worker.tail()}")


def sent_again(stage: Stage) -> int:
    """Records that are more than once in the keyed topic: sent before a kill and again after it."""
    heads = [(partition, value[2:16]) for partition, _, value in stage.logs.keyed_records()]  # sender, place, index
    return len(heads) - len(set(heads))


@pytest.mark.parametrize("seed", [1])
def test_a_worker_killed_during_the_first_copy_makes_it_whole_in_the_end(make_stage: MakeStage, seed: int) -> None:
    """
    Killed while partitions are opened, and after each of the first steps, with its local cache kept or lost: in the end
    every document is there, equals the join, and no reader saw one go back.
    """
    stage = make_stage(seed, meetings=300)
    stage.begin()
    worker, dice, early = stage.worker(), random.Random(seed), 0

    few, more, most = dice.randint(2, 9), dice.randint(2, 4), dice.randint(5, 9)
    for fences, commits in ((1, 0), (few, 0), (10, 1), (10, more), (10, most)):
        worker.start()
        reach(stage, worker, fences, stage.commits() + commits)
        early += not stage.copied()
        worker.kill(forget=dice.random() < 0.5)
    assert early >= 2, "the first copy was over too soon: the test shows nothing"
    worker.start()

    stage.settle()
    stage.check_reader()


@pytest.mark.parametrize("seed", [2])
def test_a_worker_killed_while_changes_flow_loses_none_and_repeats_none(make_stage: MakeStage, seed: int) -> None:
    """
    Killed five times between any two steps of its work while rows are inserted, moved, renamed and deleted: the
    documents equal the join after quiet, and no reader saw one go back.
    """
    stage = make_stage(seed)
    stage.begin()
    worker, dice = stage.worker(), random.Random(seed)
    # Routers commit seldom, so that a kill leaves much that was sent and is sent again.
    worker.environment["SYNCSVC_ROUTER_COMMIT_MS"] = "1500"
    worker.start()
    wait_until(stage.copied, worker.tail)

    with Load(stage):
        for _ in range(5):
            reach(stage, worker, 10, stage.commits() + dice.randint(1, 40))
            worker.kill(forget=dice.random() < 0.5)
            worker.start()

    stage.settle()
    stage.check_reader()
    assert sent_again(stage) > 0, "no kill came between a send and its commit: the test shows nothing"
