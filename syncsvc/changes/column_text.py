"""
Type texts of columns taken apart: what a person writes, `information_schema` prints or the mapping keeps.

Used by `columns`, which says what becomes of a type.  Tolerates what does not bear on values (display widths, character
sets, nullability, comments) and refuses every word it does not know: it may be the one that matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
"""`{name: bits}`."""


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A type text, taken apart."""

    #: Lower case, without arguments: `decimal`, `varchar`, `enum`.
    name: str
    #: What stood in the brackets, `12,2`; "" when there were none.
    arguments: str
    unsigned: bool
    #: What the mapping asks for (`as micros`), or "" for the natural form.
    carried: str
    #: Time zone of a DATETIME's wall time (`in europe/berlin`), lower case; "": UTC.
    zone: str = ""
    #: How the server compares it (`collate utf8mb4_0900_ai_ci`), lower case; "": not said.
    collation: str = ""


class Refused(ValueError):
    """A type that is not carried; the message says why and what can be done."""


_TEXT = re.compile(
    r"""\s*(?P<name>[a-z][a-z0-9_]*(?:\s+(?:precision|varying))?)\s*
    (?:\((?P<arguments>(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^()'"])*)\))?
    (?P<rest>[\sa-z0-9_/+-]*)""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOISE = re.compile(
    r"\b(?:signed|zerofill|not\s+null|null|binary|ascii|unicode|auto_increment|(?:character\s+set|charset|collate)\s+\w+)\b"
)
_ZONE = re.compile(r"\bin\s+([a-z][a-z0-9_/+-]*)")
_COLLATION = re.compile(r"\bcollate\s+([a-z0-9_]+)")
_SAME = {
    "bool": "boolean", "int1": "tinyint", "int2": "smallint", "int3": "mediumint", "middleint": "mediumint",
    "int4": "int", "integer": "int", "int8": "bigint", "dec": "decimal", "numeric": "decimal", "fixed": "decimal",
    "float4": "float", "float8": "double", "double precision": "double", "character": "char", "nchar": "char",
    "nvarchar": "varchar", "character varying": "varchar",
}  # fmt: skip


def read(text: str) -> ColumnText:
    """
    A type text as a person or `information_schema` writes it, taken apart.

    Raises:
        Refused: when the text is not a type with known words around it.

    >>> read("DECIMAL(12, 2) unsigned NOT NULL as text")
    ColumnText(name='decimal', arguments='12,2', unsigned=True, carried='text', zone='', collation='')
    >>> read("datetime(3) in Europe/Berlin null").zone
    'europe/berlin'
    """
    found = _TEXT.fullmatch(_COMMENT.sub(" ", text))
    if not found:
        raise Refused(f'"{text}" is not a column type')
    rest, _, carried = f" {_ZONE.sub(' ', found['rest'].lower())} ".partition(" as ")
    zone, collation = _ZONE.search(found["rest"].lower()), _COLLATION.search(rest)
    unsigned = bool(re.search(r"\bunsigned\b", rest)) or "zerofill" in rest
    left = _NOISE.sub(" ", re.sub(r"\bunsigned\b", " ", rest)).strip()
    carried = _NOISE.sub(" ", carried).strip()
    if left:
        raise Refused(f'"{left}" in "{text}" is not known')
    name = re.sub(r"\s+", " ", found["name"].lower())
    arguments = (found["arguments"] or "").strip()
    if not arguments.startswith(("'", '"')):
        arguments = arguments.replace(" ", "")
    said = (zone[1] if zone else "", collation[1] if collation else "")
    return ColumnText(_SAME.get(name, name), arguments, unsigned, carried, *said)


def nullable(text: str) -> bool:
    """Whether null is allowed on the wire: always, unless the text says `not null`."""
    return not re.search(r"\bnot\s+null\b", text, re.IGNORECASE)


def same_type(declared: str, found: str) -> bool:
    """
    Whether the type the server tells means the same bytes as the declared one.

    Display widths, nullability, character sets and `as …` do not count; sign, scale and fractional digits do.
    """
    try:
        one, other = read(declared), read(found)
    except Refused:
        return declared == found
    if {one.name, other.name} <= {"json", "longtext"}:
        return True  # MariaDB's JSON is LONGTEXT with a check
    return _meaning(one) == _meaning(other)


def _meaning(text: ColumnText) -> tuple[str, str, bool]:
    """Name, arguments that change the bytes, sign."""
    name, arguments = text.name, text.arguments
    if name == "boolean":
        name, arguments = "tinyint", "1"
    if name in INTEGERS or name == "year":
        arguments = "1" if name == "tinyint" and arguments == "1" and not text.unsigned else ""
    elif name == "decimal":
        arguments = ",".join(map(str, digits(text)))
    elif name in ("datetime", "timestamp", "time", "bit"):
        arguments = arguments or ("1" if name == "bit" else "0")
    return name, arguments, text.unsigned


def number(text: ColumnText, default: int) -> int:
    """The one number in the brackets."""
    if not text.arguments:
        return default
    if not text.arguments.isdigit():
        raise Refused(f'"{text.name}({text.arguments})" needs one number')
    return int(text.arguments)


def digits(text: ColumnText) -> tuple[int, int]:
    """Digits and digits behind the point of a DECIMAL; (10, 0) unless told."""
    parts = (text.arguments or "10").split(",")
    if len(parts) > 2 or not all(part.isdigit() for part in parts):
        raise Refused(f'"{text.name}({text.arguments})" needs one or two numbers')
    return int(parts[0]), int(parts[1]) if len(parts) == 2 else 0
