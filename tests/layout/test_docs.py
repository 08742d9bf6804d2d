"""Documents that can drift are failing tests: blocks of the README are run or loaded, names and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from syncsvc.cli.app import app
from syncsvc.mapping import load_text
from syncsvc.telemetry import verified
from syncsvc.telemetry.catalogue import catalogue
from tests.docs import pages

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


def _console_lines() -> list[str]:
    lines = [line for kind, block in BLOCKS if kind == "console" for line in block.splitlines()]
    return [line[2:].partition("#")[0].strip() for line in lines if line.startswith("$ ")]


def test_the_readme_runs_before_word_150() -> None:
    """A reader meets a command to run before 150 words."""
    before = README[: README.index("$ make demo")]

    assert len(before.split()) < 150


@pytest.mark.parametrize("text", [block for kind, block in BLOCKS if kind == "yaml"])
def test_a_mapping_in_the_readme_is_a_mapping(text: str) -> None:
    """What is shown can be used as it is."""
    assert load_text(text, "README.md").name


@pytest.mark.parametrize("line", _console_lines())
def test_a_command_in_the_readme_exists(line: str) -> None:
    """Every command line names a target of the Makefile, or a command and files that are there."""
    program, command, *rest = line.split()
    if program == "make":
        assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert program == "syncsvc"
    assert command in get_command(app).commands  # type: ignore[attr-defined]
    assert all((ROOT / name).exists() for name in rest if "/" in name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    """A relative link names a file or folder of the repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_metric_to_alert_on_exists() -> None:
    """The metrics that documents name are in the catalogue."""
    named = {name for page in PAGES for name in re.findall(r"syncsvc_[a-z_]+(?=[{`])", page.read_text())}
    known = {entry.name for entry in catalogue()} | set(verified.FAMILIES)
    names = ("generations", "collections", "fences", "parked", "workers")
    stored = {f"syncsvc_{name}" for name in names}  # collections, not metrics

    assert {name for name in named if name not in known and not name.startswith(tuple(stored))} == set()


def test_files_that_architecture_names_exist() -> None:
    """The code map and the table of invariants name packages and tests that are there."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    packages = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    names = [name for row in packages for name in re.findall(r"`(\w+)`", row)]
    tests = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", text)

    assert len(names) > 15
    assert [name for name in names if not (ROOT / "syncsvc" / name).exists()] == []
    assert [name for name in tests if not (ROOT / name).exists()] == []


def test_the_layers_of_imports_are_those_that_are_checked() -> None:
    """ARCHITECTURE.md and the contract have the same ones, in the same order."""
    layers, _, _ = (ROOT / "importlinter.ini").read_text().partition("[importlinter:contract:pure]")
    contract = re.findall(r"^    (syncsvc\.[\w.| ]+)$", layers, re.MULTILINE)
    text = (ROOT / "ARCHITECTURE.md").read_text()
    told = re.search(r"Imports go down these layers only: (.*?)\. `importlinter", text, re.DOTALL)
    assert told is not None

    assert [re.findall(r"`(\w+)(?:\.py)?`", layer) for layer in told[1].split(";")] == [
        [name.strip().removeprefix("syncsvc.") for name in layer.split("|")] for layer in contract
    ]


def test_make_pages_writes_every_page_that_is_made_from_the_code() -> None:
    """Nobody has to know which pages those are: a module of the tests that is named so makes one."""
    recipe = re.search(r"^pages:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    named = {path.stem for path in (ROOT / "tests").rglob("*_page.py") if not path.name.startswith("test_")}

    assert "-m tests.docs.pages\n" in recipe[1]
    assert {f"{name}_page" for name in pages.made()} == named
    assert all(module.PAGE.is_relative_to(ROOT / "docs") and module.page() for module in pages.made().values())
