"""
What a pipeline joins, as the page draws it: tables, the relations between them, the keyed topic and the collections.

Made from the mapping and nothing else; names only, no expressions and no values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncsvc.mapping import model


@dataclass(frozen=True, slots=True)
class Place:
    """A table in one place of the document."""

    #: `db.table`.
    table: str
    topic: str
    #: Name in the document; "" for the root.
    name: str
    #: Number of the place it hangs on; -1 for the root of a collection.
    parent: int
    #: `root`, `one` or `many`.
    kind: str
    #: How it is joined: `meeting_id = meeting.id`; for the root its key.
    on: str
    #: Found through an address of its own (a relay), not at the document's.
    relay: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A pipeline from its tables to its documents."""

    places: tuple[Place, ...]
    keyed_topic: str
    #: Collections as readers name them, in the order of their roots among `places`.
    collections: tuple[str, ...]


def of(pipeline: model.Pipeline) -> Shape:
    """The shape of a checked pipeline: each root with what hangs on it, depth first, in the order of the file."""
    places: list[Place] = []
    for view in pipeline.each():
        root = len(places)
        key = ", ".join(view.root.key)
        places.append(Place(view.root.table, pipeline.source_topic(view.root.table), "", -1, "root", key, False))
        places += _below(pipeline, view.embed, root, root, view.root.table, view.root.key)
    return Shape(tuple(places), pipeline.keyed_topic, tuple(view.collection for view in pipeline.each()))


def _below(
    pipeline: model.Pipeline,
    embeds: tuple[model.Embed, ...],
    parent: int,
    before: int,
    table: str,
    key: tuple[str, ...] | None,
) -> Iterator[Place]:
    """
    Places below one; `before` is the number of the place that came last.

    `key` is the shared key where the parent is a root: what is joined by it lives where the document does.
    """
    for embed in embeds:
        before += 1
        number = before
        pairs = zip(embed.child_columns, embed.parent_columns, strict=True)
        on = ", ".join(f"{child} = {table.rpartition('.')[2]}.{own}" for child, own in pairs)
        relay = embed.parent_columns != key or embed.when is not None
        yield Place(embed.table, pipeline.source_topic(embed.table), embed.name, parent, embed.kind, on, relay)
        for place in _below(pipeline, embed.embed, number, number, embed.table, None):
            before += 1
            yield place
