"""`docs/lag-exporter.md`, its table of metrics made from what the exporter serves."""

from __future__ import annotations

from pathlib import Path

from syncsvc.telemetry import group_lag

PAGE = Path(__file__).parents[2] / "docs" / "lag-exporter.md"


def page() -> str:
    """The page with the table of now; it is its end."""
    table = group_lag.markdown()
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(table.partition("\n")[0])
    return before + table
