"""
What the options of a relation need of its tables: `map_by`, `value`, `merge`, `depth`, and the cases of a `switch`.

Part of `check`.  Which options may stand beside each other without looking at a table is declared (`only_with`).
"""

from __future__ import annotations

from syncsvc.mapping import column_types
from syncsvc.mapping.declared import Relation
from syncsvc.mapping.findings import Findings, Path, nearest, suggestion
from syncsvc.mapping.levels import shown
from syncsvc.mapping.model import Table
from syncsvc.mapping.relations import check_sides
from syncsvc.mapping.short_forms import CASE_KINDS

#: What the text of a key is made from: each has one text for one value.
_KEY_KINDS = frozenset({"whole", "decimal", "text", "date"})


def check_options(relation: Relation, child: Table | None, parent: Table | None, findings: Findings) -> None:
    """Every option of one relation; a table that is not declared was reported before."""
    _check_value(relation, findings)
    if child is not None:
        _check_map_by(relation, child, findings)
    _check_cascade(relation, findings)
    if relation.depth > 1 and child is not None:
        _check_depth(relation, child, findings)
    if relation.switch and parent is not None:
        _check_case(relation, parent, findings)


def _check_value(relation: Relation, findings: Findings) -> None:
    embed, path = relation.embed, (*relation.path, "value")
    if embed.value is None:
        return
    if embed.merge:
        what = f'"{embed.name}" is merged into its parent, so it cannot be shown as one value'
        findings.add(findings.places.of_key(path), "mapping.not_allowed", what, "remove value or merge")
        return
    names = [item.name for item in shown(relation.level) if item.name]
    if embed.value not in names:
        what = f'an element of "{embed.name}" has no "{embed.value}"'
        fix = suggestion(embed.value, names, "show it as a field")
        findings.add(findings.places.of_value(path), "mapping.unknown_name", what, fix)


def _check_cascade(relation: Relation, findings: Findings) -> None:
    """A row that is filtered out and one that is gone cannot be told apart, and only the second takes others along."""
    embed = relation.embed
    if embed.kind == "one" and embed.where is not None and embed.on_parent_delete == "cascade":
        what = f'"{embed.name}" has where, so a missing row need not have been deleted: cascade cannot be told'
        fix = (
            "remove where; or remove on_parent_delete, and where the server does not log cascades let the application "
            "delete the rows that refer to it first, and make the foreign key RESTRICT"
        )
        findings.add(findings.places.of_key((*relation.path, "where")), "mapping.not_allowed", what, fix)


def _check_map_by(relation: Relation, child: Table, findings: Findings) -> None:
    column, path = relation.embed.map_by, (*relation.path, "map_by")
    if column is None or not _exists(column, child, path, findings):
        return
    column_type = child.columns[column]
    if column_type and column_types.value_kind(column_type) not in _KEY_KINDS:
        what = f'"{column}" of "{child.name}" is {column_type}, which has no text that could be a key'
        fix = "use a column of whole numbers, decimals, text or dates"
        findings.add(findings.places.of_value(path), "mapping.bad_map_key", what, fix)


def _exists(column: str, table: Table, path: Path, findings: Findings) -> bool:
    if column in table.columns:
        return True
    if table.columns:
        what = f'table "{table.name}" has no column "{column}"'
        fix = suggestion(column, list(table.columns), f"declare it in tables, {table.name}, columns")
        findings.add(findings.places.of_value(path), "mapping.unknown_column", what, fix)
    return False


def _check_depth(relation: Relation, child: Table, findings: Findings) -> None:
    """The relation hangs on the parent's row first, then on its own: both need the columns it is joined by."""
    embed, path = relation.embed, (*relation.path, "depth")
    place = findings.places.of_value(path)
    if embed.merge:
        what = f'"{embed.name}" is merged into its parent, so it cannot stand in itself again'
        findings.add(place, "mapping.not_allowed", what, "remove depth or merge")
    needed = (*embed.parent_columns, *sorted(embed.when.names if embed.when else ()))
    missing = [column for column in needed if column and child.columns and column not in child.columns]
    if missing:
        what = f'"{embed.name}" cannot follow itself: "{child.name}" has no column "{missing[0]}"'
        fix = "remove depth; it is for rows that refer to rows of their own table"
        findings.add(place, "mapping.not_allowed", what, fix)
    elif relation.parent != child.name:
        check_sides(embed, child, child, relation.path, findings)


def _check_case(relation: Relation, parent: Table, findings: Findings) -> None:
    """The column exists and can have the value."""
    column, value, places = relation.switch or "", str(relation.path[-1]), findings.places
    path = (*relation.named_at, "switch")
    if not _exists(column, parent, path, findings) or not parent.columns[column]:
        return
    column_type = parent.columns[column]
    kind = column_types.value_kind(column_type)
    if kind not in CASE_KINDS:
        what = f'"{column}" of "{parent.name}" is {column_type}, which no cases can tell apart'
        fix = "use a column of text or whole numbers"
        findings.add(places.of_value(path), "mapping.bad_switch", what, fix)
        return
    members = column_types.members(column_type)
    if relation.embed.when is None or (members and value not in members):
        near = nearest(value, members)
        fix = f'did you mean "{near}"?' if near else f"write one of {', '.join(members) or CASE_KINDS[kind]}"
        what = f'"{column}" of "{parent.name}" is {column_type}: it never is "{value}"'
        findings.add(places.of_key(relation.path), "mapping.bad_value", what, fix)
