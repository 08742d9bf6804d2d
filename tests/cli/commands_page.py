"""
`docs/commands.md`, its table of all commands made from the commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from syncsvc.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
BEGIN, END = "<!-- commands: begin, made by tests/cli/commands_page.py -->", "<!-- commands: end -->"


def commands() -> Iterator[tuple[str, Any]]:
    """`("parked list", its click command)` of every command, in the order of `--help`."""

    def below(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(f"{prefix}{name} ", command)
            else:
                yield prefix + name, command

    yield from below("", get_command(app))


def table() -> str:
    """The table in Markdown."""
    lines = ["| command | what it does | options |", "|---|---|---|"]
    for name, command in commands():
        words = " ".join([name, *_arguments(command)])
        options = "<br>".join(_options(command))
        lines.append(f"| `syncsvc {words}` | {_plain(command.help)} | {options} |")
    return "\n".join(lines)


def _arguments(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "argument":
            # Under the name that the help shows.
            yield str(one.metavar or one.name.upper())


def _options(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "option" and one.name not in ("help", "format_"):
            yield f"`{', '.join(one.opts)}` {_plain(one.help)}"


def _plain(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip().replace("|", "\\|")


def page() -> str:
    """The page with the table of now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"
