"""
What MariaDB and MySQL have in common as servers of the stack: a fast first start, a binlog fit for Debezium, two users.

The initialised data folder is made once, kept in the cache and copied; making it anew takes seconds each time.
`mariadb` and `mysql` hold what differs.
"""

from __future__ import annotations

import abc
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pymysql

from syncsvc.devstack import dsn, server

#: The database of the example; made empty at the first start.
DATABASE = "meetup"
#: What Debezium and the service connect as, with no more rights than the manual of Debezium asks for.
SERVICE_USER = "syncsvc"
#: What seeds and tests connect as, with every right.
ADMIN_USER = "admin"
#: Of both users; the servers listen on the loopback interface only.
PASSWORD = "loopback"  # noqa: S105

USERS = """\
SET SESSION sql_log_bin = 0;
CREATE USER IF NOT EXISTS '{admin}'@'%' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON *.* TO '{admin}'@'%' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS '{service}'@'%' IDENTIFIED BY '{password}';
GRANT {rights} ON *.* TO '{service}'@'%';
CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
"""


@dataclass(frozen=True)
class Program:
    """A server program that was found, and how to start it."""

    #: Start of the command line: the program, or the dynamic loader of its folder with the program.
    argv: tuple[str, ...]
    #: What lies in `/usr` for an installed package: holds `share` and `lib`.
    base: Path

    def version(self) -> str:
        """For example `10.11.19` or `9.7.4`."""
        said = subprocess.run([*self.argv, "--no-defaults", "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"Ver (\d+\.\d+\.\d+)", said.stdout)
        return found[1] if found else "unknown"


class SqlServer(server.Server):
    """One MariaDB or MySQL."""

    #: `mariadb` or `mysql`: also the name of Debezium's connector for it.
    kind: ClassVar[str]
    #: What the service user may do.
    rights: ClassVar[str] = "SELECT, RELOAD, SHOW DATABASES, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT"
    #: Settings beside the common ones.
    own_settings: ClassVar[Sequence[str]]

    _program: Program | None = None

    @property
    def dsn(self) -> str:
        """For Debezium and the service."""
        return dsn.written(SERVICE_USER, PASSWORD, server.HOST, self.port, DATABASE)

    @property
    def admin_dsn(self) -> str:
        """For seeds and tests."""
        return dsn.written(ADMIN_USER, PASSWORD, server.HOST, self.port, DATABASE)

    def execute(self, *statements: str) -> tuple[tuple[object, ...], ...]:
        """Run statements as the administrator; rows of the last one."""
        with contextlib.closing(dsn.connect(self.admin_dsn)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    @abc.abstractmethod
    def _find(self) -> Program:
        """The server program: on PATH, else fetched."""

    @abc.abstractmethod
    def _initialise(self, program: Program, stage: Path) -> None:
        """Make an initialised data folder `stage / "data"` with no users of ours."""

    def _prepare(self) -> None:
        if self._program is None:
            self._program = self._find()
        program = self._program

        def make(stage: Path) -> None:
            self.store.progress(f"{self.name}: making an empty database")
            self._initialise(program, stage)

        pristine = self.store.folder(f"{self.kind}-{program.version()}-data", make)
        if not self._data.exists():
            copy = self.folder / "data.copying"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(pristine / "data", copy)
            self._users.write_text(
                USERS.format(
                    admin=ADMIN_USER,
                    service=SERVICE_USER,
                    password=PASSWORD,
                    rights=self.rights,
                    database=DATABASE,
                )
            )
            copy.rename(self._data)

    def _command(self) -> Sequence[str]:
        assert self._program is not None
        command = [*self._program.argv, "--no-defaults", *self.run_as(), *self.places(self._program)]
        command += [f"--datadir={self._data}", f"--port={self.port}", f"--bind-address={server.HOST}"]
        command += ["--socket=sql.sock", "--pid-file=sql.pid"]  # relative to the data: a socket's path has 107 bytes
        command += ["--skip-name-resolve", "--default-time-zone=+00:00", "--character-set-server=utf8mb4"]
        command += ["--server-id=1", "--log-bin=binlog", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL"]
        # A killed process loses nothing that the kernel already has; only a power cut would.
        command += ["--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0"]
        command += ["--innodb-buffer-pool-size=128M", "--innodb-use-native-aio=OFF", "--performance-schema=OFF"]
        command += self.own_settings
        # Makes the users, once, before the first connection is taken.
        return [*command, f"--init-file={self._users}"] if self._users.exists() else command

    def _answers(self) -> bool:
        try:
            return self.execute("SELECT 1") == ((1,),)
        except (pymysql.err.OperationalError, OSError):
            return False

    def _settle(self) -> None:
        self._users.unlink(missing_ok=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _users(self) -> Path:
        return self.folder / "users.sql"

    @staticmethod
    def run_as() -> list[str]:
        """The argument without which both servers refuse to run as root."""
        return ["--user=root"] if os.geteuid() == 0 else []

    @staticmethod
    def places(program: Program) -> list[str]:
        """The arguments that replace paths built into the program."""
        share, plugins = program.base / "share" / "mysql", program.base / "lib" / "mysql" / "plugin"
        arguments = [f"--basedir={program.base}"]
        arguments += [f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"] * share.is_dir()
        return arguments + [f"--plugin-dir={plugins}"] * plugins.is_dir()


def on_path(*names: str) -> Path | None:
    """The first of these programs on PATH or where servers are installed; links are followed."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/usr/libexec"])
    found = next((path for name in names if (path := shutil.which(name, path=places))), None)
    return Path(found).resolve() if found else None
