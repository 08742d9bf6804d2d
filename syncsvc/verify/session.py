"""
A connection made fit for an oracle, and given back as it was: values as printed, UTC, one snapshot at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pymysql

from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Pipeline
from syncsvc.source import address, refusals

#: A `pymysql.Connection`.
Connection = Any


@contextmanager
def sources(pipeline: Pipeline, given: Connection | Mapping[str, Connection]) -> Iterator[dict[str, Any]]:
    """
    `{Table.topic_prefix: cursor}` of a pipeline's tables, as `printing` makes them.

    Args:
        given: one connection for all tables, or `{topic prefix: connection}`.

    Raises:
        UsageFault: `verify.no_source`, no connection for some prefix.
    """
    prefixes = {table.topic_prefix for table in pipeline.tables.values()}
    cursors: dict[int, Any] = {}
    with ExitStack() as stack:
        found = {}
        for prefix in sorted(prefixes):
            connection = given
            if isinstance(given, Mapping):
                connection = given.get(prefix or pipeline.topic_prefix)
            if connection is None:
                raise _no_source(pipeline, prefix or pipeline.topic_prefix)
            if id(connection) not in cursors:
                cursors[id(connection)] = stack.enter_context(printing(connection))
            found[prefix] = cursors[id(connection)]
        yield found


def _no_source(pipeline: Pipeline, prefix: str) -> UsageFault:
    return UsageFault(
        code="verify.no_source",
        where=f"{pipeline.path}: {prefix}",
        what=f'there is no connection to the server of the topics "{prefix}"',
        fix="give one for every topic_prefix of the mapping",
    )


@contextmanager
def printing(connection: Connection) -> Iterator[Any]:
    """
    A cursor whose values come as the server prints them, TIMESTAMPs in UTC.

    Ends a transaction that is open on the connection.  Afterwards the connection is as it was before.

    Raises:
        Unreachable: `source.unreachable`, the server does not answer any more.
    """
    decoders = connection.decoders
    with connection.cursor() as cursor:
        with refusals.told(address.SETTING):
            cursor.execute("SELECT @@session.time_zone, @@session.sql_mode")
            zone, modes = cursor.fetchone()
        try:
            connection.decoders = {}
            with refusals.told(address.SETTING):
                cursor.execute("SET SESSION time_zone = '+00:00'")
                # The modes change what a backslash in a text and the padding of a CHAR mean.
                cursor.execute("SET SESSION sql_mode = ''")
            yield cursor
        finally:
            connection.decoders = decoders
            with suppress(pymysql.err.MySQLError):
                cursor.execute("SET SESSION time_zone = %s", (zone,))
                cursor.execute("SET SESSION sql_mode = %s", (modes,))


@contextmanager
def snapshot(cursors: Iterable[Any]) -> Iterator[None]:
    """Everything read inside from one server is of one moment: a parent and its children fit while changes flow."""
    each = list({id(cursor): cursor for cursor in cursors}.values())
    with refusals.told(address.SETTING):
        for cursor in each:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        yield
    finally:
        # Nothing was written; where the connection is lost, what was being read has told so.
        for cursor in each:
            with suppress(pymysql.err.MySQLError):
                cursor.execute("COMMIT")
