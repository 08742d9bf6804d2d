"""Kafka and MongoDB lose power under load, and come back."""

from __future__ import annotations

from syncsvc.devstack.server import Server
from tests.integration.conftest import MakeStage
from tests.integration.load import Load
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until

#: How often each of the two workers may leave and be started again in one outage.
RESTARTS = 3


def run_through_outages(stage: Stage, server: Server) -> None:
    """Two workers go on while the server is killed and started, twice."""
    stage.begin()
    for worker in (stage.worker(), stage.worker()):
        worker.start()
    wait_until(lambda: stage.copied() and stage.all_owned(2), stage.tails)

    with Load(stage):
        for _ in range(2):
            stage.go_on(20)
            server.kill()
            server.start()
            stage.restarts_left = 2 * RESTARTS
    stage.restarts_left = 2 * RESTARTS
    stage.settle()
    stage.check_reader()


def test_nothing_is_lost_when_kafka_loses_power(make_stage: MakeStage) -> None:
    """
    The broker is killed under load, twice.  The workers wait for it or leave and are started again; after quiet the
    documents equal the join, and no reader saw one go back.
    """
    stage = make_stage(41)
    run_through_outages(stage, stage.kafka)


def test_nothing_is_lost_when_mongodb_loses_power(make_stage: MakeStage) -> None:
    """
    mongod is killed under load, twice, in the middle of transactions.  The workers try again until it is back; after
    quiet the documents equal the join, and no reader that resumed its change stream saw one go back.
    """
    stage = make_stage(42)
    run_through_outages(stage, stage.mongod)
