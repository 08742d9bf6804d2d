"""
A walk from a root table along the foreign keys: which rows a document holds, and under which names.

What a row refers to becomes `one`, what refers to the root becomes `many`, a junction becomes a list of what lies
behind it (`merge` and `required`).  A table is never entered again on the way from the root to it, but by a reference
to itself, which has two levels.  Below a list only rows are listed whose key holds that of their parent: others would
multiply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from syncsvc.source.catalog import Catalog, ForeignKey, Table
from syncsvc.source.proposal import rules, types
from syncsvc.source.proposal.design import Caution, Declared, Proposal, Relation, Shown
from syncsvc.source.proposal.naming import free, list_names, role
from syncsvc.source.proposal.roots import junction

DEPTH = 2
#: Levels of a reference of a table to itself.
SELF_LEVELS = 2
#: Rows a parent from which on a list is proposed with a limit, and that limit.
HUGE, SHOWN = 1000, 100
#: Of one proposal; a mapping may have twice as many, but nobody reads them.
MOST_RELATIONS = 100
_OURS = {"_id", "_sync"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for."""

    #: Levels of relations below the root.
    depth: int = DEPTH
    #: First part of the topics' names.
    topic_prefix: str = "source"


@dataclass(frozen=True, slots=True)
class _Place:
    """A table somewhere in the document."""

    table: Table
    #: Tables from the root to here.
    path: tuple[str, ...]
    #: Levels of relations that may still hang below.
    room: int
    #: Foreign key by which the rows came here, where they are listed.
    via: ForeignKey | None = None
    #: Columns that do not show: they are the `_id`, or those of `via`.
    hidden: tuple[str, ...] = ()
    #: Within a reference of the table to itself.
    again: bool = False

    @property
    def is_root(self) -> bool:
        """Whether these rows are the documents."""
        return len(self.path) == 1 and not self.again and self.via is None

    def below(self, table: Table, via: ForeignKey | None = None) -> _Place:
        """The place of a relation of this one's rows."""
        path = self.path if table.name in self.path else (*self.path, table.name)
        return _Place(table, path, self.room - 1, via, via.columns if via else (), table.name in self.path)


def propose(catalog: Catalog, root: str, pipeline: str, wishes: Wishes) -> Proposal:
    """
    The pipeline of a root table.

    Args:
        catalog: holds the root, which must be fit (`types.refusal`).
        root: `db.table`.
        pipeline: name of the pipeline.
        wishes: depth and topic prefix.
    """
    table, depth = catalog.tables[root], wishes.depth
    while True:
        walk = _Walk(catalog)
        fields, embed = walk.level(_Place(table, (root,), depth, hidden=table.key), set(_OURS))
        if depth == 1 or size(embed) <= MOST_RELATIONS:
            break
        depth -= 1
    if depth < wishes.depth:
        what = f"{wishes.depth} levels of relations would be more than {MOST_RELATIONS}: {depth} are proposed"
        walk.cautions["init.depth", root] = Caution("init.depth", root, what)
    if not fields and not embed:
        fields = [Shown(name, name) for name in table.key]
    return Proposal(
        pipeline, wishes.topic_prefix, root, table.key, fields, embed, walk.tables, list(walk.cautions.values())
    )


def size(relations: Iterable[Relation]) -> int:
    """How many relations a mapping counts: each level of a reference to itself is one more."""
    return sum((relation.depth or 1) * (1 + size(relation.embed)) for relation in relations)


