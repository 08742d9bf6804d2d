"""
What commands that look at one document have in common: the file, the key, and which kind of document is meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import pipelines
from syncsvc.errors import UsageFault

if TYPE_CHECKING:
    from syncsvc.mapping.model import Pipeline

File = Annotated[Path, typer.Argument(metavar="FILE", help="A pipeline, as a mapping file.")]
KeyText = Annotated[
    str,
    typer.Option("--key", metavar="KEY", help='Key of the root row; several columns as JSON: \'{"a": 1, "b": 2}\'.'),
]
Collection = Annotated[
    str | None,
    typer.Option("--collection", help="Which documents, where a file has several.  [default: the file's own]"),
]


def chosen(file: Path, collection: str | None) -> tuple[Pipeline, int]:
    """
    The pipeline of a file and the number of the kind of document in `Pipeline.each()`.

    Raises:
        UsageFault: the file's problems, or `usage.unknown_collection`.
    """
    (pipeline,) = pipelines.load([file])
    names = [kind.collection for kind in pipeline.each()]
    if collection is None:
        return pipeline, 0
    if collection not in names:
        raise UsageFault(
            code="usage.unknown_collection",
            where=f"--collection {collection}",
            what=f"{file} does not make it",
            fix=f"use one of {', '.join(names)}",
        )
    return pipeline, names.index(collection)
