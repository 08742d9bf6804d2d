"""
`syncsvc verify`: every document against the SQL join; exit code 1 with the first difference when one is not equal.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncsvc.cli import output, pipelines, target
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import CheckFailed

if TYPE_CHECKING:
    from syncsvc.mongo.client import Mongo
    from syncsvc.telemetry.verified import Outcome
    from syncsvc.verify import Report
    from syncsvc.verify.compare import Progress

ShowValues = Annotated[bool, typer.Option("--show-values", help="Also show the values that differ; they are data.")]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        metavar="SECONDS",
        help="Look again at what differs, and until readers see it: lag is no damage.",
    ),
]
MetricsFile = Annotated[
    Path | None,
    typer.Option("--metrics", metavar="FILE", help="Leave the outcome there for the node exporter: FILE.prom."),
]
LOOK_AGAIN_SECONDS = 0.2
SHOWN_DIFFERENCES = 5  # of each pipeline, on a terminal; JSON has more
_COUNTS = ("documents", "missing", "extra", "different", "seconds")


def verify(
    files: Files,
    wait: Wait = 0.0,
    show_values: ShowValues = False,
    metrics: MetricsFile = None,
    format_: Output = Format.TABLE,
) -> int:
    """Compare every document of MongoDB with the rows of the source."""
    from syncsvc import settings
    from syncsvc import verify as check
    from syncsvc.source import servers
    from syncsvc.telemetry import verified

    loaded, given = pipelines.load(files), settings.read()
    if metrics is not None:
        verified.check(metrics)
    reports: dict[str, Report] = {}
    unseen: list[str] = []
    outcomes: list[verified.Outcome] = []
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(servers.connected(loaded, given))
        mongo = stack.enter_context(contextlib.closing(target.open_mongo(given)))
        for pipeline in loaded:
            owner = pipelines.name_among(pipeline.name, pipeline.generation, [one.name for one in loaded])
            for view in pipeline.each():
                name = owner if len(pipeline.views) == 0 else f"{owner}/{view.collection}"
                with _bar(name) as progress:
                    reports[name] = check.compare(
                        view, source, mongo.database[view.target_collection], wait_seconds=wait, progress=progress
                    )
                outcomes.append(_outcome(owner, view.collection, reports[name]))
                if not _seen(mongo, view.collection, wait - reports[name].seconds):
                    unseen.append(view.collection)
    if metrics is not None:
        verified.write(metrics, outcomes)
    found = {name: report.as_dict(with_values=show_values) for name, report in reports.items()}
    if format_ is Format.JSON:
        output.show_json({**_json(found), "unseen": unseen})
    else:
        _show(found)
        for collection in unseen:
            print(f"{collection}: readers do not see it before the first copy is done  (syncsvc status --watch)")
    return 0 if all(report.equal for report in reports.values()) else CheckFailed.exit_code


def _seen(mongo: Mongo, collection: str, wait_seconds: float) -> bool:
    """Whether readers see some generation under the name, waited for: documents are complete before they are shown."""
    from syncsvc.mongo import published

    until = time.monotonic() + wait_seconds
    while (held := published.read(mongo, collection)) is not None and held.generation is None:
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_AGAIN_SECONDS)
    return True


def _outcome(pipeline: str, collection: str, report: Report) -> Outcome:
    from syncsvc.telemetry.verified import Outcome

    counts = {
        "match": report.documents - report.missing - report.different,
        "mismatch": report.different, "missing": report.missing, "extra": report.extra,
    }  # fmt: skip
    return Outcome(pipeline, collection, counts, time.time(), report.seconds)


def _json(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """`{equal, pipelines: [{pipeline, documents, equal, …}, …]}`."""
    equal = all(report["equal"] for report in found.values())
    return {"equal": equal, "pipelines": [{"pipeline": name, **report} for name, report in found.items()]}


def _show(found: dict[str, dict[str, Any]]) -> None:
    rows = [
        (name, "equal" if report["equal"] else "DIFFERENT", *(report[count] for count in _COUNTS))
        for name, report in found.items()
    ]
    output.show_table(("pipeline", "outcome", *_COUNTS), rows, numbers=_COUNTS)
    for name, report in found.items():
        for difference in report["differences"][:SHOWN_DIFFERENCES]:
            place = f" at {difference['path']}" if difference["path"] else ""
            print(f"{name} {difference['id']}: {difference['kind']}{place}  {difference['what']}".rstrip())
            if "found" in difference:
                print(f"  expected {difference['expected']}\n  found    {difference['found']}")


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Progress | None]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress as Bar

    with Bar(console=output.console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"verify {name}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
