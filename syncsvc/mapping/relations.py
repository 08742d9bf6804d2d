"""
Whether the two sides of a relation can be equal: as many columns on each, of types whose equal values look equal.

Part of `check`.  Rows meet by the bytes of their join values, so `int` joins with `bigint unsigned` and `char` with
`varchar`, but `int` never with `varchar`, although SQL would convert one into the other.
"""

from __future__ import annotations

from syncsvc.mapping import column_types
from syncsvc.mapping.findings import Findings, Path
from syncsvc.mapping.model import Embed, Table


def check_sides(embed: Embed, child: Table, parent: Table, path: Path, findings: Findings) -> None:
    """`on` against `to`; columns that do not exist or are named twice were reported before."""
    on_twice, to_twice = len(set(embed.on)) < len(embed.on), len(set(embed.to)) < len(embed.to)
    if not embed.on or not embed.to or on_twice or to_twice:
        return
    if len(embed.on) != len(embed.to):
        written = "" if (*path, "to") in findings.places.keys else ", the key it is joined with by default"
        what = f"on has {_count(embed.on)}, but to has {_count(embed.to)} ({', '.join(embed.to)}{written})"
        fix = "name as many columns in on as in to, pair by pair"
        findings.add(findings.places.of_value((*path, "on")), "mapping.arity", what, fix)
        return
    on_table, to_table = (child, parent) if embed.kind == "many" else (parent, child)
    for index, (on, to) in enumerate(zip(embed.on, embed.to, strict=True)):
        on_type, to_type = on_table.columns.get(on, ""), to_table.columns.get(to, "")
        if not on_type or not to_type:
            continue
        if column_types.join_family(on_type) == column_types.join_family(to_type) is not None:
            continue
        sides = f'"{on}" of "{on_table.name}" is {on_type}, "{to}" of "{to_table.name}" is {to_type}'
        what = f"{sides}: they cannot be joined"
        fix = "join columns of the same type: integers with integers, texts with texts of one collation"
        findings.add(findings.places.of_value((*path, "on", index)), "mapping.type_mismatch", what, fix)


def _count(columns: tuple[str, ...]) -> str:
    return f"{len(columns)} column{'s' if len(columns) != 1 else ''}"
