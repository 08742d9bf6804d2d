"""
`docs/cli.md`, made from the command line itself.

Every command as `--help` tells it, so that people find it by searching the site.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from syncsvc.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COLUMNS = "100"
HEAD = """\
# Every command

What `syncsvc COMMAND --help` says, in one place; made from the command line itself (`make pages`).
Where servers are comes from [variables](settings.md). [What commands print](commands.md), and
[what they refuse](errors.md), is told on pages of its own.
"""


def commands() -> list[str]:
    """`["init", "dev up", …]`: all commands, groups left out, in the order of `--help`."""

    def below(words: tuple[str, ...], command: Any) -> Iterator[str]:
        if not hasattr(command, "commands"):
            yield " ".join(words)
            return
        for word, inner in command.commands.items():
            yield from below((*words, word), inner)

    return list(below((), get_command(app)))


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"\n## syncsvc {command}\n\n```text\n{_help(command)}```\n" for command in commands())


def _help(command: str) -> str:
    environment = {"COLUMNS": COLUMNS, "TERMINAL_WIDTH": COLUMNS, "NO_COLOR": "1"}
    runner = CliRunner()
    told = runner.invoke(app, [*command.split(), "--help"], env=environment, prog_name="syncsvc")
    lines = [line.rstrip() for line in told.stdout.strip().splitlines()]
    return "".join(f"{line}\n" for line in lines)
