"""
`syncsvc doctor`: are the servers around some pipelines fit for them?  Asks all of them at once and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import output, pipelines
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import CheckFailed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from syncsvc.doctor.finding import Finding

Seconds = Annotated[float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest wait for all of it.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Leave out what is ok.")]

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "unreachable": "bold red"}


def doctor(files: Files, seconds: Seconds = 30.0, quiet: Quiet = False, format_: Output = Format.TABLE) -> int:
    """Check source, connector, Kafka, MongoDB and this machine; what is wrong is told with its fix."""
    from syncsvc import settings
    from syncsvc.doctor import examine

    loaded, given = pipelines.load(files), settings.read()
    found = examine.examine(examine.looks(loaded, given), seconds)
    counts = Counter(str(finding.state) for finding in found)
    shown = [finding for finding in found if not quiet or finding.state != "ok"]
    if format_ is Format.JSON:
        numbers = {state: counts[state] for state in STYLES}
        output.show_json({"findings": [finding.as_dict() for finding in shown], "counts": numbers})
    else:
        output.console().print(_table(shown))
        print(", ".join(f"{counts[state]} {state}" for state in STYLES if counts[state]))
    if counts["unreachable"]:
        return Unreachable.exit_code
    return CheckFailed.exit_code if counts["fail"] else 0


def _table(found: Sequence[Finding]) -> Table:
    """A line for each finding, the fix below it; what is the same in several places is said once."""
    from rich.text import Text

    table = output.table(("", "check", "where", "what"), ())
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for finding in found:
        places.setdefault((finding.state, finding.check, finding.what, finding.fix), []).append(finding.where)
    for (state, check, told, fix), where in places.items():
        what = Text(told)
        if fix:
            what.append(f"\nfix: {fix}", style="dim")
        table.add_row(Text(state, style=STYLES[state]), Text(check), Text("\n".join(where)), what)
    return table
