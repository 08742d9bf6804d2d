"""`docs/metrics.md`, made from the catalogue."""

from __future__ import annotations

from pathlib import Path

from syncsvc.telemetry import catalogue

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def page() -> str:
    """The whole page."""
    return catalogue.markdown()
