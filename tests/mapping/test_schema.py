"""The JSON Schema that editors complete and check a mapping with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from syncsvc.mapping import json_schema
from syncsvc.mapping.declaration import SECTIONS
from tests.mapping.texts import HEADS, ORDERS, PIPELINES, broken, problems_of, with_tables


def errors_of(text: str) -> list[str]:
    """What an editor would underline, as messages."""
    # As editors do, which take every key for a text.
    value: Any = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))
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
        pytest.param("    many: shop.line", "    many: shop.line\n    merge: true", id="merge of a list"),
        pytest.param("    many: shop.line", "    many: shop.line\n    limit: 0", id="limit of nothing"),
        pytest.param("    many: shop.line", "    many: shop.line\n    depth: 9", id="too deep"),
        pytest.param("    many: shop.line", "    many: shop.line\n    switch: a", id="switch and many"),
        pytest.param("    many: shop.line", "    many: shop.line\n    cases: {a: {one: a.b, on: a, fields: [a]}}",
                     id="cases without a switch"),
        pytest.param("        on: product_id", "        on: product_id\n        merge: yes", id="yes is a text"),
        pytest.param("        fields: [name]\n", "", id="an element without content"),
        pytest.param("{count: lines}", "[lines]", id="a list for an expression"),
        pytest.param("{count: lines}", "''", id="an empty expression"),
        pytest.param("root:", "write: add\nroot:", id="misspelt choice"),
    ],
)  # fmt: skip
def test_a_mistake_that_the_loader_tells_is_also_seen_by_an_editor(old: str, new: str) -> None:
    """What concerns the form of a key is the same in both, because both come from one declaration."""
    assert errors_of(ORDERS) == []
    assert errors_of(broken(old, new)) != []
    assert problems_of(broken(old, new)) != []


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_whatever_shape_loads_is_valid_in_an_editor(head: str) -> None:
    """No option, no relation and no expression is underlined that the loader takes."""
    text = with_tables(head)

    assert problems_of(text) == []
    assert errors_of(text) == []


SWITCH = "    switch: status\n    cases: {a: {one: shop.product, on: total, fields: [name]}}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("    on: order_id\n", "", id="relation without on"),
        pytest.param("    many: shop.line\n    on: order_id\n    fields: [id, amount]", "    switch: status",
                     id="switch without cases"),
        pytest.param("    many: shop.line\n    on: order_id\n    fields: [id, amount]", SWITCH,
                     id="a relation beside the cases"),
        pytest.param("        one: shop.product", "        switch: order_id\n        cases: {}", id="no case"),
    ],
)  # fmt: skip
def test_what_a_relation_needs_is_asked_by_an_editor_too(old: str, new: str) -> None:
    """Keys that belong to one kind of relation."""
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
