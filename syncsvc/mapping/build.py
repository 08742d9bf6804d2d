"""
What was read, completed with the defaults that come from other parts of the file.

Third step of `load`.  Never fails: what the reader had to leave out is "" or () here, and the pipeline is thrown
away when there was any problem.  This is also where it is decided what a default *is* and what a short form stands for;
`check` and the rest of the package see only complete values.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from syncsvc.expressions import Expression
from syncsvc.mapping.declared import Declared, Documents, Relation
from syncsvc.mapping.findings import Path
from syncsvc.mapping.model import Computed, Embed, OrderTerm, Pipeline, Root, Table
from syncsvc.mapping.reading import Read
from syncsvc.mapping.short_forms import condition_of_case, count_of


def declared(read: Read, path: str) -> Declared:
    """What the file declares; `text_hash` is still empty (see `meaning`)."""
    tables = {name: _table(name, table) for name, table in read.get("tables", {}).items()}
    name: str = read.get("pipeline", "")
    pipeline = Pipeline(
        name=name,
        generation=read.get("generation", 1),
        collection=read.get("collection", name),
        publish=read.get("publish", "view"),
        topic_prefix=read.get("source", {}).get("topic_prefix", ""),
        partitions=read.get("partitions", 1),
        source_partitions=read.get("source_partitions", 1),
        root=_root(read.get("root", {}), tables),
        embed=(),
        computed=(),
        tables=tables,
        freshness_objective_seconds=read.get("freshness_objective_seconds", 1.0),
        path=path,
        text_hash="",
        write=read.get("write", "replace"),
    )
    views = [_documents(view, ("views", name), tables) for name, view in read.get("views", {}).items()]
    return Declared(pipeline, (_documents(read, (), tables), *views))


def _documents(read: Read, path: Path, tables: dict[str, Table]) -> Documents:
    root = _root(read.get("root", {}), tables)
    return Documents(path, root, _relations(read, root.table, path, tables), _computed(read))


def _table(name: str, read: Read) -> Table:
    return Table(name, read.get("key", ()), read.get("columns", {}), read.get("topic_prefix", ""))


def _root(read: Read, tables: dict[str, Table]) -> Root:
    table: str = read.get("table", "")
    return Root(table, read.get("key", _key_of(table, tables)), read.get("fields", ()), read.get("where"))


def _computed(read: Read) -> tuple[Computed, ...]:
    """Those that could be read."""
    found = []
    for name, written in read.get("computed", {}).items():
        of_list = written.get("count", "") if isinstance(written, dict) else ""
        expression = written if isinstance(written, Expression) else count_of(of_list) if of_list else None
        if expression is not None:
            found.append(Computed(name, expression, of_row=False))
    return tuple(found)


def _relations(read: Read, parent: str, path: Path, tables: dict[str, Table]) -> tuple[Relation, ...]:
    found: list[Relation] = []
    for name, embed in read.get("embed", {}).items():
        named_at = (*path, "embed", name)
        if "switch" not in embed and "cases" not in embed:
            found.append(_relation(name, embed, parent, named_at, named_at, tables))
        for value, case in embed.get("cases", {}).items():
            relation = _relation(name, case, parent, (*named_at, "cases", value), named_at, tables)
            found.append(_case(relation, value, embed.get("switch", ""), tables))
    return tuple(found)


def _case(relation: Relation, value: str, switch: str, tables: dict[str, Table]) -> Relation:
    """The relation, only for parent rows whose column has the value; no condition where that cannot be."""
    columns = tables[relation.parent].columns if relation.parent in tables else {}
    condition = condition_of_case(switch, value, columns.get(switch, ""))
    embed = dataclasses.replace(relation.embed, kind="one", merge=False, required=False, when=condition)
    return dataclasses.replace(relation, embed=embed, switch=switch)


def _relation(name: str, read: Read, parent: str, path: Path, named_at: Path, tables: dict[str, Table]) -> Relation:
    kind: Literal["one", "many"] = "one" if "one" in read and "many" not in read else "many"
    table: str = read.get(kind, "")
    identity: tuple[str, ...] = read.get("identity", _key_of(table, tables))
    by_identity = tuple(OrderTerm(column) for column in identity)
    order: Any = read.get("order_by", by_identity) if kind == "many" else ()
    embed = Embed(
        name=name,
        kind=kind,
        table=table,
        on=read.get("on", ()),
        to=read.get("to", _key_of(parent if kind == "many" else table, tables)),
        identity=identity,
        order_by=order,
        fields=read.get("fields", ()),
        where=read.get("where"),
        when=read.get("when"),
        limit=read.get("limit"),
        value=read.get("value"),
        map_by=read.get("map_by"),
        merge=read.get("merge", False) and kind == "one",
        required=read.get("required", False),
        on_parent_delete=read.get("on_parent_delete", "orphan"),
        computed=_computed(read),
    )
    return Relation(path, named_at, parent, embed, _relations(read, table, path, tables), read.get("depth", 1))


def _key_of(table: str, tables: dict[str, Table]) -> tuple[str, ...]:
    return tables[table].key if table in tables else ()
