"""The whole road to Kafka: a row of a real database, read by a real Debezium, arrives as a record."""

import asyncio
import json

import aiokafka
import pytest

from syncsvc import errors
from syncsvc.devstack import connectors, schema, seeds, sqlserver, stack

pytestmark = pytest.mark.servers

CLASSES = {
    "mysql": "io.debezium.connector.mysql.MySqlConnector",
    "mariadb": "io.debezium.connector.mariadb.MariaDbConnector",
}


def configuration(servers: stack.Stack) -> dict[str, str]:
    """The least that Debezium needs."""
    sql = servers.sql
    return {
        "connector.class": CLASSES[sql.kind],
        "topic.prefix": "meetup",
        "database.hostname": "127.0.0.1",
        "database.port": str(sql.port),
        "database.user": sqlserver.SERVICE_USER,
        "database.password": sqlserver.PASSWORD,
        "database.server.id": "4711",
        "database.include.list": schema.DATABASE,
        "schema.history.internal.kafka.bootstrap.servers": servers.kafka.bootstrap,
        "schema.history.internal.kafka.topic": "history.meetup",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
        "poll.interval.ms": "20",
    }


async def values(bootstrap: str, topic: str, count: int) -> list[dict[str, object] | None]:
    """The first `count` values of a topic, as far as they are committed; None for a tombstone."""
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        consumer.assign([aiokafka.TopicPartition(topic, 0)])
        async with asyncio.timeout(120):
            return [json.loads((await consumer.getone()).value or "null") for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.parametrize("kind", ["mariadb", "mysql"])
def test_rows_arrive_once_also_when_the_worker_is_killed(kind: stack.SqlKind) -> None:
    """The first copy, a change, and a change made while Kafka Connect was dead: three kinds, each row once."""
    topic = "meetup.meetup.user"
    with stack.Stack(sql=kind, mongod=False, progress=print) as servers:
        seeds.seed(servers.sql.admin_dsn, meetings=2, users=3, applications=4, authors=1, posts=1)
        connectors.register(servers.connect.url, "meetup", configuration(servers))
        # "Running" says nothing of the first copy: a change before it would be part of it.
        assert len(asyncio.run(values(servers.kafka.bootstrap, topic, 3))) == 3
        servers.sql.execute("UPDATE meetup.user SET city = 'Graz' WHERE id = 2")
        assert len(asyncio.run(values(servers.kafka.bootstrap, topic, 4))) == 4
        servers.connect.kill()
        servers.sql.execute("DELETE FROM meetup.user WHERE id = 3", "UPDATE meetup.user SET city = 'Oslo' WHERE id = 2")
        servers.connect.start()
        seen = asyncio.run(values(servers.kafka.bootstrap, topic, 7))
    assert [value and value["op"] for value in seen] == ["r", "r", "r", "u", "d", None, "u"]


def test_a_connector_is_replaced_in_place_and_its_failure_is_told() -> None:
    """Registering is idempotent, a changed setting is taken over, a refused one is quoted, and deletion repeats."""
    with stack.Stack(sql="mariadb", mongod=False, progress=print) as servers:
        url, wanted = servers.connect.url, configuration(servers)
        schema.create(servers.sql.admin_dsn)
        connectors.register(url, "meetup", wanted)
        connectors.register(url, "meetup", wanted)
        connectors.register(url, "meetup", {**wanted, "poll.interval.ms": "30"})
        assert connectors.names(url) == ["meetup"]
        with pytest.raises(errors.Unreachable, match="Access denied") as caught:
            connectors.register(url, "meetup", {**wanted, "database.password": "wrong"})
        assert caught.value.problems[0].code == "connect.refused"
        connectors.delete(url, "meetup")
        connectors.delete(url, "meetup")
        assert connectors.status(url, "meetup") is None


def test_a_worker_that_is_not_there_is_said_to_be_unreachable() -> None:
    """No traceback of urllib reaches the user."""
    with pytest.raises(errors.Unreachable, match="SYNCSVC_CONNECT_URL"):
        connectors.names("http://127.0.0.1:1")


def test_the_deepest_cause_of_a_trace_is_told() -> None:
    """The first line of a Connect trace is a wrapper that says nothing."""
    trace = "o.a.k.ConnectException: An exception occurred\n\tat x\nCaused by: java.io.IOException: binlog gone\n\tat y"
    assert connectors.first_line(trace) == "java.io.IOException: binlog gone"
    assert connectors.first_line("") == "no trace given"
