"""Completion in a shell: commands, their options and subcommands, and files where a file is meant."""

from __future__ import annotations

import pytest

from tests.cli.conftest import spawn


def completed(line: str) -> list[str]:
    """What bash is told for a line with the cursor at its end."""
    words = line.split(" ")
    outcome = spawn(
        env={"_SYNCSVC_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome.out.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("syncsvc sta", ["status"]),
        ("syncsvc d", ["dev", "demo", "doctor"]),
        ("syncsvc parked ", ["list", "show", "retry", "skip"]),
        ("syncsvc status --w", ["--watch"]),
        ("syncsvc apply --y", ["--yes"]),
        ("syncsvc plan x.yaml --output ", ["table", "json"]),
    ],
)
def test_commands_options_and_choices_are_completed(line: str, words: list[str]) -> None:
    """As docs/commands.md promises."""
    assert sorted(completed(line)) == sorted(words)


def test_a_file_is_left_to_the_shell() -> None:
    """Nothing is proposed where a file is meant, and the script tells bash to complete files then."""
    assert completed("syncsvc doctor pipe") == []
    assert "complete -o default" in spawn("--show-completion", "bash").out
