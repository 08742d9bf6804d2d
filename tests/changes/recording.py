"""
Records what a real server says through the real connector, in every form: JSON bare, JSON with schemas, Avro.

One table with a column of each type; the same rows are read by a snapshot and then come from the stream.  Started by
`golden` to write the files, and by the servers test to prove that the files are still what the servers say.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from syncsvc.changes.connector import connector_config
from syncsvc.devstack import cache, children, connect, connectors, jars, kafka, mariadb, mysql, sqlserver
from tests.changes.cases import Case
from tests.changes.registry_server import RegistryServer
from tests.changes.test_connector import pipeline

WAIT_SECONDS = 60.0
SERVERS = {"mariadb": mariadb.MariaDb, "mysql": mysql.MySql}
FORMS = ("plain", "schemas", "avro")
FIRST, STREAMED = 0, 100  # of the ids: rows there before the connector, and rows made while it runs
APICURIO_VERSION = "2.6.13.Final"
ANY_VALUE = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'"  # zero dates too
_POM = Path(__file__).parent / "golden" / "avro.xml"


class Said(NamedTuple):
    """A record as it stood in the topic."""

    key: bytes
    value: bytes


class Stack(NamedTuple):
    """What is shared by the recordings of all servers."""

    store: cache.Cache
    folder: Path
    broker: kafka.Kafka
    worker: connect.Connect
    registry: RegistryServer


class _Connect(connect.Connect):
    """A Connect worker that has the Avro converter too."""

    def _prepare(self) -> None:
        super()._prepare()
        converter = self.store.folder(f"apicurio-{APICURIO_VERSION}", self._fetch)
        text = self._settings.read_text().replace("plugin.path=", f"plugin.path={converter},")
        # The converter does not name itself as a plugin in the way that is fast to find.
        self._settings.write_text(text.replace("service_load", "hybrid_warn"))

    def _fetch(self, stage: Path) -> None:
        jars._copy(self.store, str(_POM), stage / "avro", stage, f"-Dapicurio.version={APICURIO_VERSION}")


@contextlib.contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """Kafka, a Connect worker and a registry."""
    nursery = children.Nursery()
    registry = RegistryServer()
    store = cache.Cache(nursery, lambda text: None)
    try:
        broker = kafka.Kafka(store, folder / "kafka")
        broker.start()
        worker = _Connect(store, folder / "connect", broker.bootstrap)
        worker.start()
        yield Stack(store, folder, broker, worker, registry)
    finally:
        nursery.close()
        registry.close()


@contextlib.contextmanager
def database(servers: Stack, kind: str) -> Iterator[sqlserver.SqlServer]:
    """A server of this kind, stopped at the end."""
    found: sqlserver.SqlServer = SERVERS[kind](servers.store, servers.folder / kind)
    found.start()
    try:
        yield found
    finally:
        found.stop()


def create(cases: Sequence[Case], table: str) -> str:
    """The table."""
    types = ", ".join(f"c{number} {case.sql} NULL{case.default}" for number, case in enumerate(cases))
    return f"CREATE TABLE `{table}` (id INT PRIMARY KEY, {types})"


def rows(cases: Sequence[Case]) -> int:
    """How many rows hold every value of every column, and one of NULLs."""
    return 1 + max(len(case.values) for case in cases)


def inserts(cases: Sequence[Case], table: str, first: int) -> list[str]:
    """A row for each value of the columns, shorter lists repeated, and one of NULLs."""
    count, found = rows(cases), []
    for row in range(count):
        literals = [list(case.values)[row % len(case.values)] if row < count - 1 else "NULL" for case in cases]
        found.append(f"INSERT INTO `{table}` VALUES ({first + row}, {', '.join(literals)})")
    return found


def settings(servers: Stack, kind: str, form: str, table: str, port: int) -> dict[str, str]:
    """The connector's: as the service makes them, with the converter of the form."""
    name = f"{kind}_{form}_{table}"
    found = connector_config(
        name=name, kind=kind, pipelines=[pipeline(f"meetup.{table}", prefix=name, source_partitions=1)],
        host="127.0.0.1", port=port, user=sqlserver.SERVICE_USER, password=sqlserver.PASSWORD,
        kafka_bootstrap=servers.broker.bootstrap, server_id=5400 + FORMS.index(form),
    )  # fmt: skip
    for side in ("key.converter", "value.converter"):
        if form == "schemas":
            found[f"{side}.schemas.enable"] = "true"
        if form == "avro":
            for setting in [setting for setting in found if setting.startswith(side)]:
                del found[setting]
            found |= {
                side: "io.apicurio.registry.utils.converter.AvroConverter",
                f"{side}.apicurio.registry.url": f"{servers.registry.url}/apis/registry/v2",
                f"{side}.apicurio.registry.auto-register": "true",
                f"{side}.apicurio.registry.as-confluent": "true",
                f"{side}.apicurio.registry.headers.enabled": "false",
                f"{side}.apicurio.registry.use-id": "contentId",
            }
    return found


def record(
    servers: Stack,
    kind: str,
    cases: Sequence[Case],
    *,
    forms: Sequence[str] = FORMS,
    table: str = "every",
    after: Sequence[str] = (),
) -> dict[str, list[Said]]:
    """
    `{form: records}`: the rows of the snapshot, then the same rows from the stream.

    Args:
        after: statements run behind them: a change of a key (three records) and a TRUNCATE (one), or none.
    """
    cases = [case for case in cases if case.only in ("", kind)]
    count = rows(cases)
    names = {form: f"{kind}_{form}_{table}" for form in forms}
    with database(servers, kind) as server, contextlib.ExitStack() as ending:
        server.execute(ANY_VALUE, create(cases, table), *inserts(cases, table, FIRST))
        for form, name in names.items():
            ending.callback(connectors.delete, servers.worker.url, name)
            connectors.register(servers.worker.url, name, settings(servers, kind, form, table, server.port))
        for name in names.values():
            asyncio.run(_records(servers.broker.bootstrap, f"{name}.meetup.{table}", count))
        server.execute(ANY_VALUE, *inserts(cases, table, STREAMED), *after)
        wanted = 2 * count + (4 if after else 0)
        return {
            form: asyncio.run(_records(servers.broker.bootstrap, f"{name}.meetup.{table}", wanted))
            for form, name in names.items()
        }


async def _records(bootstrap: str, topic: str, count: int) -> list[Said]:
    """The first `count` records of a topic with one partition; waits until they are there."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        metadata_max_age_ms=300,
    )
    await consumer.start()
    found: list[Said] = []
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while topic not in await consumer.topics():
            assert time.monotonic() < deadline, f"no topic {topic}"
            await asyncio.sleep(0.2)
        consumer.assign([TopicPartition(topic, 0)])
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records"
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [Said(record.key, record.value) for record in batch]
    finally:
        await consumer.stop()
    return found
