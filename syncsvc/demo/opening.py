"""
Brings the road up: servers, rows, topics, workers, connector; as much of it side by side as can be.

The slowest server is Connect; while it starts, the tables are filled and the workers join their group.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from syncsvc import errors, settings
from syncsvc.changes import connector
from syncsvc.demo import scenes
from syncsvc.demo.workers import Workers
from syncsvc.devstack import connectors, kafka, mongod, probes, seeds, server, sqlserver, stack
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client
from syncsvc.source import address, connection
from syncsvc.wiring import connections, prepare

LOOK_AGAIN_SECONDS = 0.1
#: Of the connector, as a replica of the SQL server; the server itself is 1.
SERVER_ID = 5401
CONNECTOR = "meetup"
T = TypeVar("T")
S = TypeVar("S", bound=server.Server)


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows each table gets."""

    meetings: int
    users: int
    applications: int


class Aside(Generic[T]):
    """
    Something done beside the rest, in a thread that never holds up the end of the process.

    Args:
        work: is given to `threading.Thread`; what it returns or raises comes out of `result`.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="demo-aside", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._work())
        except BaseException as error:  # told to whoever asks for the result
            self._error = error

    def result(self) -> T:
        """Wait for it."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._outcome[0]


def fill(servers: stack.Stack, size: Size) -> float:
    """Fill the tables as soon as the SQL server answers; the seconds it took."""
    admin_dsn = _answering(servers, _takes_logins, *stack.SQL_SERVERS.values()).admin_dsn
    began = time.monotonic()
    seeds.seed(admin_dsn, meetings=size.meetings, users=size.users, applications=size.applications, authors=0, posts=0)
    with contextlib.closing(connection.connect(admin_dsn)) as opened, opened.cursor() as cursor:
        # One user whom everybody knows: in a hundredth of all applications, but in ten at least.
        cursor.execute(
            "UPDATE meeting_application SET user_id = %s ORDER BY id DESC LIMIT %s",
            (scenes.REGULAR, max(10, size.applications // 100)),
        )
    return time.monotonic() - began


def start_workers(servers: stack.Stack, workers: Workers, pipeline: Pipeline, count: int) -> None:
    """
    Make the topics, then start the workers, as soon as Kafka and MongoDB answer.

    The topics are made first, with the partitions that the pipeline declares: Connect would make them with its own.
    """
    _answering(servers, _is_primary, mongod.Mongod)
    _answering(servers, _has_brokers, kafka.Kafka)
    environment = servers.env()
    known = settings.read(environment)
    asyncio.run(prepare.topics(pipeline, known, connections.engine_settings(known)))
    workers.start(servers.folder, environment, Path(pipeline.path), count)


def register(pipeline: Pipeline, servers: stack.Stack) -> None:
    """Put the connector that the pipeline declares into Connect, and wait until it runs."""
    where = servers.addresses
    assert where.sql_dsn is not None
    assert where.sql_kind is not None
    assert where.kafka_bootstrap is not None
    assert where.connect_url is not None
    source = address.parsed(where.sql_dsn)
    config = connector.connector_config(
        name=CONNECTOR,
        kind=where.sql_kind,
        pipelines=[pipeline],
        host=source.host,
        port=source.port,
        user=source.user,
        password=source.password,
        kafka_bootstrap=where.kafka_bootstrap,
        server_id=SERVER_ID,
        replication_factor=1,
    )
    connectors.register(where.connect_url, CONNECTOR, config)


def mapping_file() -> Path:
    """`pipelines/meetings.yaml`: inside an installed package, or beside the package in a clone."""
    package = Path(__file__).resolve().parent
    installed, cloned = package / "pipelines", package.parents[1] / "pipelines"
    return (installed if installed.is_dir() else cloned) / "meetings.yaml"


def _answering(servers: stack.Stack, answers: Callable[[S], bool], *kinds: type[S]) -> S:
    """The server of one of these kinds, once it answers; asked until then, for a server that fails ends the demo."""
    while True:
        for one in servers.servers:
            if isinstance(one, kinds) and one.running and answers(one):
                return one
        time.sleep(LOOK_AGAIN_SECONDS)


def _takes_logins(one: sqlserver.SqlServer) -> bool:
    try:
        connection.connect(one.admin_dsn).close()
    except errors.Unreachable:
        return False
    return True


def _has_brokers(one: kafka.Kafka) -> bool:
    return probes.kafka_brokers(server.HOST, one.port) > 0


def _is_primary(one: mongod.Mongod) -> bool:
    try:
        client.connect(one.uri, stack.MONGO_DATABASE, patience_seconds=1.0).close()
    except errors.Unreachable:
        return False
    return True
