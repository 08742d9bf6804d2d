"""
Every spec file through the pure path: what a pipeline promises, in every order of events that is tried.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc import cases, mapping
from syncsvc.mapping.cases import beside
from tests.specs import files


@pytest.mark.parametrize("path", files.mappings(files.IN_MEMORY), ids=files.name)
def test_every_case_holds(path: Path) -> None:
    """The cases beside a mapping pass as a user runs them, with `syncsvc test`."""
    pipeline = mapping.load(path)
    outcomes = [cases.run(pipeline, case) for case in cases.load(beside(path), pipeline)]

    assert outcomes
    assert [outcome.as_dict() for outcome in outcomes if not outcome.passed] == []
