"""
A pipeline compiled for the hot path: nodes, roles and references as small numbers and column indexes.

A *node* is a kind of address.  The first nodes hold documents, addressed by their root's key, one for each view; every
relation that does not hang on the root's own key has a *relay* node of its own, addressed by the child's columns.  A
*role* is a table in one place of the mapping: where its rows live (node and address columns), what they show, and
which relays they refer to.  Comes before `router` and `assembly`, which only read it.  Numbers are given in the order
of the mapping file, so they are stable for a generation (a changed mapping is a new generation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from syncsvc.changes import column_text
from syncsvc.expressions import Expression
from syncsvc.keys import Partitioner
from syncsvc.mapping import model


class Reference(NamedTuple):
    """Columns of a row that name the address of a relay."""

    node: int
    columns: tuple[str, ...]
    #: Over the row's columns: where it is not true the row refers to nothing.
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A table in one place of the mapping."""

    number: int
    table: str
    #: Node its rows are addressed to.
    node: int
    #: Columns whose values are the address.
    address: tuple[str, ...]
    #: Primary key of the table: tells one row of the role from another.
    identity: tuple[str, ...]
    #: Shown columns and their names; the root's `_id` is not among them.
    fields: tuple[model.Field, ...]
    #: Empty when the order is that of `identity`, which the state keeps anyway.
    order_by: tuple[model.OrderTerm, ...]
    #: In the order of the relations.
    references: tuple[Reference, ...] = ()
    #: Over the row's columns: a row for which it is not true is at no address.
    where: Expression | None = None
    #: Shown behind the fields, computed from the row alone.
    computed: tuple[model.Computed, ...] = ()
    #: Column whose text is the row's key in an object.
    map_by: str | None = None
    #: Whether that is a DATE.
    map_day: bool = False
    #: Whether its rows are documents.
    root: bool = False
    #: Whether its slots say where a former life of the row ended: what does not outlive it is gone if it is older.
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A relation as the renderer walks it: which role's rows go under which name, and where they are found."""

    name: str
    many: bool
    role: int
    #: Index among the parent role's references, or None: the rows are at the document's own address.
    reference: int | None
    level: Level
    #: True when elements must be sorted by the sort bytes that their slots carry.
    ordered: bool = False
    limit: int | None = None
    value: str | None = None
    mapped: bool = False
    merge: bool = False
    required: bool = False
    #: A row does not outlive the one it refers to (`on_parent_delete: cascade`).
    cascade: bool = False
    #: Several relations of which one is shown, under one name: the first whose reference holds (`switch`).
    cases: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """What is shown behind the fields of a row, at the root or in an element."""

    branches: tuple[Branch, ...] = ()
    #: Computed from what the level shows, in their order.
    computed: tuple[model.Computed, ...] = ()

    def all(self) -> Iterator[Branch]:
        """Its branches, with the cases of a switch one by one."""
        for branch in self.branches:
            yield from branch.cases or (branch,)


