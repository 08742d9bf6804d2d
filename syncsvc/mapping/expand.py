"""
The model from what is declared: `depth` becomes as many relations, and each computed value says what it is made from.

Last step of `load`, on a mapping without problems.  How large that becomes is known before (`size`), so that `check`
refuses a few lines that would be thousands of relations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from syncsvc.mapping.declared import Declared, Documents, Level, Relation
from syncsvc.mapping.levels import resolved
from syncsvc.mapping.model import Computed, Embed, Pipeline, Table, View

#: Relations of one pipeline: each is a node or a role of its own, in every partition.
MOST_RELATIONS = 200
#: Relations within relations: each level may cost the first copy two rounds through the keyed topic.
MOST_LEVELS = 64
#: Kinds of addresses (`routing.plan`): one for each kind of document and each look-up.  A key begins with its number,
#: which is one byte.
MOST_ADDRESSES = 256


def size(relations: tuple[Relation, ...]) -> tuple[int, int]:
    """`(how many relations they become, over how many levels)`, without making them."""
    count, deepest = 0, 0
    for relation in relations:
        below, levels = size(relation.below)
        count += relation.depth * (1 + below)
        deepest = max(deepest, relation.depth + levels)
    return count, deepest


def addresses(kinds: tuple[Documents, ...]) -> int:
    """How many kinds of addresses the documents need: what hangs on the root's own key lives where they do."""
    count = 0
    for kind in kinds:
        embeds = [relation.embed for relation in kind.relations]
        at_home = sum(embed.parent_columns == kind.root.key and embed.when is None for embed in embeds)
        count += 1 + size(kind.relations)[0] - at_home
    return count


def finished(declared: Declared) -> Pipeline:
    """The pipeline, whole but for its hash."""
    own, *others = [_view(kind, declared.tables) for kind in declared.kinds]
    return dataclasses.replace(
        declared.pipeline, root=own.root, embed=own.embed, computed=own.computed, views=tuple(others)
    )


def _view(kind: Documents, tables: Mapping[str, Table]) -> View:
    embeds = tuple(_embed(relation, tables, relation.depth) for relation in kind.relations)
    collection = str(kind.path[-1]) if kind.path else ""
    return View(collection, kind.root, embeds, _computed(kind.level, tables))


def _embed(relation: Relation, tables: Mapping[str, Table], depth: int) -> Embed:
    """The relation with what hangs on it; on its last level it does not hold itself any more."""
    below = tuple(_embed(inner, tables, inner.depth) for inner in relation.below)
    itself = (_embed(relation, tables, depth - 1),) if depth > 1 else ()
    return dataclasses.replace(relation.embed, embed=(*below, *itself), computed=_computed(relation.level, tables))


def _computed(level: Level, tables: Mapping[str, Table]) -> tuple[Computed, ...]:
    return tuple(resolved(level, number, tables.get(level.table)) for number in range(len(level.computed)))
