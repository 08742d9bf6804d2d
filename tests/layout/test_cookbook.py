"""The cookbook is run: every page shows its own mapping and a document that its own cases expect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from syncsvc.cases import load
from syncsvc.cases.wire import plain
from syncsvc.cli.app import app
from syncsvc.mapping import document
from syncsvc.mapping import load as load_mapping
from syncsvc.mapping.cases import beside
from syncsvc.mapping.document import Node
from syncsvc.mapping.findings import Findings, Places

FOLDER = Path(__file__).parents[2] / "docs/cookbook"
INDEX = FOLDER / "README.md"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path != INDEX)
MAPPINGS = sorted(path for path in FOLDER.glob("*.yaml") if not path.stem.endswith(".cases"))

#: What users draw, and the page that answers it.
SHAPES = {
    "one row to one document": "one-row",
    "embed one by foreign key at any depth": "embed-one",
    "embed many": "embed-many",
    "arrays in arrays to three levels": "nested-arrays",
    "merge child fields into the parent": "merge-fields",
    "arrays of scalars": "array-of-values",
    "maps keyed by a column": "map-by-column",
    "many to many with the junction's own columns": "many-to-many",
    "many to many without the junction's own columns": "many-to-many-plain",
    "self reference to a declared depth": "self-reference",
    "polymorphic reference": "polymorphic-reference",
    "composite primary and foreign keys": "composite-keys",
    "several views from the same tables": "several-views",
    "the same table in two roles of one document": "two-roles",
    "tables from two databases": "two-databases",
    "tables from two servers": "two-servers",
    "computed fields": "computed-fields",
    "row filters with exit": "row-filters",
    "sorted and top-N lists with a total": "top-n",
    "field-owned writes": "field-owned-writes",
    "parent deletes and cascades": "parent-deletes",
    "a document that grows without bound": "growing-documents",
}


def _name(path: Path) -> str:
    return path.stem


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def _value(node: Node | None) -> Any:
    """What a YAML (or JSON) value says, digit by digit: `12.30` is not `12.3`."""
    match node:
        case document.Entries(entries=entries):
            return {key.text: _value(value) for key, value in entries}
        case document.Items(items=items):
            return [_value(item) for item in items]
        case document.Scalar(kind="number"):
            return ("number", node.text)
        case None:
            return None
    return plain(node)


def _expected(mapping: Path) -> Iterator[Any]:
    """Every document that a case of the mapping expects."""
    for case in load(beside(mapping), load_mapping(mapping)):
        for found in case.rounds:
            for documents in found.expect.values():
                yield from map(_value, documents)


def _kinds(mapping: Path) -> set[str]:
    """What the changes in the cases are: `insert`, `update`, …, and `null` where one sets a null."""
    found: set[str] = set()
    for case in load(beside(mapping), load_mapping(mapping)):
        for step in (step for one in case.rounds for step in one.given):
            found.add(step.kind)
            if any(value.sent is None for value in step.row.values()):
                found.add("null")
    return found


def test_every_shape_has_a_page_a_mapping_and_cases() -> None:
    """No shape is without an example, and no example without a shape."""
    names = set(SHAPES.values())

    assert len(names) == len(SHAPES)
    assert {page.stem for page in PAGES} == names
    assert {mapping.stem for mapping in MAPPINGS} == names
    assert [mapping.stem for mapping in MAPPINGS if not beside(mapping).exists()] == []


def test_the_index_leads_to_every_page_once() -> None:
    """The cookbook's first page has one line for each shape."""
    named = re.findall(r"^- \[[^\]]+\]\(([\w-]+)\.md\): ", INDEX.read_text(), re.MULTILINE)

    assert sorted(named) == sorted(page.stem for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_page_shows_its_mapping_as_it_is(page: Path) -> None:
    """What a reader copies from the page is the mapping whose cases pass."""
    assert page.with_suffix(".yaml").read_text() in _blocks(page, "yaml")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_document_on_a_page_is_one_that_the_cases_expect(page: Path) -> None:
    """A page shows at least one document, and none that the mapping does not make."""
    shown = [_value(document.parse(block, Findings(Places(page.name)))) for block in _blocks(page, "json")]
    expected = list(_expected(page.with_suffix(".yaml")))

    assert shown
    assert [one for one in shown if one not in expected] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_page_can_be_read_at_one_sitting(page: Path) -> None:
    """A page has 60 to 120 lines, says what happens on change, and where to go from there."""
    text = page.read_text()

    assert 60 <= len(text.splitlines()) <= 120
    assert "## What happens on change" in text
    assert "## Limits and neighbours" in text


@pytest.mark.parametrize("mapping", MAPPINGS, ids=_name)
def test_a_mapping_of_the_cookbook_is_accepted(mapping: Path) -> None:
    """`syncsvc validate` has nothing to say about it."""
    result = CliRunner().invoke(app, ["validate", str(mapping)])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("mapping", MAPPINGS, ids=_name)
def test_the_cases_of_the_cookbook_pass(mapping: Path) -> None:
    """`syncsvc test` passes, at least one case in any order of the changes."""
    result = CliRunner().invoke(app, ["test", str(mapping)])

    assert result.exit_code == 0, result.output
    assert any(case.in_any_order for case in load(beside(mapping), load_mapping(mapping)))


@pytest.mark.parametrize("mapping", MAPPINGS, ids=_name)
def test_the_cases_show_what_happens_on_change(mapping: Path) -> None:
    """Each shape is shown under inserts, updates, deletes and nulls, not only as it stands."""
    assert {"insert", "update", "delete", "null"} <= _kinds(mapping)
