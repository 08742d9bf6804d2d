"""
The model from what was read, with the defaults that come from other parts of the file.

Third step of `load`.  Never fails: what the reader had to leave out is "" or () here, and the pipeline is thrown
away when there was any problem.  This is also where it is decided what a default *is*; `check` and the rest of the
package see only complete values.
"""

from __future__ import annotations

from typing import Any, Literal

from syncsvc.mapping.model import Count, Embed, OrderTerm, Pipeline, Root, Table
from syncsvc.mapping.reading import Read


def pipeline(read: Read, path: str) -> Pipeline:
    """The pipeline the file declares; `text_hash` is still empty (see `meaning`)."""
    tables = {name: _table(name, table) for name, table in read.get("tables", {}).items()}
    root = _root(read.get("root", {}), tables)
    name: str = read.get("pipeline", "")
    return Pipeline(
        name=name,
        generation=read.get("generation", 1),
        collection=read.get("collection", name),
        publish=read.get("publish", "view"),
        topic_prefix=read.get("source", {}).get("topic_prefix", ""),
        partitions=read.get("partitions", 1),
        source_partitions=read.get("source_partitions", 1),
        root=root,
        embed=_embeds(read, root.table, tables),
        computed=tuple(Count(name, count.get("count", "")) for name, count in read.get("computed", {}).items()),
        tables=tables,
        freshness_objective_seconds=read.get("freshness_objective_seconds", 1.0),
        path=path,
        text_hash="",
    )


def _table(name: str, read: Read) -> Table:
    return Table(name, key=read.get("key", ()), columns=read.get("columns", {}))


def _root(read: Read, tables: dict[str, Table]) -> Root:
    table: str = read.get("table", "")
    return Root(table, key=read.get("key", _key_of(table, tables)), fields=read.get("fields", ()))


def _embeds(read: Read, parent: str, tables: dict[str, Table]) -> tuple[Embed, ...]:
    return tuple(_embed(name, embed, parent, tables) for name, embed in read.get("embed", {}).items())


def _embed(name: str, read: Read, parent: str, tables: dict[str, Table]) -> Embed:
    kind: Literal["one", "many"] = "one" if "one" in read and "many" not in read else "many"
    table: str = read.get(kind, "")
    identity: tuple[str, ...] = read.get("identity", _key_of(table, tables))
    by_identity = tuple(OrderTerm(column) for column in identity)
    order: Any = read.get("order_by", by_identity) if kind == "many" else ()
    return Embed(
        name=name,
        kind=kind,
        table=table,
        on=read.get("on", ()),
        to=read.get("to", _key_of(parent if kind == "many" else table, tables)),
        identity=identity,
        order_by=order,
        fields=read.get("fields", ()),
        embed=_embeds(read, table, tables),
    )


def _key_of(table: str, tables: dict[str, Table]) -> tuple[str, ...]:
    return tables[table].key if table in tables else ()
