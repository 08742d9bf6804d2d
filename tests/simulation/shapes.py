"""
Random schemas and mappings: every shape a document may have, as values of the model.

`shape(seed)` is a function of its seed.  A shape carries, beside the pipeline, its tables with the values their columns
take, and each expression in SQL; the oracle and the histories need nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syncsvc.expressions import Expression
from syncsvc.mapping.model import Embed, Pipeline, Root, View
from tests.simulation.cascades import cascading, every
from tests.simulation.formulas import Formula, Holder, Items, Kind
from tests.simulation.levels import MOST_DEPTH, MOST_TABLES, Levels, Shown
from tests.simulation.tables import Source, finished, foreign_key


@dataclass(frozen=True)
class Shape:
    """One mapping and its tables."""

    pipeline: Pipeline
    sources: Mapping[str, Source]
    #: `{expression of the pipeline: the same in SQL}`.
    formulas: Mapping[Expression, Formula]
    #: What it has, for the share of each.
    features: frozenset[str]


class _Builder(Levels):
    def relation(self, shown: Shown, source: Source, depth: int) -> None:
        make = self.rng.choices(
            (self.many, self.one, self.one_child, self.junction, self.self_reference, self.switch),
            (8, 6, 2, 3, 2, 2),
        )[0]
        make(shown, source, depth)

    def joined(self, source: Source) -> tuple[str, ...]:
        """Columns of a parent that its children refer to."""
        if self.chance(0.08, "joined by other columns than the key"):
            return (self.rng.choice(("w", "v")),)
        if len(source.key) > 1:
            self.features.add("composite key")
            how = self.rng.random()
            if how < 0.15:
                self.features.add("joined by a part of the key")
                return (self.rng.choice(source.key),)
            if how < 0.3:
                return source.key[::-1]
        return source.key

    def child(self, source: Source, to: Sequence[str], stem: str) -> tuple[Source, tuple[str, ...]]:
        """A table of children and their columns that hold the parent's; these may be part of their key."""
        if len(self.sources) < MOST_TABLES and self.chance(0.15, "child's key holds its parent's"):
            made = Source(f"shop.t{len(self.sources)}", server=self.rng.choice(self.servers))
            columns = []
            for index, column in enumerate(to):
                domain = tuple(value for value in source.domains[column] if value is not None)
                text = source.types[column].removesuffix(" null")
                columns.append(made.add(f"{stem}{index}", text, domain))
            made.key = (*columns, made.add("line", "int", (1, 2)))
            finished(self.rng, made)
            self.sources[made.name] = made
            return made, tuple(columns)
        made = self.table()
        return made, foreign_key(self.rng, made, source, to, stem)

    def many(self, shown: Shown, source: Source, depth: int) -> None:
        name, to = self.fresh("many"), self.joined(source)
        self.features.add(("embed many", "array in array", "arrays to three levels", "deeper")[depth])
        child, on = self.child(source, to, f"{name}_fk")
        inner = self.level(child, depth + 1)
        embed = Embed(
            name, "many", child.name, on, to, child.key, self.order(child), tuple(inner.fields), tuple(inner.embed),
            computed=tuple(inner.computed), where=self.where(child), when=self.when(source),
        )  # fmt: skip
        self.show_list(shown, embed, inner, child)

    def show_list(self, shown: Shown, embed: Embed, inner: Shown, child: Source) -> None:
        """Adds a list with its limit, as scalars or as an object, and what computed values see of it."""
        if self.chance(0.2, "limit"):
            embed = replace(embed, limit=self.rng.choice((1, 2)))
        value: Kind | Items | Holder | None = None
        single = [*inner.scope, *[below.name for below in embed.embed if not below.merge]]
        if single and self.chance(0.15, "array of scalars"):
            name = self.rng.choice(single)
            embed, value = replace(embed, value=name), inner.scope.get(name)
        mapped = self.chance(0.12, "map")
        if mapped:
            embed = replace(embed, map_by=self.rng.choice(list(self.usable(child))))
        shown.embed.append(embed)
        if mapped:
            return
        if embed.value is None:
            shown.scope[embed.name] = Items(inner.scalars())
        elif isinstance(value, str):
            shown.scope[embed.name] = Items({"it": value}, bare=True)

    def one(self, shown: Shown, source: Source, depth: int) -> None:
        name, target = self.fresh("one"), self.table()
        self.features.add(("embed one", "one of one or of an element", "one at depth 2", "deeper")[depth])
        to = target.key
        if len(to) > 1:
            self.features.add("composite key")
            to = to[::-1] if self.chance(0.2) else to
        on = foreign_key(self.rng, source, target, to, f"{name}_fk")
        self.show_one(shown, source, target, name, on, to, depth)

    def one_child(self, shown: Shown, source: Source, depth: int) -> None:
        """A row that refers to the parent, of which there should be one; of several the first by its key is shown."""
        name = self.fresh("one")
        self.features.add("embed one by the child's column")
        child, to = self.child(source, source.key, f"{name}_fk")
        self.show_one(shown, source, child, name, source.key, to, depth, several=True)

    def show_one(
        self, shown: Shown, source: Source, target: Source, name: str, on: tuple[str, ...], to: tuple[str, ...],
        depth: int, *, several: bool = False,
    ) -> None:  # fmt: skip
        merge = self.chance(0.25, "merge")
        inner = self.level(target, depth + 1, merged=merge, leaf=several)
        embed = Embed(
            name, "one", target.name, on, to, target.key, (), tuple(inner.fields), tuple(inner.embed),
            computed=tuple(inner.computed), where=self.where(target), when=self.when(source), merge=merge,
            required=self.chance(0.15, "required"),
        )  # fmt: skip
        if merge:
            shown.scope.update(inner.scope)
        elif self.chance(0.1, "value of one"):
            embed = replace(embed, value=self.rng.choice(list(inner.scope) or [embed.embed[0].name]))
            kind = inner.scope.get(embed.value or "")
            if isinstance(kind, str):
                shown.scope[name] = kind
        else:
            shown.scope[name] = Holder(inner.scalars())
        shown.embed.append(embed)

    def junction(self, shown: Shown, source: Source, depth: int) -> None:
        """Many-to-many: rows of a junction with the one row each of them leads to."""
        name = self.fresh("pairs")
        self.features.add("many-to-many")
        target = self.table()
        made = Source(f"shop.j{self.names}", server=self.rng.choice(self.servers))
        if self.rng.random() < 0.5:
            made.key = (made.add("id", "int", (1, 2, 3, 4)),)
            finished(self.rng, made)
            left = foreign_key(self.rng, made, source, source.key, "left")
            right = foreign_key(self.rng, made, target, target.key, "right")
        else:
            left = tuple(made.add(f"left{i}", source.types[c], source.domains[c]) for i, c in enumerate(source.key))
            right = tuple(made.add(f"right{i}", target.types[c], target.domains[c]) for i, c in enumerate(target.key))
            made.key = (*left, *right)
            finished(self.rng, made)
        self.sources[made.name] = made
        inner = Shown()
        if self.chance(0.6, "many-to-many with the junction's columns"):
            self.fields(inner, made, merged=False)
        far = self.level(target, depth + 2, merged=True)
        inner.scope.update(far.scope)
        through = Embed(
            self.fresh("far"), "one", target.name, right, target.key, target.key, (), tuple(far.fields),
            tuple(far.embed), computed=tuple(far.computed), where=self.where(target), merge=True, required=True,
        )  # fmt: skip
        embed = Embed(
            name, "many", made.name, left, source.key, made.key, self.order(made), tuple(inner.fields), (through,),
            where=self.where(made), when=self.when(source),
        )  # fmt: skip
        self.show_list(shown, embed, inner, made)

    def self_reference(self, shown: Shown, source: Source, depth: int) -> None:
        """The parent's table again, as its children or as its own parent, some levels deep."""
        name, levels = self.fresh("tree"), self.rng.randint(1, 3)
        self.features.add(f"self reference, {levels} levels")
        up = foreign_key(self.rng, source, source, source.key, f"{name}_up")
        many = self.rng.random() < 0.6
        inner = self.level(source, MOST_DEPTH, leaf=True)
        embed = Embed(
            name, "many" if many else "one", source.name, up, source.key, source.key,
            self.order(source) if many else (), tuple(inner.fields), computed=tuple(inner.computed),
            where=self.where(source), when=self.when(source), limit=2 if many and self.chance(0.15, "limit") else None,
        )  # fmt: skip
        whole = embed
        for _ in range(levels - 1):
            whole = replace(embed, embed=(whole,))
        shown.embed.append(whole)
        shown.scope[name] = Items(inner.scalars()) if many else Holder(inner.scalars())

    def switch(self, shown: Shown, source: Source, depth: int) -> None:
        """A reference whose table another column names."""
        name = self.fresh("any")
        self.features.add("polymorphic")
        kinds = ("x", "y", "q")[: self.rng.choice((2, 2, 3))]
        kind = source.add(f"{name}_kind", "varchar(20) null", (*kinds, None, "other"))
        reference = source.add(f"{name}_ref", "int null", (None, 1, 2, 3, 9))
        for case in kinds:
            used = [embed.table for embed in shown.embed if embed.name == name]
            numbered = [made for made in self.sources.values() if made.key == ("id",) and made.name not in used]
            if numbered and (len(self.sources) >= MOST_TABLES or self.rng.random() < 0.3):
                target = self.rng.choice(numbered)
            else:
                target = Source(f"shop.p{len(self.sources)}", server=self.rng.choice(self.servers))
                target.key = (target.add("id", "int", (1, 2, 3)),)
                finished(self.rng, target)
                self.sources[target.name] = target
            inner = self.level(target, depth + 1)
            when = self.expression(Formula(f"{kind} = '{case}'", f"\"{kind}\" = '{case}'", "bool"))
            shown.embed.append(
                Embed(
                    name, "one", target.name, (reference,), target.key, target.key, (), tuple(inner.fields),
                    tuple(inner.embed), computed=tuple(inner.computed), where=self.where(target), when=when,
                )
            )  # fmt: skip

    def root(self) -> tuple[Root, Shown]:
        table = self.table()
        shown = self.level(table, 0)
        return Root(table.name, table.key, tuple(shown.fields), self.where(table)), shown

    def views(self) -> tuple[View, ...]:
        """Now and then another collection from the same tables."""
        if not self.chance(0.12, "two collections"):
            return ()
        self.left += 2
        root, shown = self.root()
        return (View("other", root, tuple(shown.embed), tuple(shown.computed)),)

    def shape(self) -> Shape:
        root, shown = self.root()
        views = self.views()
        pipeline = Pipeline(
            name="sim", generation=1, collection="sim", publish="direct", topic_prefix="shop",
            partitions=self.partitions, source_partitions=2,
            root=root, embed=tuple(shown.embed), views=views, computed=tuple(shown.computed),
            tables={name: made.declared for name, made in self.sources.items()},
            freshness_objective_seconds=5.0, path="sim.yaml", text_hash="0",
        )  # fmt: skip
        if len({made.server for made in self.sources.values()}) > 1:
            self.features.add("two servers")
        if not pipeline.embed:
            self.features.add("one table")
        pipeline = cascading(self.rng, pipeline, self.sources)
        taken = [embed.kind for embed in every(pipeline) if embed.on_parent_delete == "cascade"]
        self.features |= {f"cascade ({kind})" for kind in taken}
        return Shape(pipeline, self.sources, self.formulas, frozenset(self.features))


def shape(seed: int, *, partitions: int = 2) -> Shape:
    """The shape of a seed."""
    return _Builder(random.Random(f"shape {seed}"), partitions).shape()
