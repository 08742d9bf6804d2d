"""The page about the mapping file: its tables are those of the declaration, its examples load."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from syncsvc.mapping import load_text
from syncsvc.mapping.declaration import SECTIONS
from tests.mapping import mapping_page

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMON, *EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def with_common(example: str) -> str:
    """A whole file: the example, and of the first block what it needs."""
    common: dict[str, Any] = YAML(typ="safe", pure=True).load(COMMON)
    tables = {name: table for name, table in common["tables"].items() if re.search(rf"{re.escape(name)}\b", example)}
    return f"{example}source: {json.dumps(common['source'])}\ntables: {json.dumps(tables)}\n"


def test_a_page_without_the_marks_is_refused() -> None:
    """Nothing is written over what a person wrote."""
    with pytest.raises(ValueError, match="keys: begin"):
        mapping_page.updated(f"# Page\n{mapping_page.END}\n")


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_page_loads(example: str) -> None:
    """With the tables that stand above all of them."""
    assert load_text(with_common(example), "mapping.md").name


def test_every_key_of_the_language_has_an_example() -> None:
    """But those that need no more than their sentence."""
    plain = {
        "generation", "partitions", "source_partitions", "freshness_objective_seconds", "topic_prefix", "source",
        "tables", "collection", "identity", "key", "columns", "to",
    }  # fmt: skip
    named = {key.name for keys in SECTIONS.values() for key in keys.keys}

    assert {name for name in named - plain if not re.search(rf"\b{name}:", "".join(EXAMPLES))} == set()


@pytest.mark.parametrize("keys", SECTIONS.values(), ids=list(SECTIONS))
def test_every_key_is_told_in_one_sentence(keys: Any) -> None:
    """It begins with a capital letter and ends with a full stop; a sentence for an editor is not a page."""
    for key in keys.keys:
        assert re.fullmatch(r"[A-Z`a-z].{5,130}\.", key.description), key.name
        assert key.description not in {other.description for other in keys.keys if other is not key}
