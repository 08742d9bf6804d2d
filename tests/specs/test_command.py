"""
`syncsvc test`: what a person and a program see, and the exit code.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncsvc import cli
from tests.specs import shelf

CASES = """\
cases:
  - name: holds
    given: [{insert: shop.book, row: {id: 1, title: a}}]
    expect: [{_id: 1, title: a, price: null, author: null}]
  - name: does not hold
    given: [{insert: shop.book, row: {id: 1, title: a}}]
    expect: [{_id: 1, title: b, price: null, author: null}]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A mapping with cases beside it, one of which fails."""
    (tmp_path / "shelf.yaml").write_text(shelf.MAPPING)
    (tmp_path / "shelf.cases.yaml").write_text(CASES)
    return tmp_path / "shelf.yaml"


def test_a_failing_case_ends_with_1_and_shows_why(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cases that pass are listed too."""
    assert cli.main(["test", str(file)]) == 1

    out = capsys.readouterr().out
    assert [line.split()[-2:] for line in out.splitlines()[1:3]] == [["passed", "2"], ["FAILED", "1"]]
    assert "shelf.cases.yaml:7:13  does not hold" in out
    assert 'title\n    expected "b"\n    got      "a"' in out


def test_programs_get_the_same_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document: counts, and every case with its differences."""
    assert cli.main(["test", str(file), "-o", "json"]) == 1

    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["failed"]) == (1, 1)
    assert [(case["name"], case["passed"]) for case in found["files"][0]["cases"]] == [
        ("holds", True),
        ("does not hold", False),
    ]
    assert found["files"][0]["cases"][1]["differences"] == [
        {"id": "1", "path": "title", "expected": '"b"', "got": '"a"'}
    ]


def test_a_glob_that_names_both_files_runs_the_cases_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`syncsvc test pipelines/*.yaml` is what people type."""
    assert cli.main(["test", str(file.with_name("shelf.cases.yaml")), str(file), "-o", "json"]) == 1

    assert len(json.loads(capsys.readouterr().out)["files"]) == 1


def test_wrong_files_end_with_2_and_all_their_problems(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run while a file is wrong; what no database would do is a wrong file."""
    other = file.with_name("other.yaml")
    other.write_text(shelf.MAPPING.replace("pipeline: shelf", "pipeline: other"))
    file.with_name("shelf.cases.yaml").write_text(CASES.replace("title: a", "titel: a", 1))
    impossible = "cases: [{name: x, given: [{delete: shop.book, key: {id: 1}}], expect: []}]"
    other.with_name("other.cases.yaml").write_text(impossible)

    assert cli.main(["test", str(file), str(other), "-o", "json"]) == 2

    codes = [problem["code"] for problem in json.loads(capsys.readouterr().out)["problems"]]
    assert codes == ["cases.unknown_column", "cases.impossible"]


def test_a_mapping_without_cases_ends_with_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing tested is not a passed test."""
    file.with_name("shelf.cases.yaml").unlink()

    assert cli.main(["test", str(file)]) == 2
    assert "cases.unreadable" in capsys.readouterr().err
