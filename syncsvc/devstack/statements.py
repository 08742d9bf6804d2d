"""
SQL that a person gives to the source database of a running stack, as its administrator.

For schemas and changes on one's own machine (`syncsvc dev sql`).  The server itself splits a text into statements, so
comments, quotes and whatever else the server knows are right; `DELIMITER`, which is a client's word, is refused by it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import pymysql
from pymysql.constants import CLIENT

from syncsvc import errors
from syncsvc.devstack import dsn, sqlserver

#: Columns and rows of a query.
Answer = tuple[Sequence[str], Sequence[Sequence[object]]]


def run(environment: Mapping[str, str], texts: Sequence[str]) -> Iterator[Answer]:
    """
    Run texts of any number of statements, in order; what queries answer, as it comes.

    Args:
        environment: of the stack, as `syncsvc dev env` prints it.
        texts: statements, with `;` between them.

    Raises:
        Unreachable: `devstack.no_database`, the stack has no source database.
        UsageFault: `devstack.bad_sql`, with what the server says of it; statements before it were run.
    """
    place = urlsplit(environment.get("SYNCSVC_SOURCE_DSN", ""))
    if place.hostname is None or place.port is None:
        raise errors.Unreachable(
            code="devstack.no_database", where="syncsvc dev", what="the stack has no source database",
            fix="start it anew:  syncsvc dev down,  then  syncsvc dev up",
        )  # fmt: skip
    admin = dsn.written(sqlserver.ADMIN_USER, sqlserver.PASSWORD, place.hostname, place.port)
    with contextlib.closing(dsn.connect(admin, client_flag=CLIENT.MULTI_STATEMENTS)) as connection:
        for text in filter(str.strip, texts):
            with connection.cursor() as cursor:
                try:
                    more: bool | None = cursor.execute(text) is not None
                    while more:
                        if cursor.description is not None:
                            yield [column[0] for column in cursor.description], cursor.fetchall()
                        more = cursor.nextset()
                except pymysql.MySQLError as error:
                    said = str(error.args[-1]) if error.args else type(error).__name__
                    raise errors.UsageFault(
                        code="devstack.bad_sql", where=f"{place.hostname}:{place.port}", what=said,
                        fix="correct the statement; those before it were run",
                    ) from None  # fmt: skip
