"""
A mapping as the file has it: complete values, but every relation once and with the place where it stands.

Between `build`, which makes it, `check`, which reads it, and `expand`, which turns it into the model: there a relation
with `depth` is several and each case of a `switch` is one.  Holds gaps ("" and ()) where the file had mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncsvc.mapping.findings import Path
from syncsvc.mapping.model import Computed, Embed, Field, Pipeline, Root, Table


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation, or one case of a `switch`."""

    #: Where its keys stand.
    path: Path
    #: Where its name stands; for a case that of the `switch`.
    named_at: Path
    #: `db.table` of the row it hangs on.
    parent: str
    #: Without relations of its own, and with computed values as they are written: `of_row` says nothing yet.
    embed: Embed
    below: tuple[Relation, ...] = ()
    #: Levels of a relation that follows itself.
    depth: int = 1
    #: Column of the parent's row that chooses the case; None: it is no case.
    switch: str | None = None

    @property
    def level(self) -> Level:
        """What its element holds."""
        return Level(self.path, self.embed.table, self.embed.fields, self.below, self.embed.computed)

    @property
    def column_tables(self) -> tuple[str, str]:
        """`(table of the columns in on, table of the columns in to)`."""
        return (self.embed.table, self.parent) if self.embed.kind == "many" else (self.parent, self.embed.table)


@dataclass(frozen=True, slots=True)
class Level:
    """What stands side by side in the document: at its root or in an element of a relation."""

    #: Of the relation, or of what declares the documents: () is the file itself.
    path: Path
    #: `db.table` of its own row.
    table: str
    fields: tuple[Field, ...]
    relations: tuple[Relation, ...]
    computed: tuple[Computed, ...]
    #: It is the root of a document.
    is_root: bool = False

    def path_of(self, key: str) -> Path:
        """Where its `fields`, `embed` or `computed` stand."""
        return (*self.path, "root", key) if self.is_root and key == "fields" else (*self.path, key)


@dataclass(frozen=True, slots=True)
class Documents:
    """One kind of document."""

    #: Where its `root`, `embed` and `computed` stand: () or `("views", collection)`.
    path: Path
    root: Root
    relations: tuple[Relation, ...]
    #: As they are written.
    computed: tuple[Computed, ...]

    @property
    def level(self) -> Level:
        """The root of the document."""
        return Level(self.path, self.root.table, self.root.fields, self.relations, self.computed, is_root=True)

    def all_relations(self) -> Iterator[Relation]:
        """Every relation and case, parents first, in the order of the file."""
        yield from _walk(self.relations)


@dataclass(frozen=True, slots=True)
class Declared:
    """The whole file."""

    #: Without relations, computed values, views and hash.
    pipeline: Pipeline
    #: The pipeline's own documents, then those of its views.
    kinds: tuple[Documents, ...]

    @property
    def tables(self) -> dict[str, Table]:
        """`{db.table: Table}` of the file."""
        return dict(self.pipeline.tables)


def _walk(relations: tuple[Relation, ...]) -> Iterator[Relation]:
    for relation in relations:
        yield relation
        yield from _walk(relation.below)
