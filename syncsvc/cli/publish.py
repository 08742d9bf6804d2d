"""
`syncsvc publish`: what workers never do by themselves, let readers see an older generation again.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import output, pipelines, target
from syncsvc.cli.output import Format, Output
from syncsvc.errors import Drift, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncsvc.mapping.model import Pipeline
    from syncsvc.mongo.client import Mongo
    from syncsvc.mongo.generations import Generation
    from syncsvc.settings import Settings

OneFile = Annotated[Path, typer.Argument(metavar="FILE", help="A pipeline, as a mapping file.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Also a generation that is behind the source.")]


def publish(file: OneFile, yes: Yes = False, format_: Output = Format.TABLE) -> None:
    """Let readers see the generation of the file, also an older one; it stays so until a newer one is built."""
    from syncsvc import settings
    from syncsvc.mongo import generations, published

    (pipeline,), given = pipelines.load([file]), settings.read()
    with contextlib.closing(target.open_mongo(given)) as mongo:
        generation = generations.read(mongo, pipeline.name, pipeline.generation)
        problems = list(_problems(pipeline, generation, mongo, given, behind=yes))
        if problems or generation is None:
            raise Drift.of(problems)
        rows = []
        for view in pipeline.each():
            published.claim(mongo, view.collection, generation)
            before = published.read(mongo, view.collection)
            held = published.choose(
                mongo, view.collection, view.generation, view.target_collection, view=view.publish == "view"
            )
            rows.append((view.collection, None if before is None else before.generation, held.generation))
    headings = ("collection", "before", "now")
    if format_ is Format.JSON:
        output.show_json({"published": [dict(zip(headings, row, strict=True)) for row in rows]})
        return
    output.show_table(headings, rows, numbers=("before", "now"))


def _problems(
    pipeline: Pipeline, generation: Generation | None, mongo: Mongo, settings: Settings, *, behind: bool
) -> Iterator[Problem]:
    from syncsvc.cli import standing
    from syncsvc.wiring import publication

    where = f"{mongo.where}, generation {pipeline.name}/g{pipeline.generation}"
    if generation is None:
        fix = f"syncsvc run {pipeline.path}  begins it"
        yield Problem("publish.not_begun", where, "it was never begun, or it was dropped", fix)
        return
    if not publication.complete(pipeline, mongo):
        fix = f"wait until it is live:  syncsvc status --watch {pipeline.path}"
        yield Problem("publish.incomplete", where, "its first copy is not complete: documents would be missing", fix)
        return
    (found,) = standing.standings([pipeline], mongo, settings)
    if found.lag != 0 and not behind:
        lag = "an unknown number of" if found.lag is None else f"{found.lag:,}"
        what = f"it is {lag} records behind: readers would see old documents until its workers have caught up"
        fix = f"let its workers run until  syncsvc status  says lag 0; or  syncsvc publish --yes {pipeline.path}"
        yield Problem("publish.behind", where, what, fix)
