"""
A connection made fit for an oracle, and given back as it was: values as printed, UTC, one snapshot at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: A `pymysql.Connection`.
Connection = Any


@contextmanager
def printing(connection: Connection) -> Iterator[Any]:
    """
    A cursor whose values come as the server prints them, TIMESTAMPs in UTC.

    Ends a transaction that is open on the connection.  Afterwards the connection is as it was before.
    """
    decoders = connection.decoders
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@session.time_zone, @@session.sql_mode")
        zone, modes = cursor.fetchone()
        try:
            connection.decoders = {}
            cursor.execute("SET SESSION time_zone = '+00:00'")
            # The modes change what a backslash in a text and the padding of a CHAR mean.
            cursor.execute("SET SESSION sql_mode = ''")
            yield cursor
        finally:
            connection.decoders = decoders
            cursor.execute("SET SESSION time_zone = %s", (zone,))
            cursor.execute("SET SESSION sql_mode = %s", (modes,))


@contextmanager
def snapshot(cursor: Any) -> Iterator[None]:
    """Everything read inside is of one moment, so a parent and its children fit together while changes flow."""
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        yield
    finally:
        cursor.execute("COMMIT")
