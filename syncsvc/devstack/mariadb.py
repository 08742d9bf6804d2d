"""
MariaDB: the one on PATH, else Debian's `mariadb-server-core` of the release this machine runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from syncsvc.devstack import debs, missing, sqlserver

#: Where packages put the SQL that makes the system tables, below the base folder.
SCRIPT_FOLDERS = ("share/mysql", "share/mariadb", "share")
SCRIPTS = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")


class MariaDb(sqlserver.SqlServer):
    """One MariaDB."""

    name: ClassVar[str] = "mariadb"
    kind: ClassVar[str] = "mariadb"
    # REPLICATION CLIENT is called BINLOG MONITOR since 10.5 and no longer shows the state of replication.
    rights: ClassVar[str] = f"{sqlserver.SqlServer.rights}, SLAVE MONITOR"
    own_settings: ClassVar[list[str]] = ["--binlog-format=ROW", "--innodb-log-file-size=48M", "--gtid-strict-mode=ON"]

    def _find(self) -> sqlserver.Program:
        installed = sqlserver.on_path("mariadbd")
        if installed:
            return sqlserver.Program((str(installed),), installed.parent.parent)
        root = debs.unpacked(self.store, "mariadb", "mariadb-server-core")
        return sqlserver.Program(tuple(debs.through_own_loader(root, "usr/sbin/mariadbd")), root / "usr")

    def _initialise(self, program: sqlserver.Program, stage: Path) -> None:
        places = [program.base / folder for folder in SCRIPT_FOLDERS]
        scripts = next((place for place in places if all((place / name).exists() for name in SCRIPTS)), None)
        if scripts is None:
            raise missing.ServerMissing(
                server="mariadb",
                what=f"{program.argv[-1]} is there, but not {SCRIPTS[0]} below {program.base}",
                fix="install the whole of mariadb-server-core",
            )
        statements = ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;"]
        statements += [(scripts / name).read_text() for name in SCRIPTS]
        sql = stage / "system.sql"
        sql.write_text("\n".join(statements))
        (stage / "data").mkdir()
        settings = [f"--datadir={stage / 'data'}", "--innodb-log-file-size=48M", "--innodb-use-native-aio=OFF"]
        self.store.nursery.run(
            "mariadbd --bootstrap",
            [*program.argv, "--no-defaults", "--bootstrap", *self.run_as(), *self.places(program), *settings],
            log=self.store.log(self.kind),
            fix=f"read {self.store.log(self.kind)}",
            stdin=sql,
        )