@dataclass(frozen=True, slots=True)
class View:
    """A kind of document; its node has the number of its place in `Plan.views`."""

    #: Role of its root table.
    role: int
    level: Level
    #: The collection this generation of it is written to.
    collection: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the stages need to know of a pipeline."""

    pipeline: model.Pipeline
    roles: tuple[Role, ...]
    views: tuple[View, ...]
    #: Longest chain of relays from a document: 0 when every relation hangs on the shared key.
    depth: int
    #: Columns asked of each table, in the order of its declaration.
    columns: dict[str, tuple[str, ...]]
    #: Columns of the address of each node.
    arity: tuple[int, ...]
    #: Roles whose rows do not outlive others: where they were written matters to what is shown.
    stamped: frozenset[int]
    #: `{role of a root: roles at its own address}` whose rows go with it.
    takes: dict[int, tuple[int, ...]]
    #: Where addresses are: one memory for all actors of a process.
    partition_of: Partitioner = field(compare=False, repr=False)

    def roles_of(self, table: str) -> tuple[Role, ...]:
        """Roles a table plays, in the order of the mapping."""
        return tuple(role for role in self.roles if role.table == table)

    @property
    def tables(self) -> tuple[str, ...]:
        """Source tables, sorted: the order that sender numbers and topics follow."""
        return tuple(sorted(self.columns))

    @property
    def rounds(self) -> int:
        """Rounds of end marks until every row, subscription and answer of the first copy has arrived."""
        return 1 + 2 * self.depth


class _Compiler:
    def __init__(self, pipeline: model.Pipeline) -> None:
        self.pipeline = pipeline
        self.roles: list[Role] = []
        self.views = pipeline.each()
        self.arity = [len(view.root.key) for view in self.views]
        self.depth = 0
        self.stamped: set[int] = set()
        self.takes: dict[int, tuple[int, ...]] = {}

    def _view(self, node: int, view: model.Pipeline) -> View:
        root, number, key = view.root, len(self.roles), self.pipeline.tables[view.root.table].key
        self.roles.append(
            Role(
                number, root.table, node, root.key, key, root.fields, (), where=root.where,
                computed=_of_row(view.computed), root=True,
            )
        )  # fmt: skip
        level = self._level(number, view.embed, view.computed, 0, root.key)
        return View(number, level, view.target_collection)

    def _role(self, embed: model.Embed, node: int) -> int:
        number, identity = len(self.roles), self.pipeline.tables[embed.table].key
        order = embed.order_by
        if order == tuple(model.OrderTerm(column) for column in identity):
            order = ()
        self.roles.append(
            Role(
                number, embed.table, node, embed.child_columns, identity, embed.fields, order, where=embed.where,
                computed=_of_row(embed.computed), map_by=embed.map_by, map_day=self._day(embed),
            )
        )  # fmt: skip
        return number

    def _cascades(self, parent: str, embed: model.Embed) -> bool:
        """Between two servers there is no foreign key, and positions do not compare."""
        one, other = self.pipeline.tables[parent], self.pipeline.tables[embed.table]
        same = (one.topic_prefix or self.pipeline.topic_prefix) == (other.topic_prefix or self.pipeline.topic_prefix)
        return same and embed.on_parent_delete == "cascade"

    def _day(self, embed: model.Embed) -> bool:
        text = self.pipeline.tables[embed.table].columns.get(embed.map_by or "", "")
        return bool(text) and column_text.read(text).name == "date"

    def _level(
        self,
        parent: int,
        embeds: tuple[model.Embed, ...],
        computed: tuple[model.Computed, ...],
        depth: int,
        key: tuple[str, ...] | None = None,
    ) -> Level:
        """`key`: the shared key, where the parent is a root: what hangs on it lives where the document does."""
        references: list[Reference] = []
        found: list[tuple[int, model.Embed, int | None]] = []
        for embed in embeds:
            index, node = None, self.roles[parent].node
            if embed.parent_columns != key or embed.when is not None:
                node, index = self._node(embed), len(references)
                references.append(Reference(node, embed.parent_columns, embed.when))
            found.append((self._role(embed, node), embed, index))
        if references:
            self.depth = max(self.depth, depth + 1)
        self.roles[parent] = replace(self.roles[parent], references=tuple(references))
        branches = [
            self._branch(parent, role, embed, index, depth if index is None else depth + 1)
            for role, embed, index in found
        ]
        shown = tuple(value for value in computed if not value.of_row)
        return Level(tuple(_switches(branches)), shown)

    def _branch(self, parent: int, role: int, embed: model.Embed, index: int | None, depth: int) -> Branch:
        many, cascade = embed.kind == "many", self._cascades(self.roles[parent].table, embed)
        if cascade:
            lasting, passing = (parent, role) if many else (role, parent)
            self.roles[lasting] = replace(self.roles[lasting], ended=True)
            self.stamped.add(passing)
            if many and index is None:
                self.takes[parent] = (*self.takes.get(parent, ()), role)
        level = self._level(role, embed.embed, embed.computed, depth)
        return Branch(
            embed.name, many, role, index, level, many and bool(self.roles[role].order_by), embed.limit, embed.value,
            embed.map_by is not None, embed.merge, embed.required, cascade,
        )  # fmt: skip

    def _node(self, embed: model.Embed) -> int:
        self.arity.append(len(embed.child_columns))
        return len(self.arity) - 1

    def plan(self) -> Plan:
        pipeline = self.pipeline
        views = tuple([self._view(node, view) for node, view in enumerate(self.views)])
        columns = {}
        for name, table in pipeline.tables.items():
            used = {column for role in self.roles if role.table == name for column in _columns_of(role)}
            columns[name] = tuple(column for column in table.columns if column in used)
        return Plan(
            pipeline, tuple(self.roles), views, self.depth, columns, tuple(self.arity), frozenset(self.stamped),
            self.takes, Partitioner(pipeline.partitions),
        )  # fmt: skip


def _of_row(computed: tuple[model.Computed, ...]) -> tuple[model.Computed, ...]:
    return tuple(value for value in computed if value.of_row)


def _switches(branches: list[Branch]) -> Iterator[Branch]:
    """Branches of one name, which stand side by side, become one with cases."""
    names = [branch.name for branch in branches]
    for name in dict.fromkeys(names):
        same = tuple(branch for branch in branches if branch.name == name)
        yield same[0] if len(same) == 1 else replace(same[0], cases=same)


def _columns_of(role: Role) -> Iterator[str]:
    yield from role.identity
    yield from role.address
    yield from (field.column for field in role.fields)
    yield from (term.column for term in role.order_by)
    for reference in role.references:
        yield from reference.columns
        if reference.when is not None:
            yield from reference.when.names
    if role.where is not None:
        yield from role.where.names
    for value in role.computed:
        yield from value.expression.names
    if role.map_by is not None:
        yield role.map_by


def compile_plan(pipeline: model.Pipeline) -> Plan:
    """The plan of a checked pipeline; the same pipeline always gives the same numbers."""
    return _Compiler(pipeline).plan()
