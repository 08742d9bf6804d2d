"""The schema in the hands of the language server that editors use: completion, underlining, hover."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc.mapping import json_schema
from syncsvc.mapping.declaration import SECTIONS
from tests.mapping import language_server
from tests.mapping.texts import HEADS, ORDERS, PIPELINES, with_tables

pytestmark = pytest.mark.servers

MEETINGS = (PIPELINES / "meetings.yaml").read_text()


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[language_server.LanguageServer]:
    """A language server that knows our schema; skipped, and said so, where there is no Node.js."""
    reason = language_server.missing()
    if reason is not None:
        warnings.warn(f"the schema was not tried with a language server: {reason}", stacklevel=1)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("editor")
    schema = folder / "mapping.schema.json"
    schema.write_text(json.dumps(json_schema()))
    with language_server.LanguageServer(folder, schema) as server:
        yield server


def test_completion_offers_the_keys_of_a_relation(editor: language_server.LanguageServer, tmp_path: Path) -> None:
    """Inside `applications` every key that a relation may have and does not have yet."""
    file, lines = tmp_path / "offered.yaml", MEETINGS.splitlines()
    line = next(number for number, text in enumerate(lines) if text.startswith("    order_by"))
    lines.insert(line, "    ")
    editor.diagnostics(file, "\n".join(lines))

    answer = editor.at("completion", file, line, 4)
    offered = {item["label"] for item in answer["items"]}

    assert offered >= {"limit", "map_by", "value", "where", "when", "on_parent_delete", "computed", "to"}
    assert not offered & {"many", "on", "fields"}
    assert offered <= {key.name for key in SECTIONS["embed"].keys}


def test_a_misspelt_key_is_underlined(editor: language_server.LanguageServer, tmp_path: Path) -> None:
    """With its name, at its line."""
    text = MEETINGS.replace("    order_by: [id]", "    oder_by: [id]")
    line = text[: text.index("oder_by")].count("\n")

    found = editor.diagnostics(tmp_path / "misspelt.yaml", text)

    assert any("oder_by" in item["message"] and item["range"]["start"]["line"] == line for item in found)


@pytest.mark.parametrize("number", range(len(HEADS) + 2))
def test_a_good_mapping_is_not_underlined(editor: language_server.LanguageServer, tmp_path: Path, number: int) -> None:
    """Whatever shape it has."""
    text = [MEETINGS, ORDERS, *map(with_tables, HEADS)][number]

    assert editor.diagnostics(tmp_path / f"good{number}.yaml", text) == []


def test_hovering_over_a_key_shows_its_meaning(editor: language_server.LanguageServer, tmp_path: Path) -> None:
    """The sentence of the declaration."""
    file, lines = tmp_path / "hover.yaml", MEETINGS.splitlines()
    line = next(number for number, text in enumerate(lines) if text.startswith("    order_by"))
    editor.diagnostics(file, MEETINGS)

    shown = editor.at("hover", file, line, 6)["contents"]["value"].replace("&nbsp;", " ").replace("\\", "")

    key = SECTIONS["embed"].find("order_by")
    assert key is not None
    assert key.description in shown
