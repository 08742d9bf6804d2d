"""
A connection to the source database, and what the connector needs of its server.

Every failure says which of three it is: nobody answers, the login is refused, or the database is not there.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

import pymysql

from syncsvc import tls
from syncsvc.errors import Problem, Unreachable
from syncsvc.source import address

if TYPE_CHECKING:
    from pymysql.connections import Connection as PyMySqlConnection
    from pymysql.cursors import Cursor

    Connection = PyMySqlConnection[Cursor]

#: Longest wait for the server to take a connection, and for each of its answers until we are logged in, seconds.
CONNECT_SECONDS = 10
#: Longest wait for one answer: a count of a large table takes minutes.
READ_SECONDS = 600

_REFUSED_CODES = {1045, 1698, 1130, 1251}  # access denied, no such way to log in, host not allowed, old client
_NO_TLS_CODES = {2026, 3159, 4151}  # the server has none; it takes nobody without (MySQL, MariaDB)
_NO_DATABASE_CODES = {1044, 1049}  # no right to it, unknown
#: What the driver raises of a server that is not there, or of what answers there and is no such server.
_FAILURES = (pymysql.err.MySQLError, RuntimeError, ValueError, LookupError, struct.error, AssertionError)
#: What a statement raises that this user may not run.
DENIED = pymysql.err.OperationalError
#: `{variable: value under which the binlog holds whole rows}`.
_BINLOG = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL"}
#: MySQL's, OFF unless somebody sets it.  Debezium gives all events of a compressed transaction one position, and counts
#: the rows of each from 0: nothing in its records tells a row's second change in it from a repeated first one.
_COMPRESSION = "binlog_transaction_compression"


def connect(dsn: str | None) -> Connection:
    """
    A connection in autocommit mode, utf8mb4, rows as tuples.

    Raises:
        UsageFault: the DSN is missing or not of the form (see `address.parsed`).
        Unreachable: `source.unreachable`, `source.refused` (credentials), `source.no_database`, `source.no_tls`, and
            those of `tls.refusal`.
    """
    place = address.parsed(dsn)
    secure = place.tls.context() if place.tls.named else None
    try:
        opened = pymysql.connect(
            host=place.host,
            port=place.port,
            user=place.user,
            password=place.password.encode(errors="surrogateescape"),  # the driver takes a text for latin-1
            database=place.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=CONNECT_SECONDS,
            program_name="syncsvc",
            ssl=secure,
        )
    except _FAILURES as error:
        raise _diagnosed(error, place) from None
    opened._read_timeout = READ_SECONDS  # type: ignore[attr-defined]  # the driver gives it to the socket for each read
    return opened


def _diagnosed(error: Exception, place: address.Address) -> Unreachable:
    if (refused := tls.refusal(error, f"{place.host}:{place.port}")) is not None:
        return refused
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if code in _REFUSED_CODES:
        return Unreachable(
            code="source.refused",
            where=place.where,
            what=f"the server refuses the login of this user (error {code})",
            fix=f"check user and password in {address.SETTING}, and the hosts the user may come from",
        )
    if code in _NO_TLS_CODES:
        return Unreachable(
            code="source.no_tls",
            where=place.where,
            what=f"the server {'has no TLS' if place.tls.named else 'takes no connection without TLS'} (error {code})",
            fix="switch TLS on in the server" if place.tls.named else "set SYNCSVC_SOURCE_CA_FILE",
        )
    if code in _NO_DATABASE_CODES:
        return Unreachable(
            code="source.no_database",
            where=place.where,
            what=f'there is no database "{place.database}" on this server, or the user has no right to it',
            fix=f"correct the last part of {address.SETTING}, or GRANT SELECT on it",
        )
    reason = error.args[-1] if error.args else type(error).__name__
    return Unreachable(
        code="source.unreachable",
        where=f"{place.host}:{place.port}",
        what=f"the source database does not answer: {reason}",
        fix=f"start it, or correct host and port in {address.SETTING}",
    )


def server_kind(connection: Connection) -> Literal["mysql", "mariadb"]:
    """What the server is; the name of Debezium's connector for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone() or ("",)
    return "mariadb" if "mariadb" in str(version).lower() else "mysql"


def binlog_problems(connection: Connection) -> list[Problem]:
    """Settings of the server's binlog under which changes are missing or not whole; [] when it is fit."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN {(*_BINLOG, _COMPRESSION)}")
        found = {str(name): str(value).upper() for name, value in cursor.fetchall()}
    where = f"{connection.host}:{connection.port}"
    problems = [
        Problem(
            "source.binlog",
            f"{where}, {variable}",
            f"it is {found[variable]}, {wanted} is needed: otherwise changes are missing or not whole",
            f"set  {variable.replace('_', '-')}{'' if variable == 'log_bin' else f'={wanted}'}  in the server's "
            "configuration and restart it",
        )
        for variable, wanted in _BINLOG.items()
        # What a server no longer knows it can no longer have wrong: MySQL drops binlog_format after 8.4.
        if variable in found and found[variable] != wanted
    ]
    if found.get(_COMPRESSION, "OFF") != "OFF":
        problems.append(
            Problem(
                "source.binlog",
                f"{where}, {_COMPRESSION}",
                f"it is {found[_COMPRESSION]}, OFF is needed: of a row that one transaction changes twice the second "
                "change may be lost",
                f"SET PERSIST {_COMPRESSION} = OFF, and let no user set it for a session "
                "(SESSION_VARIABLES_ADMIN, SYSTEM_VARIABLES_ADMIN); read again the tables that changed meanwhile",
            )
        )
    return problems
