"""
Rules between mapping files: what each of them may say, and all of them may not.

Pipelines of one command share a database; two that write one collection would undo each other's documents, unnoticed,
because each of them is right by itself.  Two generations of one pipeline are no such pair: only one is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from syncsvc.errors import Problem
from syncsvc.mapping.findings import Places
from syncsvc.mapping.model import Pipeline

Loaded = Sequence[tuple[Pipeline, Places]]


def problems(loaded: Loaded, *, one_process: bool = False) -> list[Problem]:
    """
    Every pair of files that cannot go together, told at the later one with the place of the earlier.

    Args:
        one_process: a worker is to run them all, so it cannot have two generations of one pipeline either.
    """
    return [*_same_pipeline(loaded, one_process=one_process), *_same_collection(loaded)]


def _same_pipeline(loaded: Loaded, *, one_process: bool) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for pipeline, places in loaded:
        key = (pipeline.name, 0 if one_process else pipeline.generation)
        where = places.where(places.of_value(("pipeline",)))
        before = seen.setdefault(key, where)
        if before != where:
            what = f"pipeline {pipeline.name} is declared here and at {before}"
            fix = "name one of the two files, or give one of the pipelines another name"
            if one_process:
                fix = "give generations of one pipeline a worker each; or give one of the pipelines another name"
            yield Problem("mapping.same_pipeline", where, what, fix)


def _same_collection(loaded: Loaded) -> Iterator[Problem]:
    seen: dict[str, tuple[str, str]] = {}
    for pipeline, places in loaded:
        for name, where in _collections(pipeline, places):
            owner, before = seen.setdefault(name, (pipeline.name, where))
            if owner != pipeline.name:
                what = f"collection {name} of {pipeline.name} is written by pipeline {owner} as well, at {before}"
                fix = "give one of the two another `collection:`; one pipeline can make several, with `views:`"
                yield Problem("mapping.same_collection", where, what, fix)


def _collections(pipeline: Pipeline, places: Places) -> Iterable[tuple[str, str]]:
    """Every name that is written or shown, and where it is declared."""
    for view in pipeline.each():
        place = places.of_value(("collection",))
        if view.collection != pipeline.collection:
            place = places.of_key(("views", view.collection))
        for name in dict.fromkeys((view.collection, view.target_collection)):
            yield name, places.where(place)
