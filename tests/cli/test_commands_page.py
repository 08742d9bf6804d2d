"""docs/commands.md has every command, every option and every check of `doctor`, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli import commands_page
from tests.source import page

ROOT = Path(__file__).parents[2]
TEXT = page.PAGE.read_text()
_CHECK = re.compile(r'"((?:source|connector|kafka|mongo|local)\.[a-z_]+)"')


_SHOWN = [
    line.removeprefix("$ syncsvc ").split()
    for block in page.blocks("console")
    for line in block.splitlines()
    if line.startswith("$ syncsvc ")
]


@pytest.mark.parametrize("words", _SHOWN, ids=" ".join)
def test_a_command_on_the_page_can_be_given_like_that(words: list[str]) -> None:
    """Its name and all its options exist."""
    known = dict(commands_page.commands())
    if words[0].startswith("-"):
        assert words[0] in ("--install-completion", "--show-completion")
        return
    name = words[0] if words[0] in known else " ".join(words[:2])
    options = {option for one in known[name].params for option in one.opts}

    assert {word for word in words if word.startswith("-")} <= options


def test_every_check_of_doctor_is_on_the_page() -> None:
    """With what it means, one line each; and no line is about a check that is gone."""
    files = (ROOT / "syncsvc" / "doctor").glob("*.py")
    made = {name for file in files for name in _CHECK.findall(file.read_text())} - {"connector.class"}  # a setting
    shown = set(re.findall(r"^\| `((?:source|connector|kafka|mongo|local)\.[a-z_]+)`", TEXT, re.MULTILINE))

    assert shown == made
