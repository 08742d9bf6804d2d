"""
`syncsvc rebuild`: all documents of a pipeline built anew beside the old ones, from the number in the file to the end of
the old generation.

Without --yes nothing is changed.  Everything is compared before the file is written, and the file is written before
anything is made: a rebuild that was cut short goes on where it was when it is asked for again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import apply, output, pipelines, plan, target
from syncsvc.cli.apply import Wait
from syncsvc.cli.output import Format, Output
from syncsvc.cli.publish import OneFile
from syncsvc.cli.status import Every
from syncsvc.errors import CheckFailed, Drift, UsageFault

if TYPE_CHECKING:
    from syncsvc.cli.rebuilding import Rebuild
    from syncsvc.mapping.model import Pipeline
    from syncsvc.mongo.client import Mongo
    from syncsvc.settings import Settings

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do it: write the file, then as apply --yes; or drop what is old.")
]
Complete = Annotated[
    bool,
    typer.Option("--rows-complete", help="Topics that lost their first records hold every row: it was read again."),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Follow the generation of the file until readers see it.")]
DropOld = Annotated[bool, typer.Option("--drop-old", help="List (with --yes: drop) what older generations have left.")]


def rebuild(
    file: OneFile,
    yes: Yes = False,
    rows_complete: Complete = False,
    watch: Watch = False,
    drop_old: DropOld = False,
    every: Every = 2.0,
    wait: Wait = 60.0,
    format_: Output = Format.TABLE,
) -> int:
    """Build all documents anew beside the old ones: show what that takes, and with --yes raise the generation."""
    from syncsvc import settings

    given = settings.read()
    if drop_old and (watch or rows_complete):
        what = "it is a step of its own, after the switch"
        raise UsageFault(code="rebuild.alone", where="--drop-old", what=what, fix="give it alone, or with --yes")
    with contextlib.closing(target.open_mongo(given)) as mongo:
        if drop_old:
            _drop_old(file, mongo, given, format_, yes=yes)
            return 0
        code = 0
        if yes or not watch:
            code = _raise(file, mongo, given, wait, format_, yes=yes, rows_complete=rows_complete)
        if watch:
            _follow(file, mongo, given, every, format_)
        return code


def _raise(
    file: Path, mongo: Mongo, given: Settings, wait: float, format_: Format, *, yes: bool, rows_complete: bool
) -> int:
    """The exit code: that of drift where --yes would be refused."""
    from syncsvc.cli import rebuilding

    found = rebuilding.planned(file, mongo, given)
    problems = list(found.problems(rows_complete=rows_complete))
    if yes:
        if problems:
            raise Drift.of(problems)
        apply.refuse(found.items, losses=True)
        apply.refuse_running([found.after], given, found.items)
        if found.diff:
            _write(file, found.text)
        apply.make([found.after], given, wait, found.items)
    if format_ is Format.JSON:
        output.show_json({**found.as_dict(), "done": yes, "problems": [problem.as_dict() for problem in problems]})
    else:
        _show(found, done=yes)
        for problem in problems:
            output.console().print(problem.render(), markup=False)
    return Drift.exit_code if problems or any(item.problems for item in found.items) else 0


def _write(file: Path, text: str) -> None:
    """In one step, with the mode it has: a worker that starts meanwhile reads the one or the other."""
    real = file.resolve()
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
        shutil.copymode(real, name)
        os.replace(name, real)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        what = f"it cannot be written: {error.strerror}"
        fix = "write the number of the generation yourself, then run the command again"
        raise UsageFault(code="rebuild.not_edited", where=str(file), what=what, fix=fix) from None


def _show(found: Rebuild, *, done: bool) -> None:
    from syncsvc.cli import rebuilding
    from syncsvc.cli.rebuilding import size

    console = output.console()
    new, file = found.after, found.before.path
    if found.diff:
        console.print(*found.diff, "", sep="\n", markup=False)
    else:
        console.print(f"generation {new.generation} of {file} is new already: the file stays as it is\n", markup=False)
    plan.show(found.items, Format.TABLE)
    words = {
        "whole": "every record since the first", "compacted": "the newest record of every row",
        "cut": "the first ones are deleted", "missing": "none yet: a snapshot has to read the table",
    }  # fmt: skip
    rows = [(one.topic, f"{one.records:,}", f"{one.deleted:,}", words[one.rows]) for one in found.sources]
    console.print()
    console.print(output.table(("read again", "records", "deleted", "rows"), rows, numbers=("records", "deleted")))
    room = found.room
    free = "" if room.free is None else f"; {size(room.free)} are free"
    console.print(
        f"\nbeside the old: {size(room.documents)} of documents, {size(room.state)} of state, "
        f"{room.keyed_records:,} records of the keyed topic, as the newest generation has them now{free}", markup=False,
    )  # fmt: skip
    unread = rebuilding.missing_tables(found.sources)
    if unread:
        console.print(f"before workers start, let the connector read: {', '.join(unread)}", markup=False)
    if not done:
        console.print(f"nothing was changed; do it:  syncsvc rebuild {file} --yes", markup=False)
        return
    console.print(
        f"next: start workers with this file beside those of the old one; readers switch when it is whole:  "
        f"syncsvc rebuild {file} --watch\nback: syncsvc publish with the file of generation {found.newest}; "
        f"for good: syncsvc rebuild {file} --drop-old", markup=False,
    )  # fmt: skip


def _follow(file: Path, mongo: Mongo, given: Settings, every: float, format_: Format) -> None:
    """The view of `status --watch`, until readers see the generation."""
    from syncsvc.cli import standing, watching

    (pipeline,) = pipelines.load([file])
    watching.watch(
        lambda: standing.standings([pipeline], mongo, given), every, format_, lambda: _switched(pipeline, mongo)
    )
    if format_ is Format.TABLE:
        shown = ", ".join(view.collection for view in pipeline.each())
        told = f"readers of {shown} see generation {pipeline.generation}; end the workers of the old one, then  "
        output.console().print(f"{told}syncsvc rebuild {file} --drop-old", markup=False)


def _switched(pipeline: Pipeline, mongo: Mongo) -> bool:
    """
    Whether readers see the generation under all its names.

    Raises:
        CheckFailed: `rebuild.withheld`: they never will by themselves.
    """
    from syncsvc.mongo import published
    from syncsvc.wiring import publication

    done = publication.complete(pipeline, mongo)
    for view in pipeline.each():
        held = published.read(mongo, view.collection)
        if held is not None and held.owner == view.name and held.withheld(view.generation):
            raise CheckFailed(
                code="rebuild.withheld",
                where=f"{mongo.where}.{view.collection}",
                what=f"readers see generation {held.generation}; they do not go to {view.generation} by themselves",
                fix=f"syncsvc publish {pipeline.path},  or raise the generation:  syncsvc rebuild {pipeline.path}",
            )
        done = done and held is not None and held.owner == view.name and held.generation == view.generation
    return done


def _drop_old(file: Path, mongo: Mongo, given: Settings, format_: Format, *, yes: bool) -> None:
    from syncsvc.cli import old_generations

    (pipeline,) = pipelines.load([file])
    found = old_generations.remains(pipeline, mongo, given)
    if yes:
        old_generations.drop(pipeline, found, mongo, given)
    if format_ is Format.JSON:
        output.show_json({"dropped": yes, "items": [item.as_dict() for item in found]})
        return
    console = output.console()
    if not found:
        console.print(f"nothing is left of generations before {pipeline.generation}")
        return
    rows = [(item.kind, item.name, item.what) for item in found]
    console.print(output.table(("dropped" if yes else "to be dropped", "name", "what"), rows))
    if not yes:
        console.print(f"\nnothing was changed; do it:  syncsvc rebuild {file} --drop-old --yes", markup=False)
