"""
Address of a database of the stack in one string, `mysql://user:password@host:port/database`, and a connection to it.
"""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

#: Longest wait for a loopback server to take a connection.
CONNECT_SECONDS = 5


def written(user: str, password: str, host: str, port: int, database: str = "") -> str:
    """The string of these parts."""
    return f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(database, safe='')}"


def without_database(dsn: str) -> str:
    """The same address with no database named."""
    return urlsplit(dsn)._replace(path="/").geturl()


def connect(dsn: str, *, client_flag: int = 0) -> Connection[Cursor]:
    """
    A connection in autocommit mode.

    Args:
        dsn: where to, and as whom.
        client_flag: of `pymysql.constants.CLIENT`.

    Raises:
        pymysql.err.OperationalError: nobody answers there, or the user is refused.
    """
    parts = urlsplit(dsn)
    return pymysql.connect(
        host=parts.hostname or "",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or None,
        charset="utf8mb4",
        autocommit=True,
        client_flag=client_flag,
        connect_timeout=CONNECT_SECONDS,
    )
