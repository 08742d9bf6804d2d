"""
All servers of the road together: Kafka, Kafka Connect, mongod and a MariaDB or MySQL, started in parallel.

For the demo, the tests and a laptop.  Nothing outlives the process that holds the stack, however it ends.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from syncsvc import errors
from syncsvc.devstack import cache, children, connect, folders, kafka, mariadb, mongod, mysql, server, sqlserver

#: Kinds of source database.
SqlKind = Literal["mariadb", "mysql"]
SQL_SERVERS: dict[str, type[sqlserver.SqlServer]] = {"mariadb": mariadb.MariaDb, "mysql": mysql.MySql}
#: Database for the documents.
MONGO_DATABASE = "meetup"
S = TypeVar("S", bound=server.Server)


@dataclass(frozen=True)
class Addresses:
    """Where the servers are; None: the stack has no such server."""

    #: `host:port`.
    kafka_bootstrap: str | None
    mongo_uri: str | None
    #: Of Connect's REST API, without a slash at the end.
    connect_url: str | None
    #: `mysql://user:password@host:port/database`, for Debezium and the service: may read, may not write.
    sql_dsn: str | None
    #: The same with every right, for seeds and tests.
    sql_admin_dsn: str | None
    #: `mariadb` or `mysql`.
    sql_kind: str | None


class Stack:
    """
    Real servers as child processes.

    Used as a context manager, or by `start` and `stop`; once: after `stop` make another one.

    Args:
        root: folder for data and logs, kept afterwards and picked up by the next stack of the same folder (same
            ports where they are free).  None: a new one, removed at the end.
        sql: kind of the source database; None: none.
        connect: needs `kafka`.
        progress: gets a line for every step; called from several threads.
        cache_root: where fetched servers are kept; None: `cache.default_root()`.

    Raises:
        UsageFault: `devstack.bad_choice`.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        sql: SqlKind | None = None,
        connect: bool = True,
        kafka: bool = True,
        mongod: bool = True,
        progress: cache.Progress = lambda line: None,
        cache_root: Path | None = None,
    ) -> None:
        if (connect and not kafka) or sql not in (None, *SQL_SERVERS):
            what = f"connect={connect}, kafka={kafka}, sql={sql!r}: Connect needs Kafka; databases are {[*SQL_SERVERS]}"
            raise errors.UsageFault(code="devstack.bad_choice", where="Stack", what=what, fix="choose others")
        self._wanted = {"kafka": kafka, "connect": connect, "mongod": mongod}
        self._sql_kind = sql
        self._nursery = children.Nursery()
        self._store = cache.Cache(self._nursery, progress, cache_root)
        self._root = root
        self._folder: folders.Folder | None = None
        self._servers: dict[str, server.Server] = {}
        self._stopping = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where data and logs are: `<server>/<server>.log`."""
        assert self._folder is not None, "the stack is not started"
        return self._folder.path

    @property
    def servers(self) -> tuple[server.Server, ...]:
        """The servers of this stack, in the order in which they are stopped."""
        return tuple(self._servers.values())

    @property
    def kafka(self) -> kafka.Kafka:
        """The broker."""
        return self._server("kafka", kafka.Kafka)

    @property
    def connect(self) -> connect.Connect:
        """The Kafka Connect worker."""
        return self._server("connect", connect.Connect)

    @property
    def mongod(self) -> mongod.Mongod:
        """The MongoDB server."""
        return self._server("mongod", mongod.Mongod)

    @property
    def sql(self) -> sqlserver.SqlServer:
        """The source database."""
        found = self._servers.get("sql")
        assert isinstance(found, sqlserver.SqlServer), "the stack has no source database, or is not started"
        return found

    @property
    def addresses(self) -> Addresses:
        """Where the servers are, from the moment `start` has returned; they stay the same when one is restarted."""
        has = self._servers
        return Addresses(
            kafka_bootstrap=self.kafka.bootstrap if "kafka" in has else None,
            mongo_uri=self.mongod.uri if "mongod" in has else None,
            connect_url=self.connect.url if "connect" in has else None,
            sql_dsn=self.sql.dsn if "sql" in has else None,
            sql_admin_dsn=self.sql.admin_dsn if "sql" in has else None,
            sql_kind=self.sql.kind if "sql" in has else None,
        )

    def env(self) -> dict[str, str]:
        """The environment for a worker or a command that uses this stack (`settings` documents the names)."""
        where = self.addresses
        found = {
            "SYNCSVC_KAFKA_BOOTSTRAP": where.kafka_bootstrap,
            "SYNCSVC_MONGO_URI": where.mongo_uri,
            "SYNCSVC_MONGO_DATABASE": MONGO_DATABASE if where.mongo_uri else None,
            "SYNCSVC_STATE_DIR": str(self.folder / "state"),
            "SYNCSVC_CONNECT_URL": where.connect_url,
            "SYNCSVC_SOURCE_DSN": where.sql_dsn,
        }
        return {name: text for name, text in found.items() if text is not None}

    def start(self) -> None:
        """
        Start all servers side by side; returns when every one answers.

        When one fails, or on Ctrl-C, all are stopped before the error goes on.

        Raises:
            Unreachable: with a problem for each server that failed; `ServerMissing` when one cannot be had here.
        """
        try:
            self._folder = folders.take(self._store, self._root)
            self._servers = self._make(self._folder)
            with self._starters() as pool:
                starts = [pool.submit(one.start) for one in self._servers.values()]
                wait(starts, return_when=FIRST_EXCEPTION)
                failures = _failures(starts)
            if failures:
                self.stop()  # the starts still under way end with "stopped", which says nothing
                raise _one_error(failures)
            self._folder.describe(self.env())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all servers, each within its deadline, and remove the folder unless it was given; idempotent."""
        with self._stopping:
            try:
                if not self._nursery.closed:
                    self._stop_in_order()
            finally:
                self._nursery.close()
                if self._folder is not None:
                    self._folder.leave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make(self, folder: folders.Folder) -> dict[str, server.Server]:
        """In the order of stopping: Connect first, while the broker still takes its last offsets."""
        store, place, port = self._store, folder.path, folder.port
        made: dict[str, server.Server] = {}
        broker = kafka.Kafka(store, place / "kafka", port("kafka"))
        if self._wanted["connect"]:
            made["connect"] = connect.Connect(store, place / "connect", broker.bootstrap, port("connect"))
        if self._wanted["kafka"]:
            made["kafka"] = broker
        if self._wanted["mongod"]:
            made["mongod"] = mongod.Mongod(store, place / "mongod", port("mongod"))
        if self._sql_kind is not None:
            name = self._sql_kind
            made["sql"] = SQL_SERVERS[name](store, place / name, port(name))
        return made

    @contextlib.contextmanager
    def _starters(self) -> Iterator[ThreadPoolExecutor]:
        pool = ThreadPoolExecutor(max_workers=len(self._servers) or 1, thread_name_prefix="devstack-start")
        try:
            yield pool
        finally:
            # Not waited for: after a failure the others end as soon as the nursery is closed.
            pool.shutdown(wait=False, cancel_futures=True)

    def _stop_in_order(self) -> None:
        if (worker := self._servers.get("connect")) is not None:
            worker.stop()
        threads = [threading.Thread(target=one.stop) for one in self._servers.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _server(self, name: str, kind: type[S]) -> S:
        found = self._servers.get(name)
        assert isinstance(found, kind), f"the stack has no {name}, or is not started"
        return found


def _failures(starts: list[Future[None]]) -> list[BaseException]:
    done = [start for start in starts if start.done() and not start.cancelled()]
    return [error for start in done if (error := start.exception()) is not None]


def _one_error(failures: list[BaseException]) -> BaseException:
    """The failures as one: those of us with all their problems, anything else as it is."""
    strange = next((error for error in failures if not isinstance(error, errors.SyncError)), None)
    if strange is not None or len(failures) == 1:
        return strange or failures[0]
    return errors.Unreachable.of(p for error in failures if isinstance(error, errors.SyncError) for p in error.problems)
