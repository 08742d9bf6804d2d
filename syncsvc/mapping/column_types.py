"""
SQL type texts in one canonical form: what a person writes and what either server prints become the same text.

`int(10) unsigned` (MariaDB, older MySQL) and `INT UNSIGNED` (MySQL 9) are the same type; a display width says nothing
about a value.  Also tells which types may be joined: equal values must have equal keys, whatever table they come
from.  How a type is converted, and which are refused by name, is known by `changes`.
"""

from __future__ import annotations

import re
from typing import Literal

_SHAPE = re.compile(
    r"(?P<base>[a-z][a-z0-9_]*(?: (?:precision|varying)\b)?) ?(?:\((?P<arguments>.*)\))?(?P<words>(?: ?[a-z0-9_]+)*)",
    re.DOTALL,
)
_CANONICAL = re.compile(r"(?P<sql>.*?)(?P<null> null)?(?P<form> as [a-z0-9_]+)?", re.DOTALL)
_QUOTED = re.compile(r"('(?:[^'\\]|\\.|'')*')", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
#: Where the clock of a wall time hung: `datetime(3) in Europe/Berlin`.
_ZONE = re.compile(r" in (?P<zone>[a-z][a-z0-9_/+-]*)(?= |$)")
#: Words that say nothing about a value: `character set x` and what only the server needs.
_NOISE = re.compile(r"\b(?:not null|auto_increment|signed|(?:character set|charset|collate) [a-z0-9_]+)\b")
#: How texts compare, so which of them are one key.
_COLLATION = re.compile(r"\bcollate [a-z0-9_]+")

_SYNONYMS = {
    "int1": "tinyint", "int2": "smallint", "int3": "mediumint", "middleint": "mediumint", "int4": "int",
    "integer": "int", "int8": "bigint", "dec": "decimal", "numeric": "decimal", "fixed": "decimal",
    "float4": "float", "float8": "double", "double precision": "double", "character": "char", "nchar": "char",
    "character varying": "varchar", "nvarchar": "varchar", "boolean": "bool", "geomcollection": "geometrycollection",
}  # fmt: skip
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_STRINGS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
#: Exact and with one value for each meaning: joined only with the very same type.
_EXACT = frozenset({"decimal", "date", "datetime", "timestamp", "time", "year", "enum", "uuid", "inet4", "inet6"})
_NEVER_JOINED = frozenset({
    "float", "double", "real", "bit", "set", "json", "vector", "geometry", "point", "linestring", "polygon",
    "multipoint", "multilinestring", "multipolygon", "geometrycollection",
})  # fmt: skip
#: What a value is in the document, as far as expressions and keys of an object tell values apart.
ValueKind = Literal["whole", "decimal", "float", "text", "flag", "date", "time", "bytes", "list", "other"]
_KINDS: dict[ValueKind, frozenset[str]] = {
    "whole": _INTEGERS | {"year", "bit"},
    "time": frozenset({"time"}),  # whole microseconds
    "decimal": frozenset({"decimal"}),
    "float": frozenset({"float", "double", "real"}),
    "text": _STRINGS | {"enum"},
    "date": frozenset({"date", "datetime", "timestamp"}),
    "bytes": _BYTES,
    "list": frozenset({"set"}),
}
#: `as form` decides alone; `as date` cuts microseconds.
_FORM_KINDS: dict[str, ValueKind] = {
    "int": "whole", "micros": "whole", "decimal": "decimal", "text": "text", "date": "date", "bytes": "bytes",
}  # fmt: skip
#: The form that cuts microseconds: two rows' times may become one.
CUT = " as date"
#: Every type name there is in MySQL and MariaDB, for "did you mean"; not all of them are carried (see `changes`).
KNOWN_TYPES = tuple(sorted(_INTEGERS | _STRINGS | _BYTES | _EXACT | _NEVER_JOINED | {"bool", "serial"}))

#: Arguments a server leaves out or prints as it likes, with what they mean when they are not written.
_DEFAULT_ARGUMENTS = {"decimal": "10,0", "char": "1", "binary": "1", "bit": "1"}


def canonical(text: str) -> str:
    """
    `text` in canonical form: `base[(arguments)][ unsigned][ collate name][ in zone][ null][ as form]`, lower case
    outside of quotes.

    Raises:
        ValueError: `text` is no type; the message says why.

    >>> canonical("INT(10)  UNSIGNED"), canonical("numeric(12, 2) NULL"), canonical("datetime(6) not null as micros")
    ('int unsigned', 'decimal(12,2) null', 'datetime(6) as micros')
    """
    folded = _folded(text)
    zone = _ZONE.search(folded) if folded.startswith("datetime") else None
    found = _SHAPE.fullmatch(folded[: zone.start()] + folded[zone.end() :] if zone else folded)
    if found is None:
        raise ValueError("it is not of the form  name(arguments) unsigned null")
    base = _SYNONYMS.get(found["base"], found["base"])
    if base not in KNOWN_TYPES:
        raise ValueError(f'there is no type "{base}"')
    sql_words, _, form_words = f" {_NOISE.sub('', found['words'])} ".partition(" as ")
    form, *after_form = form_words.split() or [""]
    words = {*sql_words.split(), *after_form}
    if unknown := words - {"unsigned", "zerofill", "null"}:
        raise ValueError(f'"{min(unknown)}" is not part of a type here')
    arguments = _arguments(base, found["arguments"])
    if base == "bool":
        base, arguments = "tinyint", "(1)"
    elif base == "serial":
        base, words = "bigint", words | {"unsigned"}
    collation = _COLLATION.search(found["words"]) if base in _STRINGS else None
    said = (f" {collation[0]}" if collation else "") + (zone[0] if zone else "")
    unsigned = " unsigned" if words & {"unsigned", "zerofill"} else ""
    if unsigned and base == "tinyint":
        arguments = ""  # a width alone: MySQL no longer prints it, and only a signed one is a boolean
    null = " null" if "null" in words else ""
    return f"{base}{arguments}{unsigned}{said}{null}{f' as {form}' if form else ''}"


def of_server(text: str, may_be_null: bool) -> str:
    """A column's type as a server tells it; one that is unknown here is kept, so that it can be refused by name."""
    try:
        plain = canonical(text)
    except ValueError:
        plain = text.lower()
    return f"{plain} null" if may_be_null else plain


def _folded(text: str) -> str:
    """Lower case and single spaces outside quotes, so that the values of an enum keep theirs."""
    parts = _QUOTED.split(text.strip())
    plain = [re.sub(r"\s+", " ", _COMMENT.sub(" ", part)).lower() for part in parts[::2]]
    return "".join(part for pair in zip(plain, [*parts[1::2], ""], strict=True) for part in pair).strip()


def _arguments(base: str, arguments: str | None) -> str:
    if base in _INTEGERS:
        # A width of 1 is kept: it is how both servers print a boolean.
        return "(1)" if base == "tinyint" and (arguments or "").strip() == "1" else ""
    if base == "year":
        return ""
    if arguments is None:
        return f"({_DEFAULT_ARGUMENTS[base]})" if base in _DEFAULT_ARGUMENTS else ""
    if base in {"enum", "set"}:
        values = re.sub(r"'\s*,\s*'", "','", arguments.strip())
        return f"({values})"
    numbers = [number.strip() for number in arguments.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,10}", number) for number in numbers):
        raise ValueError(f'the arguments "{arguments}" are not numbers')
    if base == "decimal" and len(numbers) == 1:
        numbers.append("0")
    if base in {"datetime", "timestamp", "time"} and numbers == ["0"]:
        return ""
    return f"({','.join(numbers)})"


def nullable(column_type: str) -> bool:
    """Whether a column of this canonical type may be null."""
    return _split(column_type)["null"] is not None


def unseen(column_type: str) -> str:
    """What a canonical type says that a server does not print as part of it: ` collate x`, ` in zone`, ` as form`."""
    return "".join(match[0] for match in re.finditer(r" (?:collate|in|as) [a-z0-9_/+-]+", _QUOTED.sub("", column_type)))


def _split(column_type: str) -> re.Match[str]:
    found = _CANONICAL.fullmatch(column_type)
    if found is None:
        raise AssertionError("the pattern matches every text")
    return found


def value_kind(column_type: str) -> ValueKind:
    """What a value of this canonical type is once it is carried, in the form the mapping asks for."""
    parts = _split(column_type)
    base, form = re.split(r"[( ]", parts["sql"], maxsplit=1)[0], (parts["form"] or "").removeprefix(" as ")
    if form:
        return _FORM_KINDS.get(form, "other")
    if parts["sql"] in {"tinyint(1)", "bit(1)"}:
        return "flag"
    return next((kind for kind, bases in _KINDS.items() if base in bases), "other")


def members(column_type: str) -> tuple[str, ...]:
    """Values of an enum, in the order of its type; () for any other type."""
    sql = _split(column_type)["sql"]
    if not sql.startswith("enum("):
        return ()
    return tuple(quoted[1:-1].replace("''", "'") for quoted in _QUOTED.findall(sql))


def join_family(column_type: str) -> str | None:
    """
    What a column of this canonical type may be joined with: columns of the same family; None: with nothing.

    Integers of any width are one family, texts of any length with one collation another; every other type, and every
    type carried in another form (`as …`), only matches itself.
    """
    parts = _split(column_type)
    sql, form = parts["sql"], parts["form"] or ""
    base = re.split(r"[( ]", sql, maxsplit=1)[0]
    if base in _INTEGERS and (sql == "tinyint(1)") == (form == " as int"):
        return "integer" if form in {"", " as int"} else sql + form
    if base in _STRINGS and not form:
        collation = _COLLATION.search(sql)
        return f"text {collation[0]}" if collation else "text"
    if base in _BYTES - {"binary"} and not form:
        return "bytes"
    return None if base in _NEVER_JOINED or form == CUT else sql + form
