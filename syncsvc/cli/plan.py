"""
`syncsvc plan`: what `apply` would make, and what stands in its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncsvc.cli import output, pipelines
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncsvc.cli.planning import Item

MEANINGS = "+ made   = as it should be   ~ changed   ! differs, refused   . made later"


def plan(files: Files, format_: Output = Format.TABLE) -> int:
    """Show what apply would make: topics, connector, collections.  Exit code 3 when something differs."""
    from syncsvc import settings
    from syncsvc.cli import planning

    found = planning.items(pipelines.load(files), settings.read())
    show(found, format_)
    return Drift.exit_code if any(item.sign == planning.DIFFERS for item in found) else 0


def show(found: Sequence[Item], format_: Format) -> None:
    """The items as a table with the fixes of what differs, or as JSON."""
    if format_ is Format.JSON:
        output.show_json({"items": [item.as_dict() for item in found]})
        return
    output.show_table(("", "what", "name", "state"), [(item.sign, item.kind, item.name, item.what) for item in found])
    fixes = dict.fromkeys(problem.fix for item in found for problem in item.problems)
    output.console().print(*(f"fix: {fix}" for fix in fixes), MEANINGS, sep="\n", style="dim", markup=False)