class _Walk:
    """One walk; collects the tables that it uses and what to look at."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.tables: dict[str, tuple[tuple[str, ...], list[Declared]]] = {}
        self.cautions: dict[tuple[str, str], Caution] = {}

    def level(self, place: _Place, taken: set[str]) -> tuple[list[Shown], list[Relation]]:
        """Fields and relations of the rows of a place; `taken` are the names of its level."""
        table = place.table
        columns = self._used(table)
        lookups = [key for key in rules.in_order(table) if self._followed(key, place)]
        self._watch(table, place, lookups)
        if place.again:  # a row keeps the column here, for the last level has nothing else of it
            lookups = [key for key in lookups if key.parent != table.name]
        replaced = {name for key in lookups for name in key.columns}
        shown = [
            column.column
            for column in columns
            if column.type is not None
            and column.column not in place.hidden
            and column.column not in replaced
            and (place.is_root or types.wide(table.columns[column.column]) is None)
        ]
        names = {name: free((name, f"{table.bare}_{name}"), taken) for name in shown}
        fields = [Shown(column, name) for column, name in names.items()]
        relations = [self._lookup(key, place, taken) for key in lookups]
        relations += [self._listed(child, key, place, taken) for child, key in self._children(place)]
        if not fields and not relations:
            fields = [Shown(name, free((name,), taken)) for name in table.key]
        return fields, relations

    def _used(self, table: Table) -> list[Declared]:
        """The table's columns as they are declared; the table is one of the pipeline's from now on."""
        if table.name not in self.tables:
            joined = {*table.key, *(name for key in table.foreign_keys for name in key.columns)}
            joined |= {name for _, key in self._catalog.references_to(table.name) for name in key.parent_columns}
            columns = [types.declared(column, joined=name in joined) for name, column in table.columns.items()]
            self.tables[table.name] = table.key, columns
            for column in columns:
                if column.note:
                    code = "init.type" if column.type is None else "init.wide"
                    if column.type is None or types.wide(table.columns[column.column]):
                        self._caution(code, f"{table.name}.{column.column}", column.note)
        return self.tables[table.name][1]

    def _caution(self, code: str, where: str, what: str) -> None:
        self.cautions.setdefault((code, where), Caution(code, where, what))

    def _watch(self, table: Table, place: _Place, lookups: list[ForeignKey]) -> None:
        """Tells what the source does to these rows without logging it."""
        for key in table.foreign_keys:
            if key.parent in place.path[:-1] and key != place.via and key not in lookups:
                continue  # what is deleted there takes the document, or the list that this row is in
            told = rules.caution(table, key, self._catalog, followed=key in lookups, via=key == place.via)
            for caution in told:
                self._caution(caution.code, caution.where, caution.what)

    def _fits(self, key: ForeignKey, child: Table) -> bool:
        """Whether both sides of a foreign key can be used and joined; says so when they cannot."""
        parent = self._catalog.tables.get(key.parent)
        where = f"{child.name}.{', '.join(key.columns)}"
        if parent is None:
            self._caution("init.unseen_table", where, f"it refers to {key.parent}, which this user cannot see")
            return False
        for table in (child, parent):
            if (refused := types.refusal(table)) is not None:
                self._caution(refused[0], table.name, f"{refused[1]}: left out")
                return False
        pairs = zip(key.columns, key.parent_columns, strict=True)
        if not all(types.joinable(child.columns[one], parent.columns[other]) for one, other in pairs):
            self._caution("init.type", where, f"its type cannot be joined with {key.parent}: the relation is left out")
            return False
        return True

    def _followed(self, key: ForeignKey, place: _Place) -> bool:
        """Whether what the key refers to is embedded."""
        if place.room <= 0 or key == place.via or not self._fits(key, place.table):
            return False
        return key.parent == place.table.name or key.parent not in place.path

    def _children(self, place: _Place) -> Iterator[tuple[Table, ForeignKey]]:
        """`(table, foreign key)` of the rows to list."""
        if place.room <= 0 or place.again or (not place.is_root and place.via is None):
            return
        for child, key in self._catalog.references_to(place.table.name):
            own = child.name == place.table.name
            if child.name in place.path and not (own and place.is_root):
                continue
            part_of_it = frozenset(key.columns) <= frozenset(child.key)
            if (place.is_root or part_of_it) and self._fits(key, child):
                yield child, key

    def _on_delete(self, relation: Relation, key: ForeignKey) -> None:
        """Declares what the source does in silence."""
        done = rules.on_parent_delete(key, self._catalog)
        if done is not None:
            relation.on_parent_delete, reason = done
            relation.why.append(reason)

    def _lookup(self, key: ForeignKey, place: _Place, taken: set[str]) -> Relation:
        parent = self._catalog.tables[key.parent]
        on, to = rules.sides(key, parent)
        relation = Relation(free((role(key), parent.bare, f"{parent.bare}_row"), taken), "one", parent.name, on, to)
        relation.why = rules.why(place.table, key, listed=False)
        if parent.name == place.table.name:
            relation.depth = SELF_LEVELS
            relation.why.append(f"the table refers to itself: {SELF_LEVELS} levels")
        self._on_delete(relation, key)
        relation.fields, relation.embed = self.level(place.below(parent), set())
        return relation

    def _listed(self, child: Table, key: ForeignKey, place: _Place, taken: set[str]) -> Relation:
        on, to = rules.sides(key, place.table)
        other = self._behind(child, key)
        relation = Relation(free(list_names(child, key, other, self._catalog), taken), "many", child.name, on, to)
        relation.why = rules.why(child, key, listed=True)
        self._on_delete(relation, key)
        if key.rows_each is not None and key.rows_each > HUGE:
            relation.limit = SHOWN
            what = f"about {key.rows_each:,.0f} rows for each {place.table.bare}: only the first {SHOWN} are shown"
            relation.why.append(f"{what}; without the limit documents grow huge")
            self._caution("init.fan_out", f"{child.name}.{', '.join(key.columns)}", what)
        if other is not None:
            self._through(relation, child, key, other, place)
        elif child.name == place.table.name:
            relation.depth = SELF_LEVELS
            relation.why.append(f"the table refers to itself: {SELF_LEVELS} levels")
            relation.fields, relation.embed = self.level(place.below(child, key), set())
        else:
            relation.fields, relation.embed = self.level(place.below(child, key), set())
        return relation

    def _behind(self, child: Table, key: ForeignKey) -> ForeignKey | None:
        """The other foreign key of a junction."""
        pair = junction(child, self._catalog)
        if pair is None:
            return None
        other = pair[0] if pair[1] == key else pair[1]
        return other if self._fits(other, child) else None

    def _through(self, relation: Relation, child: Table, key: ForeignKey, other: ForeignKey, place: _Place) -> None:
        """Fills the list of a junction: its own columns, and the rows behind it in the same level."""
        taken: set[str] = set()
        target = self._catalog.tables[other.parent]
        joined = {*key.columns, *other.columns}
        at = place.below(child, key)
        own = [column.column for column in self._used(child) if column.type and column.column not in joined]
        self._watch(child, at, [other])
        behind = replace(at.below(target), room=at.room)  # the junction itself is no level of the document
        fields, embed = self.level(behind, taken)
        relation.fields = [Shown(name, free((name, f"{child.bare}_{name}"), taken)) for name in own]
        on, to = rules.sides(other, target)
        name = free((role(other), f"{role(other)}_row"), taken)
        why = rules.why(child, other, listed=False)
        inner = Relation(name, "one", target.name, on, to, fields, embed, why, merge=True, required=True)
        self._on_delete(inner, other)
        relation.embed = [inner]
        relation.why.append(f"{child.bare} only joins: what shows is the {target.bare} behind it")
