"""Mapping files that are right one by one and wrong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc.cli import pipelines
from syncsvc.errors import UsageFault
from tests.verify import world

VIEWS = "views:\n  {name}: {{root: {{table: meetup.user, key: id, fields: [name]}}}}\n"


def _file(folder: Path, name: str, *, pipeline: str, collection: str, generation: int = 1, more: str = "") -> Path:
    text = world.MAPPING.replace("pipeline: meetings", f"pipeline: {pipeline}")
    text = text.replace("collection: meetings", f"collection: {collection}")
    path = folder / name
    path.write_text(text.replace("generation: 1", f"generation: {generation}") + more)
    return path


def test_two_pipelines_that_write_one_collection_are_refused(tmp_path: Path) -> None:
    """With the lines of both: each would undo the other's documents."""
    first = _file(tmp_path, "a.yaml", pipeline="a", collection="shared")
    second = _file(tmp_path, "b.yaml", pipeline="b", collection="shared")

    with pytest.raises(UsageFault) as fault:
        pipelines.load([first, second])

    (problem, _) = fault.value.problems  # the name, and the collection below it
    assert problem.code == "mapping.same_collection"
    assert problem.where == f"{second}:4:13"
    assert f"{first}:4:13" in problem.what


def test_a_view_of_one_and_the_collection_of_another_are_the_same_fault(tmp_path: Path) -> None:
    """Told at the key of the view, whichever file comes first."""
    first = _file(tmp_path, "a.yaml", pipeline="a", collection="people")
    second = _file(tmp_path, "b.yaml", pipeline="b", collection="own", more=VIEWS.format(name="people"))

    with pytest.raises(UsageFault) as fault:
        pipelines.load([first, second])

    line = second.read_text().splitlines().index("  people: {root: {table: meetup.user, key: id, fields: [name]}}") + 1
    assert fault.value.problems[0].where == f"{second}:{line}:3"


def test_two_generations_are_read_together_but_not_run_in_one_worker(tmp_path: Path) -> None:
    """`status` and `verify` may look at both; a worker's figures could not tell them apart."""
    old = _file(tmp_path, "old.yaml", pipeline="a", collection="own")
    new = _file(tmp_path, "new.yaml", pipeline="a", collection="own", generation=2)

    assert [pipeline.generation for pipeline in pipelines.load([old, new])] == [1, 2]
    with pytest.raises(UsageFault, match=r"mapping\.same_pipeline") as fault:
        pipelines.load([old, new], one_process=True)
    assert fault.value.problems[0].where == f"{new}:2:11"


def test_one_pipeline_declared_twice_is_refused(tmp_path: Path) -> None:
    """Two files of one name and generation would share a group and a state."""
    first = _file(tmp_path, "a.yaml", pipeline="a", collection="one")
    second = _file(tmp_path, "b.yaml", pipeline="a", collection="two")

    with pytest.raises(UsageFault, match=r"mapping\.same_pipeline"):
        pipelines.load([first, second])
