"""
How a column is declared: its exact type, in a form that loses nothing, or left out with the reason.

What is carried is decided by `changes.columns` alone; here is only chosen among the forms it offers.
"""

from __future__ import annotations

import re

from syncsvc.changes import collation, columns
from syncsvc.mapping import column_types
from syncsvc.source.catalog import Column, Table
from syncsvc.source.proposal.design import Declared

#: Forms under which no value is lost, with what they mean; the first that a type has is taken.
_LOSSLESS = {
    "micros": "microseconds since 1970, exact; `as date` would be a date cut to milliseconds",
    "text": "digits as text: more than a BSON decimal holds",
    "decimal": "exact, of any size",
    "bytes": "as stored",
    "geojson": "a GeoJSON object",
}
_WIDE = {"text": "64 kB", "blob": "64 kB", "mediumtext": "16 MB", "mediumblob": "16 MB", "longtext": "4 GB",
         "longblob": "4 GB"}  # fmt: skip


def declared(column: Column, *, joined: bool = False) -> Declared:
    """
    The type to write for a column; None in it when no form of the type is carried.

    `joined`: rows are told apart or joined by it, so it matters how the server compares it.
    """
    name, text, note = column.name, column.type, wide(column) or ""
    if column.checked_json:
        return Declared(name, text.replace("longtext", "json"), "a text that the server checks to be JSON")
    reason = columns.refusal(text)
    if reason is None:
        if re.match(r"float\b", text):
            note = "single precision: shown with the digits that the server prints"
        if joined and compared(column) is not None:
            sql, null, _ = text.partition(" null")
            text = f"{sql} collate {column.collation}{null}"
        return Declared(name, text, note)
    for form, meaning in _LOSSLESS.items():
        if columns.refusal(f"{text} as {form}") is None:
            return Declared(name, f"{text} as {form}", meaning)
    return Declared(name, None, reason)


def compared(column: Column) -> str | None:
    """The collation of a text that is not compared byte by byte, None for the others and where it is not known here."""
    name = (column.collation or "").lower()
    return name if name in collation.SUPPORTED and collation.folded(name) is not None else None


def wide(column: Column) -> str | None:
    """What to know of a column whose values may be long; None for the others."""
    found = re.match(r"[a-z]+", column.type)
    most = _WIDE.get(found[0]) if found and not column.checked_json else None
    return None if most is None else f"up to {most} a value: shown at the root of documents only"


def refusal(table: Table) -> tuple[str, str] | None:
    """`(code, why)` when no pipeline can use a table; None when it can be used."""
    if not table.key:
        return "init.no_key", "it has no primary key, so its rows cannot be told apart"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}", table.name):
        return "init.name", "its name has characters that a topic's name cannot have"
    for name in table.key:
        text = declared(table.columns[name]).type
        if text is None:
            return "init.key_type", f'its key has the column "{name}", whose type is not carried'
        if column_types.join_family(text) is None:
            return "init.key_type", f'its key has the column "{name}", of a type whose equal values may differ'
    return None


def joinable(one: Column, other: Column) -> bool:
    """Whether equal values of two columns meet."""
    families = [column_types.join_family(declared(column).type or "json") for column in (one, other)]
    return families[0] is not None and families[0] == families[1]
