"""
No two values of one level of the document may have the same name.

Part of `check`.  Fields, relations and computed values share one set of names, and so does what a merged relation
brings into the level; at the root `_id` and `_sync` are ours.
"""

from __future__ import annotations

from syncsvc.mapping.declared import Level
from syncsvc.mapping.findings import Findings, Place
from syncsvc.mapping.levels import Shown, shown

#: Names at the root of a document that are ours, and what they hold.
RESERVED = {"_id": "holds the shared key", "_sync": "holds the document's version"}


def check_names(level: Level, itself: str | None, findings: Findings) -> None:
    """
    Names of one level, in the order of the document; the second one that is the same is reported.

    `itself` is the name of the relation when it stands in its own element again (`depth`), or None.
    """
    taken = dict(RESERVED) if level.is_root else {}
    if itself is not None:
        taken[itself] = "belongs to the relation itself, which stands here again by its depth"
    for item in shown(level):
        if not item.name:
            continue
        if item.name in taken:
            what = f'the {item.kind} cannot be named "{item.name}": that name {taken[item.name]}'
            findings.add(_place(item, findings), "mapping.duplicate_name", what, _fix(item))
        else:
            taken[item.name] = f"belongs to the {item.kind} on line {_place(item, findings).line}"


def _place(item: Shown, findings: Findings) -> Place:
    places = findings.places
    return places.of_value(item.path) if item.kind == "field" else places.of_key(item.path)


def _fix(item: Shown) -> str:
    return f"rename it: {{{item.column}: another_name}}" if item.kind == "field" else "give it another name"
