"""`docs/expressions.md`, its tables of functions made from the registry that evaluates them."""

from __future__ import annotations

from pathlib import Path

from syncsvc.expressions import manual

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"
HEADING = "## Functions\n"


def page() -> str:
    """The page with the tables of now; they are its end."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADING)
    return f"{before}{HEADING}\n{manual.function_tables()}"
