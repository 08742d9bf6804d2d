"""
The tree of a file against the declared keys: plain values by key, and everything that is not as declared.

Second step of `load`, after `document`.  Driven by `declaration.SECTIONS`, so a key is known here exactly if it is
declared.  Reads on after a problem: what is missing or wrong is absent from the result, what is not written has its
default, and the checks that follow skip what is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from syncsvc.mapping import document, values
from syncsvc.mapping.declaration import SECTIONS, Key, Keys
from syncsvc.mapping.document import Entries, Node, Scalar
from syncsvc.mapping.findings import Findings, Path, nearest, quoted, suggestion
from syncsvc.mapping.shapes import Named, Section, Shape, Text

#: `{key: value}` of a section: text, number, expression, columns, fields, order, types, section or
#: `{name: section}`.
Read = dict[str, Any]

#: How a message calls one of several sections under names of the user's choice.
_SINGULAR = {"embed": "embed", "computed": "computed", "tables": "table", "cases": "case", "views": "view"}


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
    for name, value in _whole(node):
        findings.places.keys[(*path, name.text)] = name.place
        findings.places.values[(*path, name.text)] = value.place
        key = keys.find(name.text)
        if key is not None:
            written[key.name] = _value(value, key.shape, (*path, key.name), findings)
            continue
        misspelt.add(_unknown(name, keys, path, findings))
    _find_missing(written, misspelt, keys, path, findings)
    defaults = {key.name: key.default for key in keys.keys if key.default is not None}
    return defaults | {name: value for name, value in written.items() if value is not None}


def _whole(node: Entries) -> Iterator[tuple[Scalar, Node]]:
    """The entries, without the rest of an expression that a comma in `{…}` tore apart: said once, at its beginning."""
    is_torn = False
    for name, value in node.entries:
        if is_torn and isinstance(value, Scalar) and value.kind == "nothing":
            is_torn = ")" not in name.text
            continue
        is_torn = values.is_torn(value)
        yield name, value


def _unknown(name: Scalar, keys: Keys, path: Path, findings: Findings) -> str:
    """Reports a key that is not declared; the one that was meant, or ""."""
    if name.text in keys.refused:
        refused = keys.refused[name.text]
        what = f'{_named(path)} cannot have {quoted(name.text)}: {refused.why}'
        fix = f"write {refused.instead}" if refused.instead else "remove it"
        findings.add(name.place, "mapping.not_allowed", what, fix)
        return refused.instead
    names = [known.name for known in keys.keys]
    what = f'{_named(path)} has no key {quoted(name.text)}'
    findings.add(name.place, "mapping.unknown_key", what, suggestion(name.text, names, "remove it"))
    return nearest(name.text, names) or ""


def _find_missing(written: Read, misspelt: set[str], keys: Keys, path: Path, findings: Findings) -> None:
    """Required, exclusive and dependent keys; a key that is only misspelt is not reported again as missing."""
    place = findings.places.of_key(path)
    chosen = _find_exclusive(written, misspelt, keys, path, findings)
    for key in keys.keys:
        needed = key.required or (len(chosen) == 1 and chosen[0] in key.required_with)
        if needed and key.name not in written and key.name not in misspelt:
            fix = f"add  {key.name}: …  ({key.description})"
            findings.add(place, "mapping.missing_key", f'{_named(path)} has no "{key.name}"', fix)
    clear = bool(chosen) or not keys.exactly_one
    for key in keys.keys:
        # Where nothing was chosen, that is what is wrong; a misspelt key may be the one it belongs to.
        if key.name in written and not _belongs(key, written) and clear and not misspelt & set(keys.exactly_one):
            where = findings.places.of_key((*path, key.name))
            alternatives = " or ".join(f'"{name}"' for name in key.only_with)
            what = f'"{key.name}" only belongs to {alternatives}'
            findings.add(where, "mapping.not_allowed", what, f"remove it, or use {alternatives}")
    _find_shown(written, misspelt, keys, path, findings)


def _belongs(key: Key, written: Read) -> bool:
    return not key.only_with or any(name in written for name in key.only_with)


def _find_exclusive(written: Read, misspelt: set[str], keys: Keys, path: Path, findings: Findings) -> list[str]:
    """Those of `exactly_one` that are written."""
    chosen = [name for name in keys.exactly_one if name in written]
    if len(chosen) > 1:
        where = findings.places.of_key((*path, chosen[1]))
        what = f"{_named(path)} has both " + " and ".join(f'"{name}"' for name in chosen)
        findings.add(where, "mapping.not_allowed", what, "keep one of them")
    if keys.exactly_one and not chosen and not misspelt & set(keys.exactly_one):
        alternatives = " or ".join(f'"{name}"' for name in keys.exactly_one)
        fix = f"add  {keys.exactly_one[0]}: database.table"
        findings.add(findings.places.of_key(path), "mapping.missing_key", f"{_named(path)} has no {alternatives}", fix)
    return chosen


def _find_shown(written: Read, misspelt: set[str], keys: Keys, path: Path, findings: Findings) -> None:
    """At least one of the keys that show something; not asked of a section whose other keys are not clear."""
    shows = [key for key in keys.keys if key.name in keys.at_least_one and _belongs(key, written)]
    if not shows or misspelt & set(keys.at_least_one) or any(key.name in written for key in shows):
        return
    what = f"{_named(path)} shows nothing: it has no " + " and no ".join(f'"{key.name}"' for key in shows)
    findings.add(findings.places.of_key(path), "mapping.missing_key", what, f"add  {shows[0].name}: [column, …]")


def _value(node: Node, shape: Shape, path: Path, findings: Findings) -> Any:
    if isinstance(shape, Section):
        return _section(node, SECTIONS[shape.name], path, findings)
    if isinstance(shape, Named):
        return _named_sections(node, shape, path, findings)
    return values.read(node, shape, path, findings)


def _named_sections(node: Node, shape: Named, path: Path, findings: Findings) -> dict[str, Read]:
    if not isinstance(node, Entries) or (shape.not_empty and not node.entries):
        what = f"{_named(path)} must be  name: …  pairs, not {values.seen(node)}"
        findings.add(node.place, "mapping.bad_value", what, f"write one entry a name, or remove {path[-1]}")
        return {}
    sections: dict[str, Read] = {}
    for name, value in _whole(node):
        findings.places.keys[(*path, name.text)] = name.place
        findings.places.values[(*path, name.text)] = value.place
        if not _allowed(name, shape.key):
            what = f"{quoted(name.text)} cannot be a name in {_named(path)}"
            most = shape.key.most_characters
            limit = f", of at most {most} characters" if len(name.text) > most else ""
            findings.add(name.place, "mapping.bad_value", what, f"use {shape.key.wording}{limit}")
        sections[name.text] = _entry(value, shape, (*path, name.text), findings)
    return sections


def _entry(node: Node, shape: Named, path: Path, findings: Findings) -> Any:
    """A section, or the value that stands in place of it: `{}` after a problem."""
    if shape.short is not None and not isinstance(node, Entries):
        return values.read(node, shape.short, path, findings) or {}
    return _section(node, SECTIONS[shape.section], path, findings)


def _allowed(name: Scalar, shape: Text) -> bool:
    return len(name.text) <= shape.most_characters and re.fullmatch(shape.pattern, name.text) is not None


def _named(path: Path) -> str:
    """How a message calls what stands at `path`: `embed "applications"`, `root`, `the mapping`."""
    if not path:
        return "the mapping"
    if len(path) >= 2 and path[-2] in _SINGULAR:
        return f'{_SINGULAR[str(path[-2])]} "{path[-1]}"'
    return str(path[-1])
