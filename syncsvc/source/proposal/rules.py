"""
What foreign keys do to rows, and what of it a document can see: the reasons and warnings of a proposal.

MariaDB, and MySQL before 9.6, do not log what `ON DELETE` and `ON UPDATE` do to referring rows: no event tells it.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncsvc.changes import collation
from syncsvc.source import catalog
from syncsvc.source.catalog import Catalog, ForeignKey, Table
from syncsvc.source.proposal.design import Caution


def why(child: Table, key: ForeignKey, *, listed: bool) -> list[str]:
    """The reason of a relation, as comment lines."""
    told = f"{child.bare}.{', '.join(key.columns)} refers to {key.parent.partition('.')[2]}"
    if listed and key.rows_each is not None and key.rows_each >= 1.5:
        told += f"; about {key.rows_each:,.0f} rows each"
    return [told]


def on_parent_delete(key: ForeignKey, known: Catalog) -> tuple[str, str] | None:
    """`(what to write, why)` for a relation along this key; None where the source does nothing, or logs it."""
    if known.logs_cascades:
        return None
    if key.on_delete == catalog.CASCADE:
        return "cascade", "the source deletes these rows with what they refer to, and does not log it"
    if key.on_delete == catalog.SET_NULL:
        return "orphan", "the source sets this reference to null when the row behind it is deleted, and does not log it"
    return None


def caution(child: Table, key: ForeignKey, known: Catalog, *, followed: bool, via: bool) -> Iterator[Caution]:
    """
    What to look at in a foreign key of a table that is in the document.

    Args:
        child: the table that refers.
        key: its foreign key.
        known: the catalog of both.
        followed: what it refers to is embedded.
        via: the rows are listed below what it refers to.
    """
    where = f"{child.name}.{', '.join(key.columns)}"
    parent = key.parent.partition(".")[2]
    for name in key.columns:
        collated = (child.columns[name].collation or "").lower()
        if (followed or via) and collated and (why := collation.refusal(collated)) is not None:
            yield Caution("init.collation", where, why.partition(";")[0] + ": texts are joined byte by byte")
    if known.logs_cascades:
        return
    rule = f"ON DELETE {key.on_delete} is not logged by this server"
    if key.on_delete == catalog.CASCADE and (followed or via):
        yield Caution("init.cascade", where, f"{rule}: on_parent_delete: cascade is proposed")
    elif key.on_delete == catalog.CASCADE:
        what = f"{rule}: rows deleted with their {parent} stay in documents until syncsvc verify finds them"
        yield Caution("init.cascade", where, what)
    elif key.on_delete == catalog.SET_NULL:
        what = "shows nothing" if followed else "keeps its old value"
        yield Caution("init.set_null", where, f"{rule}: the reference {what} when the {parent} is deleted")
    if key.on_update == catalog.CASCADE:
        what = f"ON UPDATE CASCADE is not logged by this server: a changed key of {parent} is not seen here"
        yield Caution("init.update_cascade", where, what)


def in_order(table: Table) -> list[ForeignKey]:
    """Foreign keys in the order of the table's columns."""
    places = list(table.columns)
    return sorted(table.foreign_keys, key=lambda key: [places.index(name) for name in key.columns])


def sides(key: ForeignKey, parent: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`on` and `to` of a relation; `to` is empty where the columns are the parent's key."""
    pairs = dict(zip(key.parent_columns, key.columns, strict=True))
    if frozenset(pairs) == frozenset(parent.key):
        return tuple(pairs[name] for name in parent.key), ()
    return key.columns, key.parent_columns
