"""
`syncsvc dev`: the real servers of the road on this machine, in the foreground, and how other commands find them.
"""

from __future__ import annotations

import enum
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from syncsvc.cli import output
from syncsvc.cli.output import Format, Output
from syncsvc.errors import Unreachable

app = typer.Typer(help="Kafka, Kafka Connect, MongoDB and a SQL server as child processes.")


class SqlKind(enum.StrEnum):
    """Source databases of the stack."""

    MARIADB = "mariadb"
    MYSQL = "mysql"


Sql = Annotated[SqlKind, typer.Option("--sql", help="Source database.")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="Of data, logs and stack.env, kept; else in the user's cache."),
]


@app.command()
def up(sql: Sql = SqlKind.MARIADB, folder: Folder = None, format_: Output = Format.TABLE) -> None:
    """Start the servers and stay until Ctrl-C; prints the environment for the other commands."""
    from syncsvc.devstack import folders, foreground, stack

    def ready(servers: stack.Stack) -> None:
        environment = servers.env()
        (servers.folder / "stack.env").write_text(_exports(environment))
        _show(environment, format_)
        print("up; Ctrl-C stops it", file=sys.stderr, flush=True)

    servers = stack.Stack(folder or folders.default(), sql=sql.value, progress=_say)
    foreground.run_until_interrupted(servers, ready, down=lambda: _say("stopping"))


@app.command()
def down(folder: Folder = None) -> None:
    """Stop the servers of another terminal; returns when they have ended.  Fine when none run."""
    from syncsvc.devstack import folders

    _say("stopped" if folders.end(folder or folders.default()) else "no stack is up")


@app.command()
def env(folder: Folder = None, format_: Output = Format.TABLE) -> None:
    """Print the environment of the servers that are up: eval "$(syncsvc dev env)"."""
    from syncsvc.devstack import folders

    place = folder or folders.default()
    found = folders.environment(place)
    if found is None:
        raise Unreachable(
            code="devstack.not_up", where=str(place), what="no stack is up there", fix="start it with  syncsvc dev up"
        )
    _show(found, format_)


def _show(environment: Mapping[str, str], format_: Format) -> None:
    if format_ is Format.JSON:
        output.show_json(dict(environment))
    else:
        print(_exports(environment), end="")
    sys.stdout.flush()


def _exports(environment: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in environment.items())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
