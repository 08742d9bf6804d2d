"""
The whole road for all spec files at once: a database, Debezium, Kafka, a worker and mongod, all real.

One connector for each topic prefix, one worker for all pipelines.  What is waited for is always a condition: a marker
row that was written last has arrived in its own document, and everything that stands in the topics is applied.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pymongo
import pymysql

from syncsvc import mapping, settings
from syncsvc.changes import connector
from syncsvc.devstack import children, connectors, server
from syncsvc.devstack.sqlserver import PASSWORD, SERVICE_USER
from syncsvc.devstack.stack import MONGO_DATABASE, SqlKind, Stack
from syncsvc.mapping.case import Step
from syncsvc.mapping.cases import beside
from syncsvc.mapping.model import Pipeline, Table
from syncsvc.mongo.names import FENCES
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings
from tests.integration.waiting import wait_until
from tests.integration.worker import ROOT
from tests.specs import sql
from tests.specs.ends import Ends

#: Topics of the source, and of the second one where a mapping has two; a table of the signals to Debezium.
PREFIX, FAR, SIGNALS = "specs", "specs2", "specs.signal"
PREFIXES = r"topic_prefix: *[\w.-]+"
MARKER = """\
pipeline: marker
collection: marker
publish: direct
partitions: 1
source_partitions: 1
source: {topic_prefix: specs}
root: {table: specs.marker, key: id, fields: [n]}
embed:
  far: {one: specs.far_marker, on: id, fields: [n]}
tables:
  specs.marker: {key: id, columns: {id: int, n: int}}
  specs.far_marker: {key: id, columns: {id: int, n: int}, topic_prefix: specs2}
