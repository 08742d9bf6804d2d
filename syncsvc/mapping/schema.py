"""
JSON Schema (draft 2020-12) of the mapping file, for editors: made from the same declaration the parser uses.

Knows what each key takes; what keys must fulfil together (columns that exist, names that differ) only `check` knows.
"""

from __future__ import annotations

from typing import Any

from syncsvc.mapping.declaration import COLUMN, FIELD, SECTIONS, Key, Keys
from syncsvc.mapping.shapes import (
    Choice,
    Columns,
    Fields,
    Flag,
    Formula,
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
    if keys.exactly_one:
        schema["oneOf"] = [_alternative(name, keys) for name in keys.exactly_one]
    elif keys.at_least_one:
        schema["anyOf"] = [{"required": [name]} for name in keys.at_least_one]
    return schema


def _alternative(name: str, keys: Keys) -> _Schema:
    """What must and must not stand beside `name`, one of the keys of which exactly one is there."""
    belongs = {key.name for key in keys.keys if not key.only_with or name in key.only_with}
    belongs -= {*keys.exactly_one} - {name}
    needed = [key.name for key in keys.keys if name in key.required_with]
    schema: _Schema = {"required": [name, *needed]}
    if others := [key.name for key in keys.keys if key.name not in belongs]:
        schema["properties"] = dict.fromkeys(others, False)
    if shows := [{"required": [shown]} for shown in keys.at_least_one if shown in belongs]:
        schema["anyOf"] = shows
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
        case Flag():
            return {"type": "boolean"}
        case Positive():
            return {"type": "number", "exclusiveMinimum": 0}
        case Formula():
            # A bare number or truth value is an expression too.
            return {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": shape.most_characters}
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
            return _named(shape)


def _named(shape: Named) -> _Schema:
    section: _Schema = {"$ref": f"#/$defs/{shape.section}"}
    if shape.short is not None:
        section = {"anyOf": [_shape(shape.short), section]}
    least = {"minProperties": 1} if shape.not_empty else {}
    # A name is a text anyway, and an editor takes `5:` for a number.
    names = {rule: value for rule, value in _shape(shape.key).items() if rule != "type"}
    return {"type": "object", "propertyNames": names, "additionalProperties": section, **least}


def _fields() -> _Schema:
    renamed = {"type": "object", "additionalProperties": _shape(FIELD), "minProperties": 1, "maxProperties": 1}
    return {"type": "array", "items": {"oneOf": [_shape(FIELD), renamed]}, "minItems": 1}


def _whole_match(shape: Text) -> str:
    return f"^(?:{shape.pattern})$"
