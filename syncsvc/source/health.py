"""
What a source server says of itself: version, settings, the rights of our user, its clock.

Read over a connection that somebody else opened; judged by `doctor`.  No row is read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncsvc.source import connection, grants

if TYPE_CHECKING:
    from syncsvc.source.connection import Connection

#: Variables that bear on what a connector can read; a server has some of them.
VARIABLES = (
    "log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata", "binlog_row_value_options",
    "binlog_transaction_compression",
    "gtid_mode", "enforce_gtid_consistency", "gtid_strict_mode",
    "binlog_expire_logs_seconds", "expire_logs_days", "binlog_expire_logs_auto_purge", "max_binlog_total_size",
    "server_id", "log_slave_updates", "log_replica_updates", "read_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """One source server."""

    #: `user@host:port/database`.
    where: str
    #: `mysql` or `mariadb`.
    kind: str
    #: As the server prints it.
    version: str
    #: `{variable: value as the server prints it}` of those `VARIABLES` that the server has.
    variables: Mapping[str, str]
    grants: grants.Grants
    #: Seconds by which its clock is ahead of ours, and how exactly that is known.
    clock_ahead: float
    clock_within: float

    @property
    def numbers(self) -> tuple[int, int]:
        """Major and minor number of the version."""
        found = re.match(r"(\d+)\.(\d+)", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)


def facts(server: Connection, where: str) -> SourceFacts:
    """Ask the server."""
    kind = connection.server_kind(server)
    rows = _rows(server, f"SHOW GLOBAL VARIABLES WHERE Variable_name IN {VARIABLES}")
    variables = {row[0]: row[1] for row in rows}
    ((version,),) = _rows(server, "SELECT VERSION()")
    before = time.time()
    # SYSDATE, not NOW: the moment of the answer whatever the session's `timestamp` is.
    ((moment,),) = _rows(server, "SELECT UNIX_TIMESTAMP(SYSDATE(6))")
    after = time.time()
    ahead, within = float(moment) - (before + after) / 2, (after - before) / 2
    return SourceFacts(where, kind, version, variables, _grants(server, kind), ahead, within)


def _grants(server: Connection, kind: str) -> grants.Grants:
    statement = "SHOW GRANTS"
    if kind == "mysql":  # MariaDB shows those of an active role by itself
        roles = next(iter(_rows(server, "SELECT CURRENT_ROLE()")))[0]
        if roles != "NONE":
            statement = f"SHOW GRANTS FOR CURRENT_USER() USING {roles}"
    return grants.parsed(row[0] for row in _rows(server, statement))


def _rows(server: Connection, query: str) -> list[tuple[str, ...]]:
    with server.cursor() as cursor:
        cursor.execute(query)
        return [
            tuple(value.decode() if isinstance(value, bytes) else str(value) for value in row)
            for row in cursor.fetchall()
        ]
