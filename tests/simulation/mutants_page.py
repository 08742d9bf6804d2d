"""`docs/mutants.md`, made of the list of mutants."""

from __future__ import annotations

from pathlib import Path

from tests.simulation import mutation

PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"


def page() -> str:
    """The whole page."""
    return mutation.table()
