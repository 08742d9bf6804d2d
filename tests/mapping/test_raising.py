"""The generation is raised in the file as a careful person would do it: one number changes, nothing else."""

from __future__ import annotations

import pytest

from syncsvc import mapping
from syncsvc.errors import UsageFault
from syncsvc.mapping.raising import raised
from tests.verify import world

TEXT = "# of the platform team\n" + world.MAPPING.lstrip().replace(
    "generation: 1", "generation:   1  # raise it to rebuild"
)


def test_only_the_number_changes() -> None:
    """Comments, blanks and line endings stay."""
    assert raised(TEXT, "x.yaml", 12) == TEXT.replace("generation:   1 ", "generation:   12 ")


def test_a_file_without_the_line_gets_it_behind_its_name() -> None:
    """The default is 1, so many files never had it."""
    text = world.MAPPING.replace("generation: 1\n", "").replace("pipeline: meetings", "pipeline: meetings  # ours")

    made = raised(text, "x.yaml", 2)

    assert "pipeline: meetings  # ours\ngeneration: 2\ncollection" in made
    assert made.replace("generation: 2\n", "") == text
    assert mapping.load_text(made, "x.yaml").generation == 2


def test_line_endings_of_windows_are_kept() -> None:
    """Also by the line that is added."""
    text = world.MAPPING.lstrip().replace("generation: 1\n", "").replace("\n", "\r\n")

    assert "pipeline: meetings\r\ngeneration: 3\r\ncollection" in raised(text, "x.yaml", 3)


@pytest.mark.parametrize("form", ["generation: &one 1", "generation: !!int 1"])
def test_a_form_that_is_not_understood_is_refused(form: str) -> None:
    """With the place and the line to write; never a file that means something else."""
    with pytest.raises(UsageFault) as fault:
        raised(world.MAPPING.replace("generation: 1", form), "x.yaml", 2)

    assert fault.value.problems[0].code == "rebuild.not_edited"
    assert fault.value.problems[0].where.startswith("x.yaml:3:")
    assert "generation: 2" in fault.value.problems[0].fix


def test_a_number_on_a_line_of_its_own_is_found() -> None:
    """YAML lets a value stand below its key."""
    made = raised(world.MAPPING.replace("generation: 1", "generation:\n  # far away\n  1"), "x.yaml", 2)

    assert "generation:\n  # far away\n  2\n" in made


def test_a_file_that_is_wrong_is_not_touched() -> None:
    """Its problems are told as by `validate`."""
    with pytest.raises(UsageFault, match=r"mapping\."):
        raised("pipeline: x\nnothing: 1\n", "x.yaml", 2)
