"""
What kind of value each name of a level holds: the types that expressions are checked with.

Part of `check`.  Columns have the type of their values once they are carried; a relation is a list, an object by key,
an object or a single value of what its elements show; what cannot be told (JSON, a gap in the file) is any value.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncsvc.expressions.check import expression_type
from syncsvc.expressions.types import ANY, ListOf, MapOf, ObjectOf, Type, type_of_column, united
from syncsvc.mapping.declared import Level, Relation
from syncsvc.mapping.levels import above, resolved
from syncsvc.mapping.model import Table

Tables = Mapping[str, Table]
Scope = dict[str, Type]


def of_table(table: Table | None) -> Scope:
    """The columns of a row."""
    columns = table.columns if table is not None else {}
    return {column: type_of_column(text) if text else ANY for column, text in columns.items()}


def of_contents(level: Level, tables: Tables) -> Scope:
    """Fields and relations of a level, without its computed values."""
    columns = of_table(tables.get(level.table))
    found: Scope = {}
    for field in level.fields:
        if field.name:
            found.setdefault(field.name, columns.get(field.column, ANY))
    for relation in level.relations:
        inner = _element(relation, tables)
        if relation.embed.merge:
            found = {**inner.scope, **found}
        elif relation.switch is not None and relation.embed.name in found:
            found[relation.embed.name] = _either(found[relation.embed.name], _shown(relation, inner))
        else:
            found.setdefault(relation.embed.name, _shown(relation, inner))
    return found


def of_level(level: Level, tables: Tables) -> Scope:
    """Everything a level shows."""
    found = of_contents(level, tables)
    for number, computed in enumerate(level.computed):
        found.setdefault(computed.name, of_computed(level, number, found, tables))
    return found


def of_computed(level: Level, number: int, scope: Scope, tables: Tables) -> Type:
    """The type of computed value `number`, where `scope` is what stands above it."""
    return expression_type(level.computed[number].expression, reach(level, number, scope, tables))


def reach(level: Level, number: int, scope: Scope, tables: Tables) -> Scope:
    """What computed value `number` may use: what stands above it and, where that is enough, columns of its row."""
    table = tables.get(level.table)
    if not resolved(level, number, table).of_row:
        return scope
    names = above(level, number)
    return of_table(table) | {name: found for name, found in scope.items() if name in names}


def _element(relation: Relation, tables: Tables) -> ObjectOf:
    """The object that an element is, whatever of it is shown."""
    fields = of_level(relation.level, tables)
    if relation.depth > 1:
        fields.setdefault(relation.embed.name, ANY)  # it goes on below, down to a level that has none
    return ObjectOf(fields)


def _shown(relation: Relation, element: ObjectOf) -> Type:
    embed = relation.embed
    shown = element if embed.value is None else element.scope.get(embed.value, ANY)
    if embed.kind == "one":
        return shown
    return MapOf(shown) if embed.map_by is not None else ListOf(shown)


def _either(one: Type, other: Type) -> Type:
    """Two cases of a switch: fields of both, each null where it is the other."""
    if isinstance(one, ObjectOf) and isinstance(other, ObjectOf):
        both = {name: _either(found, other.scope.get(name, found)) for name, found in one.scope.items()}
        return ObjectOf({**other.scope, **both})
    return united([one, other]) or ANY
