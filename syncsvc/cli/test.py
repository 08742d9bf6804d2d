"""
`syncsvc test`: the cases beside mappings, without servers; exit code 1 with the differences when one fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncsvc.cli import output, pipelines
from syncsvc.cli.output import Files, Format, Output
from syncsvc.errors import CheckFailed, Problem, UsageFault

if TYPE_CHECKING:
    from syncsvc.cases import Case, Outcome
    from syncsvc.mapping.model import Pipeline

SHOWN_DIFFERENCES = 10  # of each case, on a terminal; JSON has all


def run_cases(files: Files, format_: Output = Format.TABLE) -> int:
    """Run the cases beside mapping files (x.cases.yaml beside x.yaml) without servers."""
    from syncsvc import cases
    from syncsvc.mapping.cases import beside

    mappings = _mappings(files)
    found: list[tuple[Path, list[Outcome]]] = []
    for path, pipeline, declared in _load(mappings):
        found.append((beside(path), [cases.run(pipeline, case) for case in declared]))
    if format_ is Format.JSON:
        output.show_json(_json(found))
    else:
        _show(found)
    return 0 if all(outcome.passed for _, outcomes in found for outcome in outcomes) else CheckFailed.exit_code


def _mappings(files: Iterable[Path]) -> list[Path]:
    """Mapping files, each once; a file of cases stands for its mapping, so that a glob may name both."""
    from syncsvc.mapping.cases import mapping_of

    return list(dict.fromkeys(mapping_of(file) or file for file in files))


def _load(mappings: Sequence[Path]) -> list[tuple[Path, Pipeline, tuple[Case, ...]]]:
    """
    Every mapping with its cases.

    Raises:
        UsageFault: with the problems of every file of cases.
    """
    from syncsvc import cases
    from syncsvc.cases import source
    from syncsvc.mapping.cases import beside

    found: list[tuple[Path, Pipeline, tuple[Case, ...]]] = []
    problems: list[Problem] = []
    for path, pipeline in zip(mappings, pipelines.load(mappings), strict=True):
        try:
            declared = cases.load(beside(path), pipeline)
            found.append((path, pipeline, declared))
        except UsageFault as fault:
            problems += fault.problems
            continue
        for case in declared:
            try:
                source.rounds(case, pipeline.tables)
            except UsageFault as fault:
                problems += fault.problems
    if problems:
        raise UsageFault.of(problems)
    return found


def _json(found: Sequence[tuple[Path, Sequence[Outcome]]]) -> dict[str, Any]:
    """`{passed, failed, files: [{file, cases: [{name, where, passed, …}, …]}, …]}`."""
    passed = [outcome.passed for _, outcomes in found for outcome in outcomes]
    return {
        "passed": sum(passed),
        "failed": len(passed) - sum(passed),
        "files": [
            {"file": str(file), "cases": [outcome.as_dict() for outcome in outcomes]} for file, outcomes in found
        ],
    }


def _show(found: Sequence[tuple[Path, Sequence[Outcome]]]) -> None:
    rows = [
        (file.name, outcome.case.name, "passed" if outcome.passed else "FAILED", outcome.orders)
        for file, outcomes in found
        for outcome in outcomes
    ]
    output.show_table(("file", "case", "outcome", "orders"), rows, numbers=("orders",))
    for _, outcomes in found:
        for outcome in outcomes:
            if not outcome.passed:
                _explain(outcome)


def _explain(outcome: Outcome) -> None:
    print(f"\n{outcome.where}  {outcome.case.name}")
    if outcome.error:
        print(f"  {outcome.error}")
    for difference in outcome.differences[:SHOWN_DIFFERENCES]:
        collection = f"{difference.collection} " if difference.collection else ""
        print(f"  {collection}_id {difference.id}{f' at {difference.path}' if difference.path else ''}")
        print(f"    expected {difference.expected}\n    got      {difference.got}")
    if (more := len(outcome.differences) - SHOWN_DIFFERENCES) > 0:
        print(f"  and {more} more")
    if outcome.order:
        print("  when the changes arrive so:")
        for number, said in enumerate(outcome.order, 1):
            print(f"    {number}. {said}")
