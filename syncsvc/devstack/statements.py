"""
SQL that a person gives to the source database of a running stack, as its administrator.

For schemas and changes on one's own machine (`syncsvc dev sql`).  The server itself splits a text into statements, so
comments, quotes and whatever else the server knows are right; `DELIMITER`, which is a client's word, is refused by it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pymysql
from pymysql.constants import CLIENT

from syncsvc import errors
from syncsvc.devstack import dsn, sqlserver

#: Columns and rows of a query.
Answer = tuple[Sequence[str], Sequence[Sequence[object]]]


def run(environment: Mapping[str, str], texts: Sequence[tuple[str, str]]) -> Iterator[Answer]:
    """
    Run texts of any number of statements, in order; what queries answer, as it comes.

    Args:
        environment: of the stack, as `syncsvc dev env` prints it.
        texts: where each is from, for people, and its statements with `;` between them.

    Raises:
        Unreachable: `devstack.no_database`, the stack has no source database.
        UsageFault: `devstack.bad_sql`, which statement, and what the server says of it; those before it were run.
    """
    place = urlsplit(environment.get("SYNCSVC_SOURCE_DSN", ""))
    if place.hostname is None or place.port is None:
        raise errors.Unreachable(
            code="devstack.no_database", where="syncsvc dev", what="the stack has no source database",
            fix="start it anew:  syncsvc dev down,  then  syncsvc dev up",
        )  # fmt: skip
    admin = dsn.written(sqlserver.ADMIN_USER, sqlserver.PASSWORD, place.hostname, place.port)
    with contextlib.closing(dsn.connect(admin, client_flag=CLIENT.MULTI_STATEMENTS)) as connection:
        for name, text in texts:
            if text.strip():
                with connection.cursor() as cursor:
                    yield from _answers(cursor, name, text)


def _answers(cursor: Any, name: str, text: str) -> Iterator[Answer]:
    # Counted by what the server answers, since only it knows where a statement ends: a CALL counts once for each query
    # of its procedure too.
    number = 1
    try:
        more: bool | None = cursor.execute(text) is not None
        while more:
            if cursor.description is not None:
                yield [column[0] for column in cursor.description], cursor.fetchall()
            number += 1
            more = cursor.nextset()
    except pymysql.MySQLError as error:
        said = str(error.args[-1]) if error.args else type(error).__name__
        raise errors.UsageFault(
            code="devstack.bad_sql", where=f"{name}, statement {number}", what=said,
            fix="correct the statement; those before it were run",
        ) from None  # fmt: skip
