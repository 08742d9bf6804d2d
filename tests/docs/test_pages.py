"""Pages that are made from the code are up to date, and name everything that the code has."""

from __future__ import annotations

import re

import pytest

from syncsvc import settings
from tests.docs import cli_page, errors_page, pages, settings_page


@pytest.mark.parametrize("name", pages.made())
def test_a_page_that_is_made_from_the_code_is_up_to_date(name: str) -> None:
    """What a reader finds is what this version does.  After a change of the code: make pages."""
    module = pages.made()[name]

    assert module.PAGE.read_text(encoding="utf-8") == module.page()


def test_only_pages_that_changed_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    """`make pages` says what it changed, and a name that is no page is refused with those that are."""
    assert pages.main([]) == 0
    assert capsys.readouterr().out == ""
    assert pages.main(["errors", "nothing"]) == 2
    assert "errors" in capsys.readouterr().err


def test_every_code_that_a_user_may_meet_is_on_the_page() -> None:
    """No text in the package that is a code is missing, and every code has its row, once."""
    found = errors_page.entries()
    rows = re.findall(r'^\| <a id="([\w.]+)"></a>', errors_page.page(), re.MULTILINE)

    assert len(found) > 150
    assert errors_page.literals({entry.family for entry in found.values()}) - set(found) == set()
    assert sorted(rows) == sorted(found)


def test_every_code_says_what_to_do() -> None:
    """Nobody is left with a code alone."""
    rows = re.findall(r"^\| <a id=.*$", errors_page.page(), re.MULTILINE)

    assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []


@pytest.mark.parametrize(
    ("code", "exit_", "what", "fix"),
    [
        ("mapping.unknown_key", "2", "has no key", "did you mean"),
        ("mongo.no_transactions", "4", "standalone", "rs.initiate()"),
        ("log.records_lost", "3", "records not yet read were deleted", "raise"),
        ("change.null_key", "parked", "a column of the primary key is null", "syncsvc parked retry"),
        ("init.fan_out", "warning", "rows for each", "look at it"),
    ],
)
def test_a_code_is_told_as_the_code_tells_it(code: str, exit_: str, what: str, fix: str) -> None:
    """Samples of each kind: a file, a server, drift, what is parked, a warning."""
    (row,) = re.findall(rf'^\| <a id="{re.escape(code)}">.*$', errors_page.page(), re.MULTILINE)
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[2:-1]]

    assert (cells[0], what in cells[1], fix in cells[2]) == (exit_, True, True), row


def test_every_setting_has_its_line() -> None:
    """With its reason, in the order of the code."""
    named = re.findall(r'<a id="(SYNCSVC_\w+)">', settings_page.page())

    assert named == [settings.PREFIX + name.upper() for name in settings.Settings.__dataclass_fields__]


def test_every_command_is_on_the_page_with_its_help() -> None:
    """Those of groups too."""
    page = cli_page.page()

    assert {"init", "run", "dev up", "parked retry"} <= set(cli_page.commands())
    assert [name for name in cli_page.commands() if f"Usage: syncsvc {name} [OPTIONS]" not in page] == []
