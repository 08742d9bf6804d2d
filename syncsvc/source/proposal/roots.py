"""
Which tables are documents, and which are junctions.
"""

from __future__ import annotations

import re

from syncsvc.source.catalog import Catalog, Column, ForeignKey, Table
from syncsvc.source.proposal import types

_TIMES = re.compile(r"(?:date|datetime|timestamp|time|year)\b")


def roots(catalog: Catalog) -> list[str]:
    """Every table that could head documents: others refer to it, it has a key, and it only joins no two others."""
    return [
        name
        for name, table in sorted(catalog.tables.items())
        if any(child.name != name for child, _ in catalog.references_to(name))
        and junction(table, catalog) is None
        and types.refusal(table) is None
    ]


def junction(table: Table, catalog: Catalog) -> tuple[ForeignKey, ForeignKey] | None:
    """
    The two foreign keys of a table that stands for "many to many"; None when it is more than that.

    Either they make its primary key together, or nobody refers to it and it has, beside them, a key of its own and
    times of bookkeeping only (or a unique index over both).
    """
    if len(table.foreign_keys) != 2:
        return None
    one, other = table.foreign_keys
    joined = frozenset((*one.columns, *other.columns))
    if len(joined) < len(one.columns) + len(other.columns):
        return None
    if joined == frozenset(table.key):
        return one, other
    own = [table.columns[name] for name in table.columns if name not in joined and name not in table.key]
    alone = not any(True for _ in catalog.references_to(table.name))
    plain = joined in table.unique or _bookkeeping(own)
    always = not any(table.columns[name].type.endswith(" null") for name in joined)
    return (one, other) if alone and plain and always and not joined & frozenset(table.key) else None


def _bookkeeping(columns: list[Column]) -> bool:
    """
    Whether they say no more than when a row was made and changed.

    That is at most two times, which such columns are declared alike.  More of them, or one that is empty at first, tell
    a story of the row's own: when it was lent, is due, came back.
    """
    times = [column for column in columns if _TIMES.match(column.type)]
    alike = len({column.type.endswith(" null") for column in times}) <= 1
    return len(times) == len(columns) <= 2 and alike
