"""
Table or JSON: how a command shows what it found, on a terminal, in a pipe and for a program.

A table in a pipe is as wide as it needs to be; colours follow the terminal and NO_COLOR.
"""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: Of a table that nobody looks at: wider than any row, so that none is cut.
PIPE_COLUMNS = 400


class Format(enum.StrEnum):
    """What `--output` takes."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[Format, typer.Option("--output", "-o", help="How to show the result.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pipelines, as mapping files.")]


def show_json(found: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(found, indent=2, default=str))


def console(*, stderr: bool = False) -> Console:
    """A rich console for stdout or stderr; a closed pipe raises BrokenPipeError, as `print` does (see `ending`)."""
    from rich.console import Console

    class PipeConsole(Console):
        """rich would end the process with exit code 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    stream = sys.stderr if stderr else sys.stdout
    return PipeConsole(stderr=stderr, width=None if stream.isatty() else PIPE_COLUMNS, highlight=False)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = ()) -> Table:
    """A plain table; columns named in `numbers` are aligned to the right.  None is shown as a dash."""
    from rich.table import Table
    from rich.text import Text

    made, right = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0)), set(numbers)
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text("-" if cell is None else str(cell)) for cell in row))
    return made


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = ()) -> None:
    """A table on stdout."""
    console().print(table(headings, rows, numbers=numbers))
