"""Pages that are made from the code are up to date, and name everything that the code has."""

from __future__ import annotations

import re

import pytest

from syncsvc import settings
from tests.docs import cli_page, errors_page, settings_page


def test_the_page_of_errors_is_up_to_date() -> None:
    """After a change of a problem: python -m tests.docs.errors_page."""
    assert errors_page.PAGE.read_text(encoding="utf-8") == errors_page.page()


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


def test_the_page_of_settings_is_up_to_date() -> None:
    """After a change of a setting: python -m tests.docs.settings_page."""
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


def test_every_setting_has_its_line() -> None:
    """With its reason, in the order of the code."""
    named = re.findall(r'<a id="(SYNCSVC_\w+)">', settings_page.page())

    assert named == [settings.PREFIX + name.upper() for name in settings.Settings.__dataclass_fields__]


def test_the_page_of_commands_is_up_to_date() -> None:
    """After a change of a command or option: python -m tests.docs.cli_page."""
    assert cli_page.PAGE.read_text(encoding="utf-8") == cli_page.page()


def test_every_command_is_on_the_page_with_its_help() -> None:
    """Those of groups too."""
    page = cli_page.page()

    assert {"init", "run", "dev up", "parked retry"} <= set(cli_page.commands())
    assert [name for name in cli_page.commands() if f"Usage: syncsvc {name} [OPTIONS]" not in page] == []
