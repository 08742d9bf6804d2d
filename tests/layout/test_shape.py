"""The shape of the code that reviewers would otherwise have to ask for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "syncsvc").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    """Every module opens with a docstring, has at most 300 lines and is named by what it is about."""
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)) or path.name == "__main__.py"
    assert len(text.splitlines()) <= 300
    assert not FORBIDDEN_NAMES & set(path.with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    """A function has at most 60 lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} at line {node.lineno}"


@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_every_test_says_what_a_user_can_rely_on(path: Path) -> None:
    """A test's docstring is the sentence of the manual that it proves."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{node.name} at line {node.lineno}"


def test_nothing_is_left_unfinished() -> None:
    """There is no marker of unfinished work in the package."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")

    assert [_name(path) for path in MODULES if marks.search(path.read_text())] == []


def test_every_stored_or_promised_invariant_is_named_in_the_code() -> None:
    """Each of the eleven invariants is cited where the code keeps it."""
    code = " ".join(path.read_text() for path in MODULES).lower()

    assert [number for number in range(1, 12) if not re.search(rf"invariants? {number}\b", code)] == []