"""
_SMALL = {"partitions": "2", "source_partitions": "2", "publish": "direct"}


class Road:
    """
    Everything that is up.

    Args:
        kind: of the source database.
        files: mappings; they are run with few partitions and one common topic prefix.
        folder: for the mappings as they are run.
    """

    def __init__(self, kind: SqlKind, files: Sequence[Path], folder: Path) -> None:
        self._stack, self._nursery, self._folder = Stack(sql=kind), children.Nursery(), folder
        self._closing = contextlib.ExitStack()
        self._tables: dict[str, Table] = {}
        #: `{name of a mapping: the file as it is run}`, its cases beside it.
        self.files = {path.stem: self._taken(path) for path in files}
        self._marker = self._written("marker.yaml", MARKER)
        self.pipelines = {path.stem: mapping.load(path) for path in [*self.files.values(), self._marker]}
        self._marked = 0

    def _taken(self, path: Path) -> Path:
        """The mapping as it is run; in databases of its own where another file declares its tables differently."""
        text, given = path.read_text(), beside(path).read_text()
        tables = mapping.load(path).tables
        if any(self._tables.get(name, table) != table for name, table in tables.items()):
            for name in sorted(tables, key=len, reverse=True):
                own = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
                text, given = (own.sub(f"{path.stem}_{name}", one) for one in (text, given))
        else:
            self._tables.update(tables)
        (self._folder / beside(path).name).write_text(given)
        return self._written(path.name, text)

    def _written(self, name: str, text: str) -> Path:
        """The mapping as it is run: only its size and the names of its topics differ."""
        top, tables = re.split(r"^(?=tables:)", text, maxsplit=1, flags=re.MULTILINE)
        top = re.sub(PREFIXES, f"topic_prefix: {PREFIX}", top)
        tables = re.sub(PREFIXES, f"topic_prefix: {FAR}", tables)
        for key, value in _SMALL.items():
            top, count = re.subn(rf"^{key}:.*$", f"{key}: {value}", top, flags=re.MULTILINE)
            if not count:
                top = f"{key}: {value}\n{top}"
        path = self._folder / name
        path.write_text(top + tables)
        return path

    # How it comes up and goes down.

    def start(self) -> None:
        """Servers, tables, topics, worker, connectors; returns when the marker has gone the whole way once."""
        self._stack.start()
        self._sql = pymysql.connect(
            host=server.HOST, port=self._stack.sql.port, user="admin", password=PASSWORD, autocommit=True
        )
        self._closing.callback(self._sql.close)
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self._stack.mongod.uri)
        self._closing.callback(self._client.close)
        self.database = self._client[MONGO_DATABASE]
        self._make_tables()
        environment = self._stack.env()
        known = settings.read(environment)
        for pipeline in self.pipelines.values():
            asyncio.run(prepare.topics(pipeline, known, engine_settings(known)))
        self._log = self._folder / "worker.log"
        own = {"SYNCSVC_STATE_DIR": str(self._folder / "state"), "SYNCSVC_HTTP_PORT": str(server.free_port())}
        command = [sys.executable, "-m", "syncsvc.cli", "run", *map(str, [*self.files.values(), self._marker])]
        self._worker = self._nursery.spawn("worker", command, log=self._log, env={**environment, **own}, cwd=ROOT)
        self._ends = Ends(self._stack.kafka.bootstrap)
        self._closing.callback(self._ends.close)
        self._register()
        self._pass_marker()

    def close(self) -> None:
        """Everything ends; nothing is kept.  First those who would wait for the others."""
        self._nursery.close()
        self._closing.close()
        for one in self._stack.servers:
            one.kill()
        self._stack.stop()

    def _make_tables(self) -> None:
        tables = {table.name: table for pipeline in self.pipelines.values() for table in pipeline.tables.values()}
        for database in sorted({name.split(".")[0] for name in tables} | {"specs"}):
            self._execute(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        for table in tables.values():
            self._execute(sql.table(table))
        for pipeline in self.pipelines.values():
            for statement in sql.cascades(pipeline):
                self._execute(statement)
        self._execute(f"CREATE TABLE {SIGNALS} (id VARCHAR(42) PRIMARY KEY, type VARCHAR(32), data VARCHAR(2048))")
        self._execute(f"GRANT INSERT, DELETE ON {SIGNALS} TO '{SERVICE_USER}'@'%'")
        self._execute("INSERT INTO specs.marker VALUES (1, 0)")
        self._execute("INSERT INTO specs.far_marker VALUES (1, 0)")

    def _register(self) -> None:
        """A connector for each topic prefix, with the tables that come from there."""
        where = self._stack.addresses
        assert where.kafka_bootstrap is not None
        assert where.connect_url is not None
        assert where.sql_kind is not None
        everything = list(self.pipelines.values())
        of_prefix: dict[str, set[str]] = {}
        for pipeline in everything:
            for table in pipeline.tables.values():
                of_prefix.setdefault(table.topic_prefix or pipeline.topic_prefix, set()).add(table.name)
        for number, (prefix, tables) in enumerate(sorted(of_prefix.items())):
            config = connector.connector_config(
                name=prefix, kind=where.sql_kind, pipelines=everything, host=server.HOST, port=self._stack.sql.port,
                user=SERVICE_USER, password=PASSWORD, kafka_bootstrap=where.kafka_bootstrap,
                server_id=5400 + number, replication_factor=1,
            )  # fmt: skip
            databases = sorted({table.split(".")[0].replace("-", r"\-") for table in tables} | {"specs"})
            config |= {
                "topic.prefix": prefix,
                "schema.history.internal.kafka.topic": f"history.{prefix}",
                "database.include.list": ",".join(databases),
                "table.include.list": ",".join(re.sub(r"([.-])", r"\\\1", name) for name in sorted({*tables, SIGNALS})),
                "signal.data.collection": SIGNALS,
            }
            connectors.register(where.connect_url, prefix, config)

    # What happens.

    def take(self, steps: Iterable[Step], pipeline: Pipeline) -> None:
        """The steps happen in the source, and have arrived everywhere when this returns."""
        for step in steps:
            for statement, arguments in sql.statements(step, pipeline.tables):
                self._execute(statement, arguments)
            if step.kind == "snapshot":
                self._snapshot(step.table)
        self.settle(pipeline)

    def clean(self, pipeline: Pipeline) -> None:
        """No row and no document is left."""
        for name in reversed(pipeline.tables):  # children first: what a cascade deletes may not be logged
            self._execute(f"DELETE FROM {'.'.join(f'`{part}`' for part in name.split('.'))}")
        self.settle(pipeline)
        left = [kind.collection for kind in pipeline.each()]
        wait_until(
            lambda: not any(self.documents(pipeline, name) for name in left), lambda: f"documents left in {left}"
        )

    def documents(self, pipeline: Pipeline, collection: str) -> list[dict[str, Any]]:
        """What readers see in a collection of the pipeline, without `_sync`."""
        (kind,) = (kind for kind in pipeline.each() if kind.collection == collection)
        return list(self.database[kind.target_collection].find({}, {"_sync": 0}))

    def _snapshot(self, table: str) -> None:
        """Debezium reads the table again, in a window between two of its own marks in the binlog."""
        before = self._windows()
        data = json.dumps({"data-collections": [table], "type": "incremental"})
        self._execute(f"INSERT INTO {SIGNALS} VALUES (UUID(), 'execute-snapshot', %s)", (data,))
        wait_until(lambda: self._windows() > before, lambda: f"{table} was not read again")

    def _windows(self) -> int:
        return int(self._execute(f"SELECT COUNT(*) FROM {SIGNALS} WHERE type = 'snapshot-window-close'")[0][0])

    # What is waited for.

    def settle(self, pipeline: Pipeline) -> None:
        """Everything that was written is in the topics, and everything in the topics of the pipeline is applied."""
        self._pass_marker()
        # Looked at twice: what the first look found applied may have sent something on.
        wait_until(lambda: self._quiet(pipeline) and self._quiet(pipeline), lambda: self._missing(pipeline))

    def _pass_marker(self) -> None:
        self._marked += 1
        for table in ("specs.marker", "specs.far_marker"):
            self._execute(f"UPDATE {table} SET n = {self._marked}")
        wanted = {"_id": 1, "n": self._marked, "far": {"n": self._marked}}
        marker = self.database["marker"]

        def arrived() -> bool:
            assert self._worker.exit_code is None, f"the worker ended\n{self.tail()}"
            return bool(marker.find_one({}, {"_sync": 0}) == wanted)

        wait_until(arrived, lambda: f"no marker\n{self.tail()}")

    def _quiet(self, pipeline: Pipeline) -> bool:
        return self._applied(pipeline) == self._ends.of(pipeline)

    def _applied(self, pipeline: Pipeline) -> dict[tuple[str, int], int]:
        """Offsets up to which everything is durable."""
        found = {}
        for fence in self.database[FENCES].find({"_id": {"$regex": f"^{pipeline.name}/"}}):
            _, _, stage, place = fence["_id"].split("/")
            if stage == "joiner":
                found[pipeline.keyed_topic, int(place)] = int(fence["offset"])
            else:
                topic, _, number = place.rstrip("]").partition("[")
                found[topic, int(number)] = int(fence["offset"])
        return found

    def _missing(self, pipeline: Pipeline) -> str:
        ends, applied = self._ends.of(pipeline), self._applied(pipeline)
        behind = {place: (applied.get(place), end) for place, end in ends.items() if applied.get(place) != end}
        return f"not applied: {behind}\n{self.tail()}"

    def tail(self) -> str:
        """The last lines of the worker."""
        return children.tail(self._log, 30)

    def _execute(self, statement: str, arguments: Sequence[Any] = ()) -> Sequence[Any]:
        with self._sql.cursor() as cursor:
            cursor.execute(statement, tuple(arguments) or None)
            return cursor.fetchall()
