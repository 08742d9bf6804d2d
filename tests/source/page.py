"""Blocks of docs/commands.md, for tests that run what it shows."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(kind: str) -> list[str]:
    """Contents of the blocks of one kind, `console` or `yaml`."""
    return [text for found, text in _BLOCK.findall(PAGE.read_text()) if found == kind]


def commands() -> list[tuple[list[str], str]]:
    """`(words behind "syncsvc", what it prints)` of each console block, in order."""
    found = []
    for block in blocks("console"):
        line, _, shown = block.partition("\n")
        found.append((line.removeprefix("$ syncsvc ").split(), shown))
    return found


def told(out: str) -> str:
    """An output without the blanks at the ends of its lines, which no reader sees."""
    return "".join(f"{line.rstrip()}\n" for line in out.splitlines())
