"""
What a source server answers in place of rows: it is gone, or it refuses the statement.

For every command that reads tables of a mapping, so that all of them say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pymysql

from syncsvc.errors import Unreachable, UsageFault

_GONE_CODES = frozenset({0, 1053, 2006, 2013, 2055})  # shut down, gone, lost


@contextmanager
def told(where: str) -> Iterator[None]:
    """
    Statements whose failures are told as ours.

    Args:
        where: the table that is read, or the setting that names the server.

    Raises:
        Unreachable: `source.unreachable`, the server does not answer any more.
        UsageFault: `source.refused_query`, a table or column is not there, or not for this user.
    """
    try:
        yield
    except pymysql.err.MySQLError as error:
        code, said = error.args[0] if error.args else 0, error.args[-1] if error.args else type(error).__name__
        if not isinstance(code, int) or code in _GONE_CODES:
            what, fix = f"the source does not answer any more: {said}", "look at the server, and try again"
            raise Unreachable(code="source.unreachable", where=where, what=what, fix=fix) from None
        # The message names the table or the column, and no value.
        what, fix = f"the source refuses to read it: {said}", "compare it with the server:  syncsvc validate --live"
        raise UsageFault(code="source.refused_query", where=where, what=what, fix=fix) from None
