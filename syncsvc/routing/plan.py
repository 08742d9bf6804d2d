"""
A pipeline compiled for the hot path: nodes, roles and references as small numbers and column indexes.

A *node* is a kind of address.  Node 0 holds the documents, addressed by the root's key; every relation that does not
hang on the root's own key has a *relay* node of its own, addressed by the child's columns.  A *role* is a table in one
place of the mapping: where its rows live (node and address columns), what they show, and which relays they refer to.
Comes before `router` and `assembly`, which only read it.  Numbers are given in the order of the mapping file, so they
are stable for a generation (a changed mapping is a new generation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncsvc.mapping import model

DOCUMENTS = 0  # the node of the documents
ROOT = 0  # the role of the root table


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
    #: `(relay node, columns of this row that name the relay's address)`, in the order of the relations.
    references: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A relation as the renderer walks it: which role's rows go under which name, and where they are found."""

    name: str
    many: bool
    role: int
    #: Index among the parent role's references, or None: the rows are at the document's own address.
    reference: int | None
    branches: tuple[Branch, ...]
    #: True when elements must be sorted by the sort bytes that their slots carry.
    ordered: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the stages need to know of a pipeline."""

    pipeline: model.Pipeline
    roles: tuple[Role, ...]
    branches: tuple[Branch, ...]
    #: `(name, branch name)` of each computed count.
    counts: tuple[tuple[str, str], ...]
    #: Longest chain of relays from a document: 0 when every relation hangs on the shared key.
    depth: int
    #: Columns asked of each table, in the order of its declaration.
    columns: dict[str, tuple[str, ...]]

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
        self.nodes = 1
        self.depth = 0

    def _role(self, table: str, node: int, address: tuple[str, ...], embed: model.Embed | None) -> int:
        number = len(self.roles)
        identity = self.pipeline.tables[table].key
        fields = embed.fields if embed else self.pipeline.root.fields
        order = embed.order_by if embed else ()
        by_identity = tuple(model.OrderTerm(column) for column in identity)
        if order == by_identity:
            order = ()
        self.roles.append(Role(number, table, node, address, identity, fields, order, ()))
        return number

    def _branches(self, parent: int, embeds: tuple[model.Embed, ...], depth: int) -> tuple[Branch, ...]:
        branches: list[Branch] = []
        references: list[tuple[int, tuple[str, ...]]] = []
        inner: list[tuple[int, model.Embed, int | None, int]] = []
        for embed in embeds:
            direct = parent == ROOT and embed.parent_columns == self.pipeline.root.key
            node = DOCUMENTS if direct else self._new_node()
            index = None
            if not direct:
                index = len(references)
                references.append((node, embed.parent_columns))
            role = self._role(embed.table, node, embed.child_columns, embed)
            inner.append((role, embed, index, depth if direct else depth + 1))
        if references:
            self.depth = max(self.depth, depth + 1)
        self._refer(parent, tuple(references))
        for role, embed, index, below in inner:
            ordered = embed.kind == "many" and bool(self.roles[role].order_by)
            below_branches = self._branches(role, embed.embed, below)
            branches.append(Branch(embed.name, embed.kind == "many", role, index, below_branches, ordered))
        return tuple(branches)

    def _new_node(self) -> int:
        node, self.nodes = self.nodes, self.nodes + 1
        return node

    def _refer(self, number: int, references: tuple[tuple[int, tuple[str, ...]], ...]) -> None:
        role = self.roles[number]
        self.roles[number] = Role(
            role.number, role.table, role.node, role.address, role.identity, role.fields, role.order_by, references
        )

    def plan(self) -> Plan:
        pipeline = self.pipeline
        self._role(pipeline.root.table, DOCUMENTS, pipeline.root.key, None)
        branches = self._branches(ROOT, pipeline.embed, 0)
        columns = {}
        for name, table in pipeline.tables.items():
            used = {column for role in self.roles if role.table == name for column in _columns_of(role)}
            columns[name] = tuple(column for column in table.columns if column in used)
        counts = tuple((count.name, count.of) for count in pipeline.computed)
        return Plan(pipeline, tuple(self.roles), branches, counts, self.depth, columns)


def _columns_of(role: Role) -> Iterator[str]:
    yield from role.identity
    yield from role.address
    yield from (field.column for field in role.fields)
    yield from (term.column for term in role.order_by)
    for _, columns in role.references:
        yield from columns


def compile_plan(pipeline: model.Pipeline) -> Plan:
    """The plan of a checked pipeline; the same pipeline always gives the same numbers."""
    return _Compiler(pipeline).plan()
