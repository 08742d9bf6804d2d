"""
What a pipeline is, as frozen values: the mapping file after it was read, checked and completed.

Everything behind `mapping` works on these values and never sees YAML.  They are made by `load`, which has checked
them: names resolve, keys fit together, defaults are filled in, so no reader of the model has to ask again.  There is
no I/O here, no YAML and no rule; a rule about what may be declared stands in `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
    #: Columns shown, in the order of the document; never empty.
    fields: tuple[Field, ...]
    #: Relations that hang on the child's row.
    embed: tuple[Embed, ...] = ()

    @property
    def child_columns(self) -> tuple[str, ...]:
        """Columns of the child that the relation is joined by, whatever its kind."""
        return self.on if self.kind == "many" else self.to

    @property
    def parent_columns(self) -> tuple[str, ...]:
        """Columns of the parent row that the relation is joined by, pair by pair with `child_columns`."""
        return self.to if self.kind == "many" else self.on


@dataclass(frozen=True, slots=True)
class Count:
    """A number at the root of the document: how many elements a list has."""

    #: Name in the document.
    name: str
    #: Name of a `many` relation of the root.
    of: str


@dataclass(frozen=True, slots=True)
class Root:
    """The table whose rows are the documents."""

    #: `db.table`.
    table: str
    #: The shared key and the document's `_id`: the table's primary key.
    key: tuple[str, ...]
    #: Columns shown, in the order of the document; never empty.
    fields: tuple[Field, ...]


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
    computed: tuple[Count, ...]
    #: `{db.table: Table}`: exactly the tables that the root and the relations name.
    tables: Mapping[str, Table]
    #: How old a document may be before the objective is missed.
    freshness_objective_seconds: float
    #: The file as it was named to `load`.
    path: str
    #: 16 hex digits of what the mapping means (see `meaning`); comments and layout do not count.
    text_hash: str

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
        return f"{self.topic_prefix}.{table}"
