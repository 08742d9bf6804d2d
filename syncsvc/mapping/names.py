"""
No two values of one level of the document may have the same name.

Part of `check`.  Fields, relations and computed values share one set of names; at the root `_id` and `_sync` are ours.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncsvc.mapping.findings import Findings, Path, Place
from syncsvc.mapping.model import Count, Embed, Field

#: Names at the root of a document that are ours, and what they hold.
RESERVED = {"_id": "holds the shared key", "_sync": "holds the document's version"}


def check_names(
    fields: Iterable[Field], embeds: Iterable[Embed], counts: Iterable[Count], path: Path, findings: Findings
) -> None:
    """
    Names of one level, in the order of the document; the second one that is the same is reported.

    `path` is that of the relation, or () for the root of the document.
    """
    places = findings.places
    taken = {} if path else dict(RESERVED)
    fields_path = (*path, "fields") if path else ("root", "fields")
    for index, field in enumerate(fields):
        fix = f"rename it: {{{field.column}: another_name}}"
        _take(field.name, "field", places.of_value((*fields_path, index)), fix, taken, findings)
    for embed in embeds:
        place = places.of_key((*path, "embed", embed.name))
        _take(embed.name, "relation", place, "give it another name", taken, findings)
    for count in counts:
        place = places.of_key(("computed", count.name))
        _take(count.name, "computed value", place, "give it another name", taken, findings)


def _take(name: str, kind: str, place: Place, fix: str, taken: dict[str, str], findings: Findings) -> None:
    if not name:
        return
    if name in taken:
        what = f'the {kind} cannot be named "{name}": that name {taken[name]}'
        findings.add(place, "mapping.duplicate_name", what, fix)
    else:
        taken[name] = f"belongs to the {kind} on line {place.line}"
