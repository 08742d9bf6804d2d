"""The JSON Schema that editors complete and check a mapping with."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from syncsvc.mapping import json_schema
from syncsvc.mapping.declaration import SECTIONS
from tests.mapping.texts import ORDERS, PIPELINES, broken


def errors_of(text: str) -> list[str]:
    """What an editor would underline, as messages."""
    value: Any = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft202012Validator(json_schema()).iter_errors(value)]


def test_the_schema_is_a_schema() -> None:
    """Valid under draft 2020-12 itself."""
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", ["meetings.yaml", "feed.yaml"])
def test_the_example_pipelines_are_valid(name: str) -> None:
    """An editor shows no error in a file that we ship."""
    assert errors_of((PIPELINES / name).read_text()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("pipeline:", "pipelin:", id="misspelt top key"),
        pytest.param("    on: order_id", "    onn: order_id", id="misspelt key of a relation"),
        pytest.param("    many: shop.line", "    many: shop.line\n    one: shop.line", id="many and one"),
        pytest.param("        on: product_id", "        on: product_id\n        order_by: [id]", id="order of one"),
        pytest.param("    key: id", "    key: []", id="empty key"),
        pytest.param("[status, total]", "[status, {total: a.b}]", id="dot in a field name"),
        pytest.param("root:", "generation: 0\nroot:", id="generation 0"),
        pytest.param("  shop.line:", "  line:", id="table without database"),
    ],
)
def test_a_mistake_that_the_loader_tells_is_also_seen_by_an_editor(old: str, new: str) -> None:
    """What concerns the form of a key is the same in both, because both come from one declaration."""
    assert errors_of(ORDERS) == []
    assert errors_of(broken(old, new)) != []


@pytest.mark.parametrize(
    ("section", "key"),
    [pytest.param(name, key, id=f"{name}.{key.name}") for name, keys in SECTIONS.items() for key in keys.keys],
)
def test_every_key_shows_its_meaning_and_its_default_in_an_editor(section: str, key: Any) -> None:
    """Hovering over a key gives its title, one sentence, and what is used without it."""
    schema = json_schema()
    shown = (schema if section == "pipeline" else schema["$defs"][section])["properties"][key.name]

    assert shown["title"] == key.name
    assert shown["description"].startswith(key.description)
    assert shown.get("default") == key.default
    assert key.default_words in shown["description"]
