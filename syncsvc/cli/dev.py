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
from syncsvc.errors import Unreachable, UsageFault

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
SqlFiles = Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Files with statements.")]
Execute = Annotated[list[str] | None, typer.Option("--execute", "-e", metavar="SQL", help="Statements; repeatable.")]
Collection = Annotated[str, typer.Argument(metavar="COLLECTION", help="Of the database that `dev env` names.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Most documents to show.")]


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

    place = folder or folders.default()
    _say("stopped" if folders.end(place) else f"no stack is up in {place}")


@app.command()
def env(folder: Folder = None, format_: Output = Format.TABLE) -> None:
    """Print the environment of the servers that are up: eval "$(syncsvc dev env)"."""
    _show(_environment(folder), format_)


@app.command()
def sql(
    files: SqlFiles = None, execute: Execute = None, folder: Folder = None, format_: Output = Format.TABLE
) -> None:
    """Run SQL on the source database that is up, as its administrator; rows of queries are shown."""
    from syncsvc.devstack import statements

    texts = [(str(file), _read(file)) for file in files or ()]
    texts += [(f"--execute {number}", text) for number, text in enumerate(execute or (), 1)]
    if not texts:
        raise UsageFault(
            code="devstack.no_sql", where="syncsvc dev sql", what="there is nothing to run",
            fix='name a file with SQL, or give it as  --execute "…"',
        )  # fmt: skip
    for columns, rows in statements.run(_environment(folder), texts):
        if format_ is Format.JSON:
            output.show_json([dict(zip(columns, row, strict=True)) for row in rows])
        else:
            output.show_table(columns, rows)


@app.command()
def documents(collection: Collection, limit: Limit = 10, folder: Folder = None) -> None:
    """Show the first documents of a collection of the MongoDB that is up, as JSON, by `_id`."""
    from syncsvc.devstack import documents as stored

    for found in stored.first(_environment(folder), collection, limit):
        print(found)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageFault(
            code="devstack.no_sql", where=str(file), what=f"the file cannot be read: {why}", fix="correct the path"
        ) from None


def _environment(folder: Path | None) -> dict[str, str]:
    """
    The environment of the servers that are up.

    Raises:
        Unreachable: `devstack.not_up`.
    """
    from syncsvc.devstack import folders

    place = folder or folders.default()
    found = folders.environment(place)
    if found is None:
        own = f" --folder {shlex.quote(str(folder))}" if folder else ""
        raise Unreachable(
            code="devstack.not_up", where=str(place), what="no stack is up there",
            fix=f"start it with  syncsvc dev up{own};  one that runs in another folder is meant by  --folder FOLDER",
        )  # fmt: skip
    return found


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
