"""`syncsvc preview` without a server: what it refuses before it asks one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", "mysql://user:secret@127.0.0.1:1/meetup")


def test_a_key_that_cannot_be_one_is_told_before_the_source_is_asked(run: Run, file: Path) -> None:
    """Exit code 2."""
    outcome = run("preview", file, "--key", "first", "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["key.bad_value"])


@pytest.mark.parametrize(("rows", "bound"), [(0, "1"), (1_000_001, "1000000"), (10**30, "1000000")])
def test_how_many_rows_may_be_read_has_bounds(run: Run, file: Path, rows: int, bound: str) -> None:
    """Told with the option and the bound before the source is asked: rows are held in memory."""
    outcome = run("preview", file, "--key", 1, "--rows", rows, "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["usage.wrong"])
    assert "'--rows'" in outcome.json["problems"][0]["what"]
    assert bound in outcome.json["problems"][0]["what"]


def test_a_source_that_does_not_answer_ends_with_4(run: Run, file: Path) -> None:
    """And its password is not shown."""
    outcome = run("preview", file, "--key", 1)

    assert outcome.code == 4
    assert "secret" not in outcome.err


@pytest.mark.parametrize("command", ["preview", "explain"])
def test_a_collection_that_the_file_does_not_make_is_told(run: Run, file: Path, command: str) -> None:
    """With those that it makes."""
    outcome = run(command, file, "--key", 1, "--collection", "users", "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["usage.unknown_collection"])
    assert "meetings" in outcome.json["problems"][0]["fix"]
