"""
What rows are called in a document: names of relations, plurals, and names that are free.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from syncsvc.source.catalog import Catalog, ForeignKey, Table

_ENDING = re.compile(r"_(?:id|no|nr|num|number|code|key|uuid|fk|ref)$|(?<=[a-z])(?:Id|ID|No|Code|Key)$", re.ASCII)
_BEGINNING = re.compile(r"^(?:id|fk)_", re.IGNORECASE)
_SAME_IN_PLURAL = ("staff", "data", "news", "info", "media", "equipment")


def role(key: ForeignKey) -> str:
    """
    What a foreign key calls the row it refers to.

    `language_id` is the language; several columns have no name of their own, so the table's is taken.
    """
    if len(key.columns) > 1:
        return key.parent.partition(".")[2]
    return _BEGINNING.sub("", _ENDING.sub("", key.columns[0])) or key.columns[0]


def plural(name: str) -> str:
    """
    The name of a list of rows.

    >>> [plural(name) for name in ("film", "category", "address", "employees", "staff", "box", "day")]
    ['films', 'categories', 'addresses', 'employees', 'staff', 'boxes', 'days']
    """
    lower = name.lower()
    if lower.endswith(_SAME_IN_PLURAL) or (lower.endswith("s") and not lower.endswith(("ss", "us", "is"))):
        return name
    if lower.endswith(("s", "x", "z", "ch", "sh")):
        return f"{name}es"
    if re.search(r"[^aeiou]y$", lower):
        return f"{name[:-1]}ies"
    return f"{name}s"


def free(wanted: Iterable[str], taken: set[str]) -> str:
    """The first name that is not taken, as a document may have it; takes it."""
    names = [re.sub(r"[.\x00]", "_", name).lstrip("$") or "field" for name in wanted]
    numbered = (f"{names[-1]}_{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain(names, numbered) if name not in taken)
    taken.add(name)
    return name


def list_names(child: Table, key: ForeignKey, other: ForeignKey | None, catalog: Catalog) -> Iterable[str]:
    """Names for a list, best first."""
    parent = key.parent.partition(".")[2]
    siblings = [one for one in child.foreign_keys if one.parent == key.parent]
    name = plural(child.bare if other is None else catalog.tables[other.parent].bare)
    by = f"{name}_by_{role(key)}"
    if key.parent == child.name or (len(siblings) > 1 and role(key) != parent):
        return (by,)
    return (name, plural(child.bare), by)
