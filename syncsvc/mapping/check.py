"""
What the declared keys must fulfil together: tables and columns exist, relations fit, names differ.

Fourth step of `load`, on a mapping that may still have gaps ("" and ()): a gap was reported when it was read and is
skipped here, so that one mistake is told once.  Tables and columns are checked here; what stands in a level in
`contents`, expressions in `formulas`, a relation's options in `options`.  Knows no server; see `live`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from syncsvc.mapping import column_types
from syncsvc.mapping.contents import check_level, check_whole
from syncsvc.mapping.declared import Declared, Documents, Relation
from syncsvc.mapping.findings import Findings, Path, nearest, suggestion
from syncsvc.mapping.formulas import check_condition
from syncsvc.mapping.model import Field, Table
from syncsvc.mapping.options import check_options
from syncsvc.mapping.relations import check_sides


def check(declared: Declared, findings: Findings) -> None:
    """Every rule, on the whole mapping; problems go to `findings`, which tell how much could be read."""
    complete = not findings.problems()
    tables = declared.tables
    for table in tables.values():
        _check_table(table, findings)
    for kind in declared.kinds:
        _check_root(kind, tables, findings)
        check_level(kind.level, None, tables, complete, findings)
        for relation in kind.all_relations():
            _check_relation(relation, tables, findings)
            itself = relation.embed.name if relation.depth > 1 else None
            check_level(relation.level, itself, tables, complete, findings)
    check_whole(declared, findings)
    if complete:
        # A misspelt `embed` or `many` would make tables look unused that are not.
        _check_unused(declared, findings)


def check_columns(columns: Iterable[str], table: Table | None, path: Path, findings: Findings) -> None:
    """Each column exists in `table` and is named once; `path` is the list's.  A default is checked where it is from."""
    if path not in findings.places.keys:
        return
    seen: set[str] = set()
    for index, column in enumerate(columns):
        place = findings.places.of_value((*path, index))
        if column in seen:
            what = f'"{column}" is named twice in {path[-1]}'
            findings.add(place, "mapping.duplicate_name", what, "name it once")
        seen.add(column)
        if column and table is not None and table.columns and column not in table.columns:
            what = f'table "{table.name}" has no column "{column}"'
            fix = suggestion(column, list(table.columns), f"declare it in tables, {table.name}, columns")
            findings.add(place, "mapping.unknown_column", what, fix)


def _check_table(table: Table, findings: Findings) -> None:
    path: Path = ("tables", table.name, "key")
    check_columns(table.key, table, path, findings)
    for index, column in enumerate(table.key):
        column_type = table.columns.get(column, "")
        if column_types.nullable(column_type):
            place = findings.places.of_value(("tables", table.name, "columns", column))
            what = f'"{column}" is part of the key of "{table.name}", but may be null'
            findings.add(place, "mapping.bad_key", what, f'remove "null" from the type of "{column}"')
        elif column_type and column_types.join_family(column_type) is None:
            place, cut = findings.places.of_value((*path, index)), column_type.endswith(column_types.CUT)
            why = "different values may become one" if cut else "equal values may differ"
            what = f'"{column}" of "{table.name}" is {column_type}, which cannot be a key: {why}'
            fix = "carry it `as micros`" if cut else "use a column of an exact type as the key"
            findings.add(place, "mapping.bad_key", what, fix)


def _check_root(kind: Documents, tables: Mapping[str, Table], findings: Findings) -> None:
    root, path = kind.root, (*kind.path, "root")
    table = _table(root.table, (*path, "table"), tables, findings)
    check_columns(root.key, table, (*path, "key"), findings)
    _check_is_key(root.key, table, (*path, "key"), findings)
    _check_fields(root.fields, table, (*path, "fields"), findings)
    check_condition(root.where, table, (*path, "where"), findings)


def _check_relation(relation: Relation, tables: Mapping[str, Table], findings: Findings) -> None:
    embed, path = relation.embed, relation.path
    child, parent = _table(embed.table, (*path, embed.kind), tables, findings), tables.get(relation.parent)
    if embed.kind == "many":
        check_columns(embed.identity, child, (*path, "identity"), findings)
        _check_is_key(embed.identity, child, (*path, "identity"), findings)
        check_columns((term.column for term in embed.order_by), child, (*path, "order_by"), findings)
    _check_fields(embed.fields, child, (*path, "fields"), findings)
    on_table, to_table = (tables.get(name) for name in relation.column_tables)
    check_columns(embed.on, on_table, (*path, "on"), findings)
    check_columns(embed.to, to_table, (*path, "to"), findings)
    if child is not None and parent is not None:
        check_sides(embed, child, parent, path, findings)
    check_condition(embed.where, child, (*path, "where"), findings)
    if relation.switch is None:
        check_condition(embed.when, parent, (*path, "when"), findings)
    check_options(relation, child, parent, findings)


def _table(name: str, path: Path, tables: Mapping[str, Table], findings: Findings) -> Table | None:
    """The declared table, or None after reporting that it is not declared."""
    table = tables.get(name)
    if table is None and name:
        fix = suggestion(name, list(tables), "declare it under tables:")
        fix = fix if "did you mean" in fix else f"declare it under tables:  {name}: {{key: …, columns: {{…}}}}"
        findings.add(findings.places.of_value(path), "mapping.unknown_table", f'"{name}" is not in tables', fix)
    return table


def _check_is_key(columns: tuple[str, ...], table: Table | None, path: Path, findings: Findings) -> None:
    if table is None or not columns or not table.key or columns == table.key:
        return
    if all(column in table.columns for column in columns):
        what = f'{path[-1]} ({", ".join(columns)}) is not the key of "{table.name}" ({", ".join(table.key)})'
        fix = f"remove it, or write  {path[-1]}: [{', '.join(table.key)}]"
        findings.add(findings.places.of_value(path), "mapping.not_the_key", what, fix)


def _check_fields(fields: tuple[Field, ...], table: Table | None, path: Path, findings: Findings) -> None:
    for index, field in enumerate(fields):
        if field.column and table is not None and table.columns and field.column not in table.columns:
            what = f'table "{table.name}" has no column "{field.column}"'
            fix = suggestion(field.column, list(table.columns), f"declare it in tables, {table.name}, columns")
            findings.add(findings.places.of_value((*path, index)), "mapping.unknown_column", what, fix)


def _check_unused(declared: Declared, findings: Findings) -> None:
    """Tables nobody names; one that is near a misspelt name was meant, and is not reported as well."""
    tables = declared.tables
    named = {kind.root.table for kind in declared.kinds}
    named |= {relation.embed.table for kind in declared.kinds for relation in kind.all_relations()}
    meant = {nearest(name, list(tables)) for name in named - set(tables)}
    for name in tables:
        if name not in named and name not in meant:
            place = findings.places.of_key(("tables", name))
            findings.add(place, "mapping.unused_table", f'nothing uses the table "{name}"', "remove it, or embed it")
