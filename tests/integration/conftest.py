"""One Kafka and one mongod for all tests of this folder, as processes or in containers, and stages on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from syncsvc.devstack import cache, children
from syncsvc.devstack.kafka import Kafka
from syncsvc.devstack.mongod import Mongod
from tests.integration.stage import Stage

if os.environ.get("SYNCSVC_TEST_SERVERS", "processes") == "containers":
    from tests.integration.containers import BoxedKafka as AnyKafka
    from tests.integration.containers import BoxedMongod as AnyMongod
else:
    AnyKafka, AnyMongod = Kafka, Mongod

MakeStage = Callable[..., Stage]


@pytest.fixture(scope="session")
def store() -> Iterator[cache.Cache]:
    """Owner of servers and workers; ends what is left of them."""
    nursery = children.Nursery()
    yield cache.Cache(nursery, print)
    nursery.close()


@pytest.fixture(scope="session")
def one_kafka(store: cache.Cache, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker; a test may kill it."""
    broker = AnyKafka(store, tmp_path_factory.mktemp("integration") / "kafka")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def one_mongod(store: cache.Cache, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set of one; a test may kill it."""
    server = AnyMongod(store, tmp_path_factory.mktemp("integration") / "mongod")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def kafka(one_kafka: Kafka) -> Kafka:
    """The broker, running, whatever the test before did."""
    one_kafka.start()
    return one_kafka


@pytest.fixture
def mongod(one_mongod: Mongod) -> Mongod:
    """The replica set, running, whatever the test before did."""
    one_mongod.start()
    return one_mongod


@pytest.fixture
def make_stage(
    kafka: Kafka, mongod: Mongod, store: cache.Cache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeStage]:
    """`make_stage(seed, …)` sets up a pipeline of its own; its processes end with the test."""
    made: list[Stage] = []

    def make(seed: int, **how: Any) -> Stage:
        stage = Stage(kafka, mongod, store.nursery, tmp_path_factory.mktemp("stage"), seed, **how)
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.close()
