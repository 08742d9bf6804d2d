"""
Static types: what a name holds, as far as expressions tell values apart.

Part of the check before anything starts; evaluation never sees them.  Nullness is no part of a type: every value may be
null.  `type_of_column` reads canonical column types as mapping files have them, without knowing mappings.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


class Scalar(enum.Enum):
    """Kinds of single values; the value of a member is how a person is told of it."""

    INTEGER = "a whole number"
    DECIMAL = "a decimal"
    DOUBLE = "a double"
    TEXT = "text"
    FLAG = "true or false"
    MOMENT = "a moment"
    BINARY = "bytes"
    UUID = "a uuid"
    #: The literal `null` alone.
    NULL = "null"
    #: Not known before there is a value: JSON.
    ANY = "a value of any kind"


@dataclass(frozen=True)
class ObjectOf:
    """An object with known names: an embedded `one`, or an element of a list."""

    scope: Scope


@dataclass(frozen=True)
class ListOf:
    """A list: an embedded `many`, or an array of scalars."""

    element: Type


@dataclass(frozen=True)
class MapOf:
    """An object keyed by data (`map_by`); to aggregates it is the list of its values."""

    element: Type


Type: TypeAlias = Scalar | ObjectOf | ListOf | MapOf
#: The names of one level.
Scope: TypeAlias = Mapping[str, Type]

INTEGER, DECIMAL, DOUBLE = Scalar.INTEGER, Scalar.DECIMAL, Scalar.DOUBLE
TEXT, FLAG, MOMENT, BINARY, UUID = Scalar.TEXT, Scalar.FLAG, Scalar.MOMENT, Scalar.BINARY, Scalar.UUID
NULL, ANY = Scalar.NULL, Scalar.ANY

#: From the narrowest to the widest: two kinds of numbers together are the wider one.
NUMBERS = (INTEGER, DECIMAL, DOUBLE)

_FORMS = {
    "int": INTEGER, "micros": INTEGER, "decimal": DECIMAL, "text": TEXT, "date": MOMENT, "bytes": BINARY, "uuid": UUID,
}  # fmt: skip
_BASES: dict[str, Type] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit", "time"), INTEGER),
    "decimal": DECIMAL,
    **dict.fromkeys(("float", "double", "real"), DOUBLE),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"), TEXT),
    **dict.fromkeys(("date", "datetime", "timestamp"), MOMENT),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), BINARY),
    "set": ListOf(TEXT),
    "vector": ListOf(DOUBLE),
}
_FLAGS = frozenset({"tinyint(1)", "bit(1)", "bool", "boolean"})
_COLUMN = re.compile(r"(?P<sql>.*?)(?P<null> null)?(?: as (?P<form>[a-z0-9_]+))?", re.DOTALL)


def type_of_column(column_type: str) -> Type:
    """
    What a column holds once it is carried, from its canonical type text; ANY for what is not known here.

    >>> type_of_column("int unsigned"), type_of_column("datetime(6) null as micros"), type_of_column("set('a','b')")
    (<Scalar.INTEGER: 'a whole number'>, <Scalar.INTEGER: 'a whole number'>, ListOf(element=<Scalar.TEXT: 'text'>))
    """
    parts = _COLUMN.fullmatch(column_type)
    if parts is None:
        return ANY
    if parts["form"]:
        return _FORMS.get(parts["form"], ANY)
    if parts["sql"] in _FLAGS:
        return FLAG
    return _BASES.get(re.split(r"[( ]", parts["sql"], maxsplit=1)[0], ANY)


def described(kind: Type) -> str:
    """The type in words, for messages."""
    if isinstance(kind, Scalar):
        return kind.value
    return "one object" if isinstance(kind, ObjectOf) else "a list"


def united(kinds: list[Type]) -> Type | None:
    """The type of a value that is one of these; None where they are of different kinds."""
    known = [kind for kind in kinds if kind is not NULL]
    if not known:
        return NULL
    if all(kind in NUMBERS for kind in known):
        return max((kind for kind in NUMBERS if kind in known), key=NUMBERS.index)
    if ANY in known:
        return ANY
    return known[0] if all(kind == known[0] for kind in known) else None
