"""
docs/cases.md cannot drift: its example runs, and fails as it says.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncsvc import cli
from tests.specs.files import ROOT

PAGE = (ROOT / "docs" / "cases.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
MAPPING, CASES = (block for kind, block in BLOCKS if kind == "yaml")
(FAILURE,) = (block for kind, block in BLOCKS if kind == "text")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two files of the page, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shelf.yaml").write_text(MAPPING)
    (tmp_path / "shelf.cases.yaml").write_text(CASES)
    return tmp_path


def test_the_example_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader who copies both files sees them pass."""
    assert cli.main(["test", "shelf.yaml"]) == 0
    assert "passed" in capsys.readouterr().out


def test_the_example_fails_as_the_page_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The shown output is the output."""
    (folder / "shelf.cases.yaml").write_text(CASES.replace("author: {name: A. Lovelace}", "author: {name: A. Byron}"))

    assert cli.main(["test", "shelf.yaml"]) == 1
    assert FAILURE in capsys.readouterr().out
