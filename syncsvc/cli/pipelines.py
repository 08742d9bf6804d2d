"""
The mapping files of a command line: all of them read, all problems of all of them told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncsvc.errors import Problem, UsageFault

if TYPE_CHECKING:
    from syncsvc.mapping.findings import Places
    from syncsvc.mapping.model import Pipeline


def load_with_places(files: Iterable[Path], *, one_process: bool = False) -> list[tuple[Pipeline, Places]]:
    """
    The pipelines with the places of their keys, in the order given and each once; files of cases among them are passed
    over, unless there is nothing else: a check of nothing would look like one that found nothing.

    Args:
        one_process: a worker is to run them all (see `mapping.together`).

    Raises:
        UsageFault: with the problems of every file, or those between them; `usage.no_mapping`.
    """
    from syncsvc import mapping
    from syncsvc.mapping import together
    from syncsvc.mapping.cases import mapping_of

    found: list[tuple[Pipeline, Places]] = []
    problems: list[Problem] = []
    given = list(dict.fromkeys(files))
    mappings = [file for file in given if mapping_of(file) is None]  # `pipelines/*.yaml` names the others too
    for file in given if not mappings else ():
        fix = f"give the mapping beside it:  {mapping_of(file)}"
        problems.append(Problem("usage.no_mapping", str(file), "it holds cases, and no mapping is given", fix))
    for file in mappings:
        try:
            found.append(mapping.load_with_places(file))
        except UsageFault as fault:
            problems += fault.problems
    problems = problems or together.problems(found, one_process=one_process)
    if problems:
        raise UsageFault.of(problems)
    return found


def name_among(name: str, generation: int, names: Sequence[str]) -> str:
    """A pipeline's name; with its generation where two of it are among these, so that neither passes for the other."""
    return name if names.count(name) == 1 else f"{name}/g{generation}"


def load(files: Iterable[Path], *, one_process: bool = False) -> list[Pipeline]:
    """The pipelines, in the order given; arguments and errors as of `load_with_places`."""
    return [pipeline for pipeline, _ in load_with_places(files, one_process=one_process)]
