"""
The tree of a file against the declared keys: plain values by key, and everything that is not as declared.

Second step of `load`, after `document`.  Driven by `declaration.SECTIONS`, so a key is known here exactly if it is
declared.  Reads on after a problem: what is missing or wrong is absent from the result, what is not written has its
default, and the checks that follow skip what is absent.
"""

from __future__ import annotations

import re
from typing import Any

from syncsvc.mapping import document, values
from syncsvc.mapping.declaration import SECTIONS, Keys, Named, Section, Shape, Text
from syncsvc.mapping.document import Entries, Node, Scalar
from syncsvc.mapping.findings import Findings, Path, nearest, suggestion

#: `{key: value}` of a section: text, number, columns, fields, order, types, section or `{name: section}`.
Read = dict[str, Any]


def read(text: str, findings: Findings) -> Read | None:
    """Everything the file says, or None when it is no mapping at all; problems and places go to `findings`."""
    top = document.parse(text, findings)
    if top is None:
        return None
    return _section(top, SECTIONS["pipeline"], (), findings)


def _section(node: Node, keys: Keys, path: Path, findings: Findings) -> Read:
    if not isinstance(node, Entries):
        what = f"{_named(path)} must have keys of its own, not {values.seen(node)}"
        fix = f"write  key: value  pairs, indented below it; keys: {', '.join(key.name for key in keys.keys)}"
        findings.add(node.place, "mapping.bad_value", what, fix)
        return {}
    written: Read = {}
    misspelt: set[str] = set()
    for name, value in node.entries:
        findings.places.keys[(*path, name.text)] = name.place
        findings.places.values[(*path, name.text)] = value.place
        key = keys.find(name.text)
        if key is not None:
            written[key.name] = _value(value, key.shape, (*path, key.name), findings)
            continue
        names = [known.name for known in keys.keys]
        misspelt.add(nearest(name.text, names) or "")
        what = f'{_named(path)} has no key "{name.text}"'
        findings.add(name.place, "mapping.unknown_key", what, suggestion(name.text, names, "remove it"))
    _find_missing(written, misspelt, keys, path, findings)
    defaults = {key.name: key.default for key in keys.keys if key.default is not None}
    return defaults | {name: value for name, value in written.items() if value is not None}


def _find_missing(written: Read, misspelt: set[str], keys: Keys, path: Path, findings: Findings) -> None:
    """Required, exclusive and dependent keys; a key that is only misspelt is not reported again as missing."""
    place = findings.places.of_key(path)
    for key in keys.keys:
        if key.required and key.name not in written and key.name not in misspelt:
            fix = f"add  {key.name}: …  ({key.description})"
            findings.add(place, "mapping.missing_key", f'{_named(path)} has no "{key.name}"', fix)
    _find_exclusive(written, misspelt, keys, path, findings)
    for key in keys.keys:
        if key.name in written and key.only_with and key.only_with not in written and not misspelt:
            where = findings.places.of_key((*path, key.name))
            what = f'"{key.name}" only belongs to "{key.only_with}"'
            findings.add(where, "mapping.not_allowed", what, f'remove it, or use "{key.only_with}"')


def _find_exclusive(written: Read, misspelt: set[str], keys: Keys, path: Path, findings: Findings) -> None:
    chosen = [name for name in keys.exactly_one if name in written]
    alternatives = " or ".join(f'"{name}"' for name in keys.exactly_one)
    if len(chosen) > 1:
        where = findings.places.of_key((*path, chosen[1]))
        findings.add(where, "mapping.not_allowed", f"{_named(path)} has both {alternatives}", "keep one of them")
    if keys.exactly_one and not chosen and not misspelt & set(keys.exactly_one):
        fix = f"add  {keys.exactly_one[0]}: database.table"
        findings.add(findings.places.of_key(path), "mapping.missing_key", f"{_named(path)} has no {alternatives}", fix)


def _value(node: Node, shape: Shape, path: Path, findings: Findings) -> Any:
    if isinstance(shape, Section):
        return _section(node, SECTIONS[shape.name], path, findings)
    if isinstance(shape, Named):
        return _named_sections(node, shape, path, findings)
    return values.read(node, shape, path, findings)


def _named_sections(node: Node, shape: Named, path: Path, findings: Findings) -> dict[str, Read]:
    if not isinstance(node, Entries):
        what = f"{_named(path)} must be  name: …  pairs, not {values.seen(node)}"
        findings.add(node.place, "mapping.bad_value", what, f"write one entry a name, or remove {path[-1]}")
        return {}
    sections: dict[str, Read] = {}
    for name, value in node.entries:
        findings.places.keys[(*path, name.text)] = name.place
        findings.places.values[(*path, name.text)] = value.place
        if not _allowed(name, shape.key):
            what = f'"{name.text}" cannot be a name in {_named(path)}'
            findings.add(name.place, "mapping.bad_value", what, f"use {shape.key.wording}")
        sections[name.text] = _section(value, SECTIONS[shape.section], (*path, name.text), findings)
    return sections


def _allowed(name: Scalar, shape: Text) -> bool:
    return len(name.text) <= shape.most_characters and re.fullmatch(shape.pattern, name.text) is not None


def _named(path: Path) -> str:
    """How a message calls what stands at `path`: `embed "applications"`, `root`, `the mapping`."""
    if not path:
        return "the mapping"
    if len(path) >= 2 and path[-2] in {"embed", "computed", "tables"}:
        return f'{"table" if path[-2] == "tables" else path[-2]} "{path[-1]}"'
    return str(path[-1])
