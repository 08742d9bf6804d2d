"""
`syncsvc plan`: what `apply` would make and change, what is lost by it, and what stands in its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncsvc.cli import output, pipelines
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncsvc.cli.item import Item

STYLES = {"+": "green", "~": "yellow", "-": "bold red", "!": "bold red", ".": "dim"}


def plan(files: Files, format_: Output = Format.TABLE) -> int:
    """Show what apply would do to topics, connector, collections, indexes.  Exit code 3 when something has drifted."""
    from syncsvc import settings
    from syncsvc.cli import planning

    found = planning.items(pipelines.load(files), settings.read())
    show(found, format_)
    return Drift.exit_code if any(item.drifted for item in found) else 0


def show(found: Sequence[Item], format_: Format) -> None:
    """The items as a table with their changes and the fixes of what differs, or as JSON."""
    from rich.text import Text

    from syncsvc.cli.item import MEANINGS

    if format_ is Format.JSON:
        output.show_json({"items": [item.as_dict() for item in found]})
        return
    table = output.table(("", "what", "name", "state"), ())
    for item in found:
        state = Text(item.what)
        for setting, now, wanted in item.changes:
            state.append(f"\n{setting}: {'not set' if now is None else now} -> {wanted}", style="dim")
        sign = Text(item.sign, style=STYLES.get(item.sign, ""))
        table.add_row(sign, Text(item.kind), Text(item.name), state)
    console = output.console()
    console.print(table)
    fixes = dict.fromkeys(problem.fix for item in found for problem in item.problems)
    console.print(*(f"fix: {fix}" for fix in fixes), MEANINGS, sep="\n", style="dim", markup=False)
