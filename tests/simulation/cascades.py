"""
Foreign keys that delete what refers to a deleted row without logging it, and the relations that are declared so.

A relation can follow such a key where it is the only one that shows the rows that go, and where both tables log to one
binlog; that is what the mapping's manual asks for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from syncsvc.mapping.model import Embed, Pipeline
from tests.simulation.tables import Source


@dataclass(frozen=True)
class Cascade:
    """A foreign key with ON DELETE CASCADE."""

    holder: str
    columns: tuple[str, ...]
    target: str
    to: tuple[str, ...]


def every(pipeline: Pipeline) -> Iterator[Embed]:
    """Every relation, of every collection and at every depth."""
    for one in pipeline.each():
        yield from _below(one.embed)


def _below(embeds: Sequence[Embed]) -> Iterator[Embed]:
    for embed in embeds:
        yield embed
        yield from _below(embed.embed)


def cascades(pipeline: Pipeline) -> list[Cascade]:
    """The keys that the relations of a pipeline say there are."""

    def below(table: str, embeds: Sequence[Embed]) -> Iterator[Cascade]:
        for embed in embeds:
            if embed.on_parent_delete == "cascade" and embed.kind == "many":
                yield Cascade(embed.table, embed.on, table, embed.to)
            elif embed.on_parent_delete == "cascade":
                yield Cascade(table, embed.on, embed.table, embed.to)
            yield from below(embed.table, embed.embed)

    return [cascade for one in pipeline.each() for cascade in below(one.root.table, one.embed)]


def cascading(rng: random.Random, pipeline: Pipeline, sources: Mapping[str, Source]) -> Pipeline:
    """The pipeline, some of whose relations cascade where they can."""
    shown = Counter([one.root.table for one in pipeline.each()] + [embed.table for embed in every(pipeline)])

    def below(table: str, embeds: tuple[Embed, ...], upper: bool) -> tuple[Embed, ...]:
        found = []
        for embed in embeds:
            goes, stays = (embed.table, table) if embed.kind == "many" else (table, embed.table)
            fits = shown[goes] == 1 and set(embed.to) == set(sources[stays].key) and embed.when is None
            fits = fits and sources[goes].server == sources[stays].server and upper and embed.where is None
            here = fits and rng.random() < 0.6
            inner = below(embed.table, embed.embed, embed.where is None)
            found.append(replace(embed, on_parent_delete="cascade" if here else "orphan", embed=inner))
        return tuple(found)

    return replace(pipeline, embed=below(pipeline.root.table, pipeline.embed, pipeline.root.where is None))
