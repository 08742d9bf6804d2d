"""
MySQL 8.0.14 or later: the one on PATH, else `mysql-server-core` of Debian's unstable release (9.x), in no other one.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import ClassVar

from syncsvc.devstack import debs, missing, sqlserver

SUITE = "sid"


class MySql(sqlserver.SqlServer):
    """One MySQL."""

    name: ClassVar[str] = "mysql"
    kind: ClassVar[str] = "mysql"
    own_settings: ClassVar[list[str]] = [
        "--gtid-mode=ON",
        "--enforce-gtid-consistency=ON",
        "--mysqlx=OFF",
        "--innodb-redo-log-capacity=64M",
        "--secure-file-priv=NULL",
    ]

    def _find(self) -> sqlserver.Program:
        installed = sqlserver.on_path("mysqld")
        if installed and "maria" not in installed.name:  # MariaDB brings a link of this name
            return sqlserver.Program((str(installed),), installed.parent.parent)
        if platform.freedesktop_os_release().get("ID") != "debian":
            raise missing.ServerMissing(
                server="mysql",
                what="no mysqld on PATH, and it can be fetched on Debian only",
                fix="install MySQL 8.4 or later so that mysqld is on PATH, or use MariaDB",
            )
        root = debs.unpacked(self.store, "mysql", "mysql-server-core", SUITE)
        return sqlserver.Program(tuple(debs.through_own_loader(root, "usr/sbin/mysqld")), root / "usr")

    def _initialise(self, program: sqlserver.Program, stage: Path) -> None:
        settings = [f"--datadir={stage / 'data'}", "--innodb-redo-log-capacity=64M", "--innodb-use-native-aio=OFF"]
        self.store.nursery.run(
            "mysqld --initialize-insecure",
            [*program.argv, "--no-defaults", "--initialize-insecure", *self.run_as(), *self.places(program), *settings],
            log=self.store.log(self.kind),
            fix=f"read {self.store.log(self.kind)}",
        )
