"""
`syncsvc demo`: the whole road on this machine, from empty servers to documents compared with SQL.
"""

from __future__ import annotations

from typing import Annotated

import typer

from syncsvc.cli.dev import Sql, SqlKind
from syncsvc.cli.output import Format, Output

Keep = Annotated[bool, typer.Option("--keep", help="Stay up at the end, until Ctrl-C, and print the addresses.")]
Meetings = Annotated[int, typer.Option(min=1, help="Rows of the root table.")]
Users = Annotated[int, typer.Option(min=1, help="Rows of the looked-up table.")]
Applications = Annotated[int, typer.Option(min=1, help="Rows of the embedded table.")]
Workers = Annotated[int, typer.Option(min=1, help="Worker processes.")]


def demo(
    sql: Sql = SqlKind.MARIADB,
    keep: Keep = False,
    meetings: Meetings = 2_000,
    users: Users = 2_000,
    applications: Applications = 10_000,
    workers: Workers = 2,
    format_: Output = Format.TABLE,
) -> int:
    """See it work: real servers, a first copy, live changes, and a comparison with SQL."""
    from syncsvc.demo import run

    return run(
        sql=sql.value,
        keep=keep,
        meetings=meetings,
        users=users,
        applications=applications,
        workers=workers,
        output=format_.value,
    )
