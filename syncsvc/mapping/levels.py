"""
The names that stand side by side in one level of the document, and what each of them is.

Shared by the checks (no name twice, expressions name what is there) and by `expand` (is a computed value one of the
row's own columns?).  A merged relation has no name of its own: what it holds stands in the level of its parent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from syncsvc.mapping.declared import Level
from syncsvc.mapping.findings import Path
from syncsvc.mapping.model import Computed, Table


@dataclass(frozen=True, slots=True)
class Shown:
    """One name of a level."""

    name: str
    kind: Literal["field", "relation", "computed value"]
    #: Where it is named in the file.
    path: Path
    #: Column that a field shows.
    column: str | None = None
    #: False for what a merged relation brings.
    own: bool = True


def shown(level: Level) -> Iterator[Shown]:
    """Everything the level shows: fields, relations (a merged one's content), computed values, in this order."""
    for index, field in enumerate(level.fields):
        yield Shown(field.name, "field", (*level.path_of("fields"), index), field.column)
    yield from _of_relations(level)
    for computed in level.computed:
        yield Shown(computed.name, "computed value", (*level.path_of("computed"), computed.name))


def _of_relations(level: Level) -> Iterator[Shown]:
    named: set[Path] = set()
    for relation in level.relations:
        if relation.embed.merge:
            for merged in shown(relation.level):
                yield dataclasses.replace(merged, own=False)
        elif relation.named_at not in named:  # the cases of a switch have one name
            named.add(relation.named_at)
            yield Shown(relation.embed.name, "relation", relation.named_at)


def above(level: Level, number: int) -> dict[str, Shown]:
    """`{name: what it is}` of everything that computed value `number` of the level may use."""
    before = dataclasses.replace(level, computed=level.computed[:number])
    found: dict[str, Shown] = {}
    for item in shown(before):
        found.setdefault(item.name, item)
    return found


def resolved(level: Level, number: int, table: Table | None) -> Computed:
    """
    Computed value `number` as the model has it: by columns where the level's own row is enough, else by shown names.

    A shown name stands for its column, also where another column is called so.
    """
    computed = level.computed[number]
    columns = dict.fromkeys(table.columns) if table is not None else {}
    meant: Mapping[str, str | None] = {name: name for name in columns} | {
        item.name: item.column if item.own else None for item in above(level, number).values()
    }
    by_column = {name: meant.get(name) for name in computed.expression.names}
    if None in by_column.values():
        return Computed(computed.name, computed.expression, of_row=False)
    renamed = {name: column for name, column in by_column.items() if column is not None}
    return Computed(computed.name, computed.expression.renamed(renamed), of_row=True)
