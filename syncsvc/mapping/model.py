"""
What a pipeline is, as frozen values: the mapping file after it was read, checked and completed.

Everything behind `mapping` works on these values and never sees YAML.  They are made by `load`, which has checked
them: names resolve, keys fit together, defaults are filled in, so no reader of the model has to ask again.  There is
no I/O here, no YAML and no rule; a rule about what may be declared stands in `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from syncsvc.expressions import Expression

#: A canonical SQL type, for example `bigint unsigned`, `decimal(12,2)` or `datetime(6) null` (see `column_types`).
ColumnType = str


@dataclass(frozen=True, slots=True)
class Table:
    """What the mapping expects of one source table."""

    #: `db.table`.
    name: str
    #: Columns of the primary key, in the order of the key.
    key: tuple[str, ...]
    #: `{column: type}`, in the order of the file; canonical types, `null` at the end of those that may be null.
    columns: Mapping[str, ColumnType]
    #: Prefix of its topic where it comes from another server than the pipeline's other tables; "" for the pipeline's.
    topic_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A column that shows in the document."""

    #: Column of the node's table.
    column: str
    #: Name in the document; the column's own unless renamed.
    name: str


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One column a list is sorted by."""

    #: Column of the list's table.
    column: str
    #: Greatest first.
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """A value computed for one level of the document: for its root, or for each element of a relation."""

    #: Name in the document.
    name: str
    #: Over columns of the row (`of_row`), or over what the level shows.
    expression: Expression
    #: True: from the columns of the level's own row alone; stands behind the fields.  False: from fields, relations and
    #: computed values of the level as the document shows them; stands behind the relations, in the order of the file.
    of_row: bool


@dataclass(frozen=True, slots=True)
class Embed:
    """A relation: rows of another table inside the document, as a list (`many`) or as one value (`one`)."""

    #: Name in the document.
    name: str
    #: `many`: every child row whose `on` equals the parent's `to`.  `one`: the child row whose `to` equals the
    #: parent's `on`, or null.
    kind: Literal["one", "many"]
    #: `db.table` of the child.
    table: str
    #: `many`: columns of the CHILD.  `one`: columns of the PARENT row.
    on: tuple[str, ...]
    #: `many`: columns of the PARENT row (default: the parent table's key).  `one`: columns of the CHILD (default: the
    #: child table's key).  As many as `on`, of comparable types, pair by pair.
    to: tuple[str, ...]
    #: Columns that tell one child row from another: the child table's primary key.
    identity: tuple[str, ...]
    #: Order of the list (default: by `identity`, ascending); empty for `one`.
    order_by: tuple[OrderTerm, ...]
    #: Columns shown, in the order of the document; may be empty where something else is shown.
    fields: tuple[Field, ...]
    #: Relations that hang on the child's row.
    embed: tuple[Embed, ...] = ()
    #: Over the CHILD's columns: a row for which it is not true is not there.
    where: Expression | None = None
    #: Over the PARENT's columns: for a parent for which it is not true the relation is empty.  Relations of one level
    #: that share a name are the cases of a `switch`: their `when`s exclude each other, the one that holds is shown.
    when: Expression | None = None
    #: Most elements shown, in the list's order; the others stay known, so the next one moves up.
    limit: int | None = None
    #: Name within the element (field, relation or computed value) that is shown in place of the element.
    value: str | None = None
    #: `many`: column of the child whose value, as text, is the key: an object in place of a list.  Rows without a key
    #: are not shown; of several with one key the first in the list's order is.
    map_by: str | None = None
    #: `one`: what the element would hold stands in the parent's level instead, all null where there is no row.
    merge: bool = False
    #: `one`: the parent's element (at the root: the document) is shown only while the row is there.
    required: bool = False
    #: What the deletion of the parent side does to rows that refer to it and were written before.  `cascade`: they are
    #: gone with it, though the source does not log that.  `orphan`, `restrict`: nothing.
    on_parent_delete: Literal["orphan", "cascade", "restrict"] = "orphan"
    computed: tuple[Computed, ...] = ()

    @property
    def child_columns(self) -> tuple[str, ...]:
        """Columns of the child that the relation is joined by, whatever its kind."""
        return self.on if self.kind == "many" else self.to

    @property
    def parent_columns(self) -> tuple[str, ...]:
        """Columns of the parent row that the relation is joined by, pair by pair with `child_columns`."""
        return self.to if self.kind == "many" else self.on


@dataclass(frozen=True, slots=True)
class Root:
    """The table whose rows are the documents."""

    #: `db.table`.
    table: str
    #: The shared key and the document's `_id`: the table's primary key.
    key: tuple[str, ...]
    #: Columns shown, in the order of the document; may be empty where something else is shown.
    fields: tuple[Field, ...]
    #: Over the root's columns: a row for which it is not true has no document.
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Further documents of a pipeline: another collection made from the same tables, in the same pass over them."""

    #: The name readers of MongoDB use.
    collection: str
    root: Root
    embed: tuple[Embed, ...] = ()
    computed: tuple[Computed, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One mapping file."""

    #: Part of the names of topics, consumer group and state.
    name: str
    #: From 1; raised to rebuild beside the old documents.
    generation: int
    #: The name readers of MongoDB use.
    collection: str
    #: `view`: readers see a view on the generation's collection.  `direct`: the collection itself, without blue/green.
    publish: Literal["view", "direct"]
    #: First part of the names of the source topics.
    topic_prefix: str
    #: Partitions of the keyed topic, 1 to 1024.
    partitions: int
    #: Partitions of a source topic that has to be created, 1 to 1024.
    source_partitions: int
    root: Root
    #: Relations of the root.
    embed: tuple[Embed, ...]
    #: Of the root's level.
    computed: tuple[Computed, ...]
    #: `{db.table: Table}`: exactly the tables that the root and the relations name.
    tables: Mapping[str, Table]
    #: How old a document may be before the objective is missed.
    freshness_objective_seconds: float
    #: The file as it was named to `load`.
    path: str
    #: 16 hex digits of what the mapping means (see `meaning`); comments and layout do not count.
    text_hash: str
    #: `replace`: a document is ours as a whole.  `merge`: its other fields belong to the application and survive.
    write: Literal["replace", "merge"] = "replace"
    #: Documents beside those of `root`, in the order of the file.
    views: tuple[View, ...] = ()

    def each(self) -> tuple[Pipeline, ...]:
        """A pipeline for each kind of document, with that root alone; the first one is the pipeline's own."""
        alone = replace(self, views=(), tables=_tables_of(self.root, self.embed, self.tables))
        others = tuple(
            replace(
                alone, collection=view.collection, root=view.root, embed=view.embed, computed=view.computed,
                tables=_tables_of(view.root, view.embed, self.tables),
            )
            for view in self.views
        )  # fmt: skip
        return (alone, *others)

    @property
    def group(self) -> str:
        """Consumer group and common prefix of what belongs to this generation."""
        return f"syncsvc.{self.name}.g{self.generation}"

    @property
    def keyed_topic(self) -> str:
        """The one internal topic, partitioned by the shared key."""
        return f"{self.group}.keyed"

    @property
    def target_collection(self) -> str:
        """The collection this generation writes."""
        return self.collection if self.publish == "direct" else f"{self.collection}__g{self.generation}"

    def source_topic(self, table: str) -> str:
        """Topic of `table` (`db.table`), as Debezium names it."""
        return f"{self.tables[table].topic_prefix or self.topic_prefix}.{table}"


def _tables_of(root: Root, embeds: tuple[Embed, ...], tables: Mapping[str, Table]) -> dict[str, Table]:
    """Of the tables, those that a kind of document is made from."""
    named = {root.table}
    waiting = list(embeds)
    while waiting:
        embed = waiting.pop()
        named.add(embed.table)
        waiting += embed.embed
    return {name: table for name, table in tables.items() if name in named}
