"""
`docs/types.md`, made from the code and the golden events.

The prose stands in `types.md` beside this file; every table is made here, so that none can be wrong for long.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from bson import Binary, Decimal128, Int64

from syncsvc.changes import collation, columns, connector
from syncsvc.mapping import column_types
from tests.changes import golden_events, recording
from tests.changes.cases import CASES, Case

PROSE = Path(__file__).with_name("types.md")
PAGE = Path(__file__).parents[2] / "docs" / "types.md"
_LONGEST = 60  # characters of a value that is shown
_BSON = {
    bool: "bool", int: "int", Int64: "long", Decimal128: "decimal", float: "double", str: "string", bytes: "binary",
    datetime: "date", list: "array", dict: "object", Binary: "uuid",
}  # fmt: skip


_AVRO_TYPES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}


def _code(text: str) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"`{shown.replace('|', '¦').replace('`', chr(39))}`"


def _bson(case: Case) -> str:
    kinds = dict.fromkeys(_BSON[type(value)] for value in case.values.values() if value is not None)
    return " or ".join(kinds) or "null"


def _shown(value: object) -> str:
    if value is None:
        return _code("null")
    if isinstance(value, datetime):
        return _code(value.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    if isinstance(value, Binary):
        return _code(str(value.as_uuid()))
    if isinstance(value, bytes):
        return _code(value.hex() or "(empty)")
    if isinstance(value, str):
        return _code(json.dumps(value, ensure_ascii=False))
    return _code(json.dumps(value, default=str) if isinstance(value, bool | list | dict) else str(value))


def _wire(kind: str, number: int, row: int) -> tuple[str, str]:
    """What JSON has for a column in a row of the snapshot, and in the same row of the stream."""
    records, _ = golden_events.read(kind, "plain")
    half = len(records) // 2
    images = [json.loads(records[place].value)["after"] for place in (row, half + row)]
    one, other = (json.dumps(image[f"c{number}"], ensure_ascii=False) for image in images)
    return one, other


def _schemas(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Types of the row's columns: as Connect's JSON schema and as Avro has them."""
    records, _ = golden_events.read(kind, "schemas")
    envelope = json.loads(records[0].value)["schema"]["fields"]
    connect = {field["field"]: field for field in envelope[0]["fields"]}
    _, schemas = golden_events.read(kind, "avro")
    rows = [field for schema in schemas.values() for field in json.loads(schema)["fields"] if field["name"] == "before"]
    avro = {field["name"]: field["type"] for field in rows[0]["type"][1]["fields"]}
    return connect, avro


def _connect_type(field: dict[str, Any]) -> str:
    name = str(field.get("name", "")).rpartition(".")[2]
    return f"{field['type']} {name}".strip()


def _avro_type(kind: Any) -> str:
    if isinstance(kind, list):
        return _avro_type(next(part for part in kind if part != "null"))
    if isinstance(kind, dict):
        return str(kind["type"])
    return kind if kind in _AVRO_TYPES else "record"  # the name of one that stood before


def types_table(kind: str) -> list[str]:
    """A line for each value of each column of a server."""
    cases = [case for case in CASES if case.only in ("", kind)]
    connect, avro = _schemas(kind)
    lines = [
        "| in the mapping | BSON | SQL | JSON on the wire | becomes | Connect schema | Avro |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, case in enumerate(cases):
        schema = (_code(_connect_type(connect[f"c{number}"])), _code(_avro_type(avro[f"c{number}"])))
        for row, (sql, value) in enumerate(case.values.items()):
            one, other = _wire(kind, number, row)
            wire = _code(one) if one == other else f"{_code(one)}, in the stream {_code(other)}"
            first = (_code(case.text + case.default), _bson(case)) if row == 0 else ("", "")
            last = schema if row == 0 else ("", "")
            lines.append(f"| {' | '.join((*first, _code(sql), wire, _shown(value), *last))} |")
    return lines


def refused_table() -> list[str]:
    """Types that no mapping can carry, with the reason."""
    lines = ["| type | why it is refused |", "|---|---|"]
    return lines + [f"| `{name}` | {why} |" for name, why in sorted(columns._WHY_REFUSED.items())]


def settings_table() -> list[str]:
    """Settings of the connector that bear on values."""
    written = dict(connector._EXACT)
    for side in ("key.converter", "value.converter"):
        written |= {side + name: value for name, value in connector._CONVERTER.items()}
    lines = ["| setting | by itself | read here | `apply` writes | otherwise |", "|---|---|---|---|---|"]
    for rule in connector._RULES:
        good = ", ".join(_code(value) for value in rule.good)
        writes = _code(written[rule.setting]) if rule.setting in written else "nothing: its own default is good"
        lines.append(f"| `{rule.setting}` | {_code(rule.default)} | {good} | {writes} | {rule.harm} |")
    for converter, (setting, default, good) in connector._NULLS.items():
        name = converter.rpartition(".")[2]
        where = f"`….converter.{setting}` of {name}"
        writes = _code(good) if converter == connector._JSON else "nothing"
        lines.append(f"| {where} | {_code(default)} | {_code(good)} | {writes} | NULL becomes the column's default |")
    return lines


def carried_types() -> set[str]:
    """Names of the types that some column can have."""
    names = {*column_types.KNOWN_TYPES, *columns._FIXED} - {"bool", "serial", "geomcollection"}
    arguments = {"decimal": "(10,2)", "enum": "('a')", "set": "('a')", "vector": "(3)"}
    refused = set(columns._WHY_REFUSED)
    return {name for name in names - refused if columns._forms(columns.read(name + arguments.get(name, "")))}


def collations_table() -> list[str]:
    """Collations whose keys can be folded."""
    lines = ["| collation | pads | how texts are compared |", "|---|---|---|"]
    return lines + [
        f"| `{name}` | {'yes' if known.pads else 'no'} | {known.compares} |"
        for name, known in sorted(collation.SUPPORTED.items())
        if not name.startswith("utf8_")
    ]


def page() -> str:
    """The page as it should be."""
    tables = {
        "settings": settings_table(),
        "refused": refused_table(),
        "collations": collations_table(),
    } | {kind: types_table(kind) for kind in recording.SERVERS}
    text = PROSE.read_text()
    for name, lines in tables.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines))
    return text
