"""
A connection made to give values as the server prints them, TIMESTAMPs in UTC, all of one moment.

For commands that turn rows into the records that the connector would send.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pymysql

from syncsvc.source import address, refusals

if TYPE_CHECKING:
    from syncsvc.source.connection import Connection

#: What the driver gives for a value that is not NULL: text, and bytes for what is binary.
Printed = str | bytes


@contextmanager
def snapshot(connection: Connection) -> Iterator[Any]:
    """
    A cursor that reads everything at one moment, so that a row and those it is joined with fit together.

    Ends a transaction that is open on the connection, and leaves the session's settings changed: the connection is for
    nothing else.

    Raises:
        Unreachable: `source.unreachable`, the server does not answer any more.
    """
    connection.decoders = {}
    with connection.cursor() as cursor:
        with refusals.told(address.SETTING):
            cursor.execute("SET SESSION time_zone = '+00:00'")
            # The modes change what a backslash in a text and the padding of a CHAR mean.
            cursor.execute("SET SESSION sql_mode = ''")
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        try:
            yield cursor
        finally:
            # Nothing was written; where the connection is lost, what was being read has told so.
            with suppress(pymysql.err.MySQLError):
                cursor.execute("COMMIT")
