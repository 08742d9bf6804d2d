"""
What the declared keys must fulfil together: tables and columns exist, relations fit, names differ.

Fourth step of `load`, on a model that may still have gaps ("" and ()): a gap was reported when it was read and is
skipped here, so that one mistake is told once.  Knows no server; see `live`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncsvc.mapping import column_types
from syncsvc.mapping.findings import Findings, Path, nearest, suggestion
from syncsvc.mapping.model import Embed, Field, Pipeline, Table
from syncsvc.mapping.names import check_names
from syncsvc.mapping.relations import check_relation


def check(pipeline: Pipeline, findings: Findings) -> None:
    """Every rule, on the whole pipeline; problems go to `findings`, which tell how much could be read."""
    complete = not findings.problems()
    for table in pipeline.tables.values():
        _check_table(table, findings)
    _check_root(pipeline, findings)
    for embed, parent, path in walk(pipeline.embed, pipeline.root.table, ("embed",)):
        _check_embed(embed, parent, path, pipeline, findings)
    if complete or pipeline.embed:
        _check_computed(pipeline, findings)
    if complete:
        # A misspelt `embed` or `many` would make tables look unused that are not.
        _check_unused(pipeline, findings)


def walk(embeds: tuple[Embed, ...], parent: str, path: Path) -> Iterator[tuple[Embed, str, Path]]:
    """`(relation, table of its parent, its path in the file)` for every relation, parents first."""
    for embed in embeds:
        yield embed, parent, (*path, embed.name)
        yield from walk(embed.embed, embed.table, (*path, embed.name, "embed"))


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
            place = findings.places.of_value((*path, index))
            what = f'"{column}" of "{table.name}" is {column_type}, which cannot be a key: equal values may differ'
            findings.add(place, "mapping.bad_key", what, "use a column of an exact type as the key")


def _check_root(pipeline: Pipeline, findings: Findings) -> None:
    root = pipeline.root
    table = _table(root.table, ("root", "table"), pipeline, findings)
    check_columns(root.key, table, ("root", "key"), findings)
    _check_is_key(root.key, table, ("root", "key"), findings)
    _check_fields(root.fields, table, ("root", "fields"), findings)
    check_names(root.fields, pipeline.embed, pipeline.computed, (), findings)


def _check_embed(embed: Embed, parent: str, path: Path, pipeline: Pipeline, findings: Findings) -> None:
    child = _table(embed.table, (*path, embed.kind), pipeline, findings)
    if embed.kind == "many":
        check_columns(embed.identity, child, (*path, "identity"), findings)
        _check_is_key(embed.identity, child, (*path, "identity"), findings)
        check_columns((term.column for term in embed.order_by), child, (*path, "order_by"), findings)
    _check_fields(embed.fields, child, (*path, "fields"), findings)
    check_names(embed.fields, embed.embed, (), path, findings)
    parent_table = pipeline.tables.get(parent)
    sides = {"on": child, "to": parent_table} if embed.kind == "many" else {"on": parent_table, "to": child}
    for side, columns in (("on", embed.on), ("to", embed.to)):
        check_columns(columns, sides[side], (*path, side), findings)
    if child is not None and parent_table is not None:
        check_relation(embed, child, parent_table, path, findings)


def _table(name: str, path: Path, pipeline: Pipeline, findings: Findings) -> Table | None:
    """The declared table, or None after reporting that it is not declared."""
    table = pipeline.tables.get(name)
    if table is None and name:
        fix = suggestion(name, list(pipeline.tables), "declare it under tables:")
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


def _check_computed(pipeline: Pipeline, findings: Findings) -> None:
    lists = [embed.name for embed in pipeline.embed if embed.kind == "many"]
    for count in pipeline.computed:
        if not count.of or count.of in lists:
            continue
        place = findings.places.of_value(("computed", count.name, "count"))
        single = any(embed.name == count.of for embed in pipeline.embed)
        what = f'"{count.of}" is {"one value, not a list" if single else "no list at the root of the document"}'
        fix = suggestion(count.of, lists, "declare a list:  embed: {name: {many: …}}")
        findings.add(place, "mapping.unknown_list", what, fix)


def _check_unused(pipeline: Pipeline, findings: Findings) -> None:
    """Tables nobody names; one that is near a misspelt name was meant, and is not reported as well."""
    named = {pipeline.root.table, *(embed.table for embed, _, _ in walk(pipeline.embed, "", ()))}
    meant = {nearest(name, list(pipeline.tables)) for name in named - set(pipeline.tables)}
    for name in pipeline.tables:
        if name not in named and name not in meant:
            place = findings.places.of_key(("tables", name))
            findings.add(place, "mapping.unused_table", f'nothing uses the table "{name}"', "remove it, or embed it")
