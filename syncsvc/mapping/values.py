"""
One written value against its declared shape: text, choice, number, expression, columns, fields, order, types.

The leaves of `reading`.  A value that does not fit is reported at its own place and read as None; nothing is guessed
or converted: a number is not taken for a text, an empty value not for a default.
"""

from __future__ import annotations

import math
import re
from typing import Any

from syncsvc.expressions import Expression, ExpressionError, parse
from syncsvc.mapping import column_types, letters
from syncsvc.mapping.declaration import COLUMN, FIELD
from syncsvc.mapping.document import Entries, Items, Node, Scalar
from syncsvc.mapping.findings import Findings, Path, nearest, quoted, suggestion
from syncsvc.mapping.model import Field, OrderTerm
from syncsvc.mapping.shapes import (
    Choice,
    Columns,
    Fields,
    Flag,
    Formula,
    Order,
    Positive,
    Shape,
    Text,
    Types,
    Whole,
)

_DECIMAL = re.compile(r"\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
#: 10 to a reader of YAML 1.2 and 8 to one of YAML 1.1, which many editors and templates are.
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_ORDER = re.compile(r"(?P<column>\S(?:.*\S)?)\s+(?P<direction>asc|desc)", re.IGNORECASE | re.DOTALL)


def seen(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, Scalar):
        return "an empty value" if node.kind == "nothing" else quoted(node.text)
    if isinstance(node, Entries) and not node.entries:
        return "{} without content"
    return "a list" if isinstance(node, Items) else "key: value pairs"


def read(node: Node, shape: Shape, path: Path, findings: Findings) -> Any:
    """
    The value in the form the model uses, or None after a problem.

    Text and choice: str.  Whole: int.  Flag: bool.  Positive: float.  Formula: `Expression`.  Columns: tuple of str.
    Fields: tuple of `Field`.  Order: tuple of `OrderTerm`.  Types: `{column: canonical type}`, with "" for a type that
    is wrong.
    """
    match shape:
        case Text():
            return _text(node, shape, str(path[-1]), findings)
        case Choice():
            return _choice(node, shape, path, findings)
        case Whole():
            return _whole(node, shape, path, findings)
        case Flag():
            return _flag(node, path, findings)
        case Positive():
            return _positive(node, path, findings)
        case Formula():
            return _formula(node, shape, path, findings)
        case Columns():
            return _listed(node, path, findings)
        case Fields():
            return _fields(node, path, findings)
        case Order():
            terms = _listed(node, path, findings)
            return None if terms is None else tuple(_order_term(term) for term in terms)
        case Types():
            return _types(node, path, findings)
    raise AssertionError(f"{shape} is not a leaf")


def _bad(node: Node, name: str, wording: str, fix: str, findings: Findings) -> None:
    findings.add(node.place, "mapping.bad_value", f"{name} must be {wording}, not {seen(node)}", fix)


def _text(node: Node, shape: Text, name: str, findings: Findings) -> str | None:
    if isinstance(node, Scalar) and node.kind in {"whole", "number", "flag"}:
        _bad(node, name, "text", f'put it in quotes: "{node.text}"', findings)
        return None
    fits = isinstance(node, Scalar) and node.kind == "text" and len(node.text) <= shape.most_characters
    if not isinstance(node, Scalar) or not fits or not re.fullmatch(shape.pattern, node.text):
        _bad(node, name, shape.wording, f"use {shape.wording}", findings)
        return None
    return node.text


def _choice(node: Node, shape: Choice, path: Path, findings: Findings) -> str | None:
    if isinstance(node, Scalar) and node.text in shape.words:
        return node.text
    fix = suggestion(node.text if isinstance(node, Scalar) else "", shape.words, "remove it")
    _bad(node, str(path[-1]), " or ".join(shape.words), fix, findings)
    return None


def _whole(node: Node, shape: Whole, path: Path, findings: Findings) -> int | None:
    if isinstance(node, Scalar) and node.kind == "whole" and _OCTAL.fullmatch(node.text):
        wording = "a number that all readers of YAML take alike"
        _bad(node, str(path[-1]), wording, "write it without 0 in front", findings)
        return None
    if isinstance(node, Scalar) and node.kind == "whole" and shape.least <= int(node.text) <= shape.most:
        return int(node.text)
    wording = f"a whole number from {shape.least} to {shape.most}"
    _bad(node, str(path[-1]), wording, f"use {wording}", findings)
    return None


def _flag(node: Node, path: Path, findings: Findings) -> bool | None:
    if isinstance(node, Scalar) and node.kind == "flag":
        return node.text.lower() == "true"
    _bad(node, str(path[-1]), "true or false", "use true or false", findings)
    return None


def _formula(node: Node, shape: Formula, path: Path, findings: Findings) -> Expression | None:
    """Also a bare number or truth value, which YAML tells from text and an expression does not."""
    fits = isinstance(node, Scalar) and node.kind != "nothing" and 0 < len(node.text) <= shape.most_characters
    if not isinstance(node, Scalar) or not fits:
        wording = f"an expression, at most {shape.most_characters} characters"
        _bad(node, str(path[-1]), wording, f"write  {path[-1]}: expression", findings)
        return None
    findings.places.texts[path] = node.text
    found = letters.places(node.raw, node.text, node.place)
    if found is not None:
        findings.places.letters[path] = found
    try:
        return parse(node.text)
    except ExpressionError as error:
        fix = 'put it in quotes, a comma inside {…} ends a value: "…"' if is_torn(node) else error.fix
        findings.add(findings.places.of_letter(path, error.at), "mapping.bad_expression", error.what, fix)
        return None


def is_torn(node: Node) -> bool:
    """Whether a text without quotes ends in the middle of its parentheses: a comma in `{…}` tore it apart."""
    is_plain = isinstance(node, Scalar) and node.kind == "text" and not node.raw.startswith(("'", '"', "|", ">"))
    return is_plain and isinstance(node, Scalar) and node.text.count("(") > node.text.count(")")


def _positive(node: Node, path: Path, findings: Findings) -> float | None:
    if isinstance(node, Scalar) and node.kind in {"whole", "number"} and _DECIMAL.fullmatch(node.text):
        number = float(node.text)
        if 0 < number < math.inf:
            return number
    _bad(node, str(path[-1]), "a number above 0", "use a number above 0, for example 5", findings)
    return None


def _listed(node: Node, path: Path, findings: Findings) -> tuple[str, ...] | None:
    """Column texts of a list, or of a single text; None when one of them is wrong."""
    findings.places.values[path] = node.place
    items = node.items if isinstance(node, Items) else (node,) if isinstance(node, Scalar) else ()
    if not items:
        _bad(node, str(path[-1]), "a column or a list of columns", "name at least one column", findings)
        return None
    texts = []
    for index, item in enumerate(items):
        findings.places.keys[(*path, index)] = findings.places.values[(*path, index)] = item.place
        texts.append(_text(item, COLUMN, f"{path[-1]}[{index}]", findings))
    return None if None in texts else tuple(text for text in texts if text is not None)


def _order_term(text: str) -> OrderTerm:
    term = _ORDER.fullmatch(text)
    return OrderTerm(term["column"], term["direction"].lower() == "desc") if term else OrderTerm(text)


def _fields(node: Node, path: Path, findings: Findings) -> tuple[Field, ...] | None:
    if not isinstance(node, Items) or not node.items:
        _bad(node, str(path[-1]), "a list of columns", "write  fields: [column, {column: new_name}]", findings)
        return None
    fields = []
    for index, item in enumerate(node.items):
        findings.places.keys[(*path, index)] = findings.places.values[(*path, index)] = item.place
        fields.append(_field(item, f"{path[-1]}[{index}]", findings))
    # A wrong field leaves a gap, so that the others keep their index and are still checked.
    return tuple(Field("", "") if field is None else field for field in fields)


def _field(node: Node, name: str, findings: Findings) -> Field | None:
    if isinstance(node, Entries) and len(node.entries) == 1:
        column, shown = node.entries[0]
        renamed = _text(shown, FIELD, f'the name of "{column.text}" in the document', findings)
        return None if renamed is None else Field(column.text, renamed)
    if not isinstance(node, Scalar):
        _bad(node, name, "a column or {column: new_name}", "write  column  or  {column: new_name}", findings)
        return None
    column_text = _text(node, COLUMN, name, findings)
    if column_text is None:
        return None
    if not re.fullmatch(FIELD.pattern, column_text):
        fix = f"rename it: {{{column_text}: another_name}}"
        findings.add(node.place, "mapping.bad_value", f'"{column_text}" cannot be a field of a document', fix)
        return None
    return Field(column_text, column_text)


def _types(node: Node, path: Path, findings: Findings) -> dict[str, str] | None:
    if not isinstance(node, Entries) or not node.entries:
        _bad(node, str(path[-1]), "column: type pairs", "write  column: type  for every column that is used", findings)
        return None
    types: dict[str, str] = {}
    torn = False
    for column, value in node.entries:
        if torn and column.text.endswith(")") and isinstance(value, Scalar) and value.kind == "nothing":
            torn = False
            continue  # the rest of a type that a comma in {…} tore apart; said once, at its beginning
        findings.places.keys[(*path, column.text)] = column.place
        findings.places.values[(*path, column.text)] = value.place
        types[column.text] = _type(value, column.text, findings)
        torn = not types[column.text] and isinstance(value, Scalar) and value.text.count("(") > value.text.count(")")
    return types


def _type(node: Node, column: str, findings: Findings) -> str:
    name = f'the type of "{column}"'
    text = _text(node, Text(r"[^\x00]+", "an SQL type", 20_000), name, findings)
    if text is None:
        return ""
    try:
        return column_types.canonical(text)
    except ValueError as error:
        near = nearest(re.split(r"[( ]", text.lower())[0], column_types.KNOWN_TYPES)
        fix = f'did you mean "{near}"?' if near else "write it as the database prints it"
        if text.count("(") > text.count(")"):
            fix = 'put the type in quotes, a comma inside {…} ends a value: "decimal(12,2)"'
        findings.add(node.place, "mapping.bad_type", f'{name} is not an SQL type: "{text}": {error}', fix)
        return ""
