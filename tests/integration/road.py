"""
The whole road from a real database for one pipeline: the server, Debezium, Kafka, a worker and mongod.

What is waited for is a condition: a row that was written last shows in its document, and everything that stands in the
topics is applied.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pymongo
import pymysql
from prometheus_client.parser import text_string_to_metric_families

from syncsvc import mapping, settings, verify
from syncsvc.changes import connector
from syncsvc.devstack import children, connectors, server
from syncsvc.devstack.sqlserver import PASSWORD, SERVICE_USER
from syncsvc.devstack.stack import MONGO_DATABASE, SqlKind, Stack
from syncsvc.mongo.names import FENCES, PARKED
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings
from tests.integration.waiting import wait_until
from tests.integration.worker import ROOT, Worker
from tests.specs.ends import Ends

#: Number of the marker's row in the root table; tests use smaller ones.
MARKER = 1_000_000


class Road:
    """
    Everything that is up.

    Args:
        kind: of the source database.
        text: the mapping.  Its root table has a column `title`; its database is that of the root table.
        tables: statements that make the tables, in the database.
        folder: for the mapping and the worker.
        connector_settings: beside those of ours.
    """

    def __init__(
        self,
        kind: SqlKind,
        text: str,
        tables: Sequence[str],
        folder: Path,
        connector_settings: Mapping[str, str] | None = None,
    ) -> None:
        self.kind, self._tables, self._connector_settings = kind, tables, connector_settings or {}
        path = folder / "pipeline.yaml"
        path.write_text(text)
        self.pipeline = mapping.load(path)
        self._root = self.pipeline.root.table
        self._database = self._root.partition(".")[0]
        self._signals = f"{self._database}.debezium_signal"
        self._stack, self._nursery = Stack(sql=kind), children.Nursery()
        self._closing = contextlib.ExitStack()
        self._closing.callback(self._stack.stop)
        self._closing.callback(self._kill)
        self._closing.callback(self._nursery.close)
        self.worker = Worker(self._nursery, folder / "worker", path, {})
        self._marked = self._connectors = 0

    # How it comes up and goes down.

    def start(self) -> None:
        """Servers, tables, topics, connector, worker; returns when a first row has gone the whole way."""
        self._stack.start()
        self._sql = pymysql.connect(
            host=server.HOST, port=self._stack.sql.port, user="admin", password=PASSWORD, autocommit=True
        )
        self._closing.callback(self._sql.close)
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self._stack.mongod.uri)
        self._closing.callback(self._client.close)
        self.database = self._client[MONGO_DATABASE]
        self.documents = self.database[self.pipeline.target_collection]
        self.execute(
            f"CREATE DATABASE {self._database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", f"USE {self._database}",
            *self._tables,
            f"CREATE TABLE {self._signals} (id VARCHAR(42) PRIMARY KEY, type VARCHAR(32), data VARCHAR(2048))",
            f"GRANT INSERT, DELETE ON {self._signals} TO '{SERVICE_USER}'@'%'",
        )  # fmt: skip
        environment = self._stack.env()
        known = settings.read(environment)
        asyncio.run(prepare.topics(self.pipeline, known, engine_settings(known)))
        self._ends = Ends(self._stack.kafka.bootstrap)
        self._closing.callback(self._ends.close)
        self.connect()
        del environment["SYNCSVC_STATE_DIR"]  # the worker has its own
        self.worker.environment |= {**environment, "SYNCSVC_LOG_FORMAT": "text", "PYTHONPATH": str(ROOT)}
        self.worker.start()
        self.settle()

    def close(self) -> None:
        """Everything ends; nothing is kept."""
        self.worker.kill()  # before the servers: without them it would take its time to leave
        self._closing.close()

    def _kill(self) -> None:
        for one in self._stack.servers:
            one.kill()

    def connect(self) -> None:
        """A connector that knows of no other before it: it begins with a snapshot, into the same topics."""
        where = self._stack.addresses
        assert where.kafka_bootstrap is not None
        assert where.connect_url is not None
        if self._connectors:
            connectors.delete(where.connect_url, f"road{self._connectors}")
        self._connectors += 1
        name = f"road{self._connectors}"
        config = connector.connector_config(
            name=name, kind=self.kind, pipelines=[self.pipeline], host=server.HOST, port=self._stack.sql.port,
            user=SERVICE_USER, password=PASSWORD, kafka_bootstrap=where.kafka_bootstrap,
            server_id=5500 + self._connectors, replication_factor=1,
        )  # fmt: skip
        config |= {
            "schema.history.internal.kafka.topic": f"history.{name}",
            "table.include.list": ",".join(name.replace(".", r"\.") for name in [*self.pipeline.tables, self._signals]),
            "signal.data.collection": self._signals,
            **self._connector_settings,
        }
        connectors.register(where.connect_url, name, config)

    def disconnect(self) -> None:
        """The connector is removed; nobody tells what happens in the database."""
        where = self._stack.addresses
        assert where.connect_url is not None
        connectors.delete(where.connect_url, f"road{self._connectors}")

    # What happens.

    def execute(self, *statements: str) -> Sequence[Any]:
        """Statements as the administrator, each a transaction of its own; rows of the last one."""
        with self._sql.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def unseen(self, *statements: str) -> None:
        """The same, without a line in the binlog."""
        self.execute("SET SESSION sql_log_bin = 0", *statements, "SET SESSION sql_log_bin = 1")

    def unchecked(self, *statements: str) -> None:
        """The same, whatever foreign keys say."""
        self.execute("SET SESSION foreign_key_checks = 0", *statements, "SET SESSION foreign_key_checks = 1")

    def snapshot(self, *tables: str) -> None:
        """Asks Debezium to read tables again while it stops reading the binlog."""
        data = json.dumps({"type": "blocking", "data-collections": list(tables)})
        self.execute(f"INSERT INTO {self._signals} VALUES (UUID(), 'execute-snapshot', '{data}')")

    # What one can see.

    def document(self, number: int) -> dict[str, Any] | None:
        """The document of a root row, without `_sync`."""
        return self.documents.find_one({"_id": number}, {"_sync": 0})

    def count(self, metric: str, **labels: str) -> float:
        """A metric of the worker, summed over the labels that are not given."""
        found = 0.0
        for family in text_string_to_metric_families(self.worker.page("/metrics")):
            for sample in family.samples:
                if sample.name == f"syncsvc_{metric}" and labels.items() <= sample.labels.items():
                    found += sample.value
        return found

    def settle(self) -> None:
        """Everything that was written is in the topics, and everything in the topics is applied."""
        self._marked += 1
        self.execute(
            f"INSERT INTO {self._root} (id, title) VALUES ({MARKER}, '{self._marked}') "
            "ON DUPLICATE KEY UPDATE title = VALUES(title)"
        )
        wanted = str(self._marked)
        wait_until(lambda: (self.document(MARKER) or {}).get("title") == wanted, lambda: f"no marker\n{self._behind()}")
        # Looked at twice: what the first look found applied may have sent something on.
        wait_until(lambda: self._quiet() and self._quiet(), self._behind)

    def check(self, seconds: float = 0.0) -> None:
        """The documents equal the SQL join, within so many seconds."""
        with self._sql.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 1")
        report = verify.compare(self.pipeline, self._sql, self.documents, wait_seconds=seconds)
        assert report.documents
        wrong = (report.missing, report.extra, report.different)
        assert wrong == (0, 0, 0), f"{report}\n{self.worker.tail()}"
        assert list(self.database[PARKED].find()) == []

    def _quiet(self) -> bool:
        assert self.worker.running, self.worker.tail()
        return self._applied() == self._ends.of(self.pipeline)

    def _applied(self) -> dict[tuple[str, int], int]:
        """Offsets up to which everything is durable."""
        found = {}
        for fence in self.database[FENCES].find():
            _, _, stage, place = fence["_id"].split("/")
            if stage == "joiner":
                found[self.pipeline.keyed_topic, int(place)] = int(fence["offset"])
            else:
                topic, _, number = place.rstrip("]").partition("[")
                found[topic, int(number)] = int(fence["offset"])
        return found

    def _behind(self) -> str:
        ends, applied = self._ends.of(self.pipeline), self._applied()
        behind = {place: (applied.get(place), end) for place, end in ends.items() if applied.get(place) != end}
        return f"not applied: {behind}\n{self.worker.tail()}"
