"""`docs/mapping.md`, its tables made from the declaration that the parser uses."""

from __future__ import annotations

from pathlib import Path

from syncsvc.mapping import reference

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"


def page() -> str:
    """The page with the tables of now."""
    return reference.updated(PAGE.read_text(encoding="utf-8"))
