"""
JSON Schema (draft 2020-12) of the mapping file, for editors: made from the same declaration the parser uses.

Knows what each key takes; what keys must fulfil together (columns that exist, names that differ) only `check` knows.
"""

from __future__ import annotations

from typing import Any

from syncsvc.mapping.declaration import (
    COLUMN,
    FIELD,
    SECTIONS,
    Choice,
    Columns,
    Fields,
    Key,
    Keys,
    Named,
    Order,
    Positive,
    Section,
    Shape,
    Text,
    Types,
    Whole,
)

_Schema = dict[str, Any]


def json_schema() -> _Schema:
    """The schema as a value ready for JSON."""
    sections = {name: _section(keys) for name, keys in SECTIONS.items()}
    top = sections.pop("pipeline")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": sections}


def _section(keys: Keys) -> _Schema:
    schema: _Schema = {
        "title": keys.title,
        "description": keys.description,
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _key(key) for key in keys.keys},
    }
    if required := [key.name for key in keys.keys if key.required]:
        schema["required"] = required
    if dependent := {key.name: [key.only_with] for key in keys.keys if key.only_with}:
        schema["dependentRequired"] = dependent
    if keys.exactly_one:
        schema["oneOf"] = [{"required": [name]} for name in keys.exactly_one]
    return schema


def _key(key: Key) -> _Schema:
    description = key.description
    if key.default_words:
        description = f"{description} Default: {key.default_words}."
    schema = {"title": key.name, "description": description, **_shape(key.shape)}
    if key.default is not None:
        schema["default"] = key.default
    return schema


def _shape(shape: Shape) -> _Schema:
    match shape:
        case Text():
            return {"type": "string", "pattern": _whole_match(shape), "maxLength": shape.most_characters}
        case Choice():
            return {"enum": list(shape.words)}
        case Whole():
            return {"type": "integer", "minimum": shape.least, "maximum": shape.most}
        case Positive():
            return {"type": "number", "exclusiveMinimum": 0}
        case Columns() | Order():
            column = _shape(COLUMN) if isinstance(shape, Columns) else {"type": "string", "minLength": 1}
            return {"oneOf": [column, {"type": "array", "items": column, "minItems": 1}]}
        case Fields():
            return _fields()
        case Types():
            return {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}, "minProperties": 1}
        case Section():
            return {"$ref": f"#/$defs/{shape.name}"}
        case Named():
            section = {"$ref": f"#/$defs/{shape.section}"}
            return {"type": "object", "propertyNames": _shape(shape.key), "additionalProperties": section}


def _fields() -> _Schema:
    renamed = {"type": "object", "additionalProperties": _shape(FIELD), "minProperties": 1, "maxProperties": 1}
    return {"type": "array", "items": {"oneOf": [_shape(FIELD), renamed]}, "minItems": 1}


def _whole_match(shape: Text) -> str:
    return f"^(?:{shape.pattern})$"
