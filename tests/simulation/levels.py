"""
Levels of random mappings: what a row shows beside its relations, and what computed values may name of it.

The half of `shapes` that knows nothing of the kinds of relations.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from syncsvc.expressions import Expression, parse
from syncsvc.mapping.model import Computed, Embed, Field, OrderTerm
from tests.simulation import formulas
from tests.simulation.formulas import Formula, Holder, Items, Kind
from tests.simulation.tables import Source, table

MOST_RELATIONS, MOST_DEPTH, MOST_TABLES = 5, 3, 5


@dataclass
class Shown:
    """A level under construction."""

    fields: list[Field] = field(default_factory=list)
    embed: list[Embed] = field(default_factory=list)
    computed: list[Computed] = field(default_factory=list)
    #: What computed values may name.
    scope: dict[str, Kind | Items | Holder] = field(default_factory=dict)

    def scalars(self) -> dict[str, Kind]:
        """Those of them that are single values."""
        return {name: what for name, what in self.scope.items() if isinstance(what, str)}


class Levels:
    """Makes levels; how relations are made is left to `shapes`."""

    def __init__(self, rng: random.Random, partitions: int) -> None:
        self.rng, self.partitions = rng, partitions
        self.sources: dict[str, Source] = {}
        self.formulas: dict[Expression, Formula] = {}
        self.features: set[str] = set()
        self.left = rng.randint(0 if rng.random() < 0.1 else 1, MOST_RELATIONS)
        self.names = 0
        self.servers = rng.choice(((0,), (0,), (1,), (0, 1)))

    def chance(self, share: float, feature: str = "") -> bool:
        """True in this share of the cases, which then counts as a feature."""
        hit = self.rng.random() < share
        if hit and feature:
            self.features.add(feature)
        return hit

    def fresh(self, stem: str) -> str:
        """A name that nothing else has."""
        self.names += 1
        return f"{stem}{self.names}"

    def expression(self, formula: Formula) -> Expression:
        """The expression in the mapping's language; its SQL is remembered."""
        made = parse(formula.text)
        self.formulas[made] = formula
        return made

    def table(self) -> Source:
        """A new table, or now and then one that is already there."""
        if self.sources and (len(self.sources) >= MOST_TABLES or self.chance(0.2)):
            self.features.add("a table in two roles")
            return self.rng.choice(list(self.sources.values()))
        made = table(self.rng, f"shop.t{len(self.sources)}", self.rng.choice(self.servers))
        self.sources[made.name] = made
        return made

    # A level: fields, relations, computed values.

    def level(self, source: Source, depth: int, *, merged: bool = False, leaf: bool = False) -> Shown:
        """What a row of this table shows; nothing hangs on a `leaf`."""
        shown = Shown()
        self.fields(shown, source, merged=merged)
        if self.chance(0.25, "computed of the row"):
            formula = formulas.value(self.rng, self.usable(source))
            name = self.fresh("c")
            shown.computed.append(Computed(name, self.expression(formula), of_row=True))
            shown.scope[name] = formula.kind
        wanted = self.rng.choice((1, 1, 2, 3)) if depth == 0 else self.rng.choice((0, 0, 1, 1, 2))
        for _ in range(0 if leaf or depth >= MOST_DEPTH else wanted):
            if self.left > 0:
                self.left -= 1
                self.relation(shown, source, depth)
        while not merged and self.chance(0.35):
            formula_or_none = formulas.of_document(self.rng, shown.scope)
            if formula_or_none is None:
                break
            self.features.add("computed of the document")
            name = self.fresh("d")
            shown.computed.append(Computed(name, self.expression(formula_or_none), of_row=False))
            shown.scope[name] = formula_or_none.kind
        if not (shown.fields or shown.embed or shown.computed):
            self.show(shown, source, "n", self.fresh("n") if merged else "n")
        return shown

    def usable(self, source: Source) -> dict[str, Kind]:
        """Columns that conditions and values may name."""
        return {column: kind for column, kind in source.kinds().items() if column != "n"}

    def fields(self, shown: Shown, source: Source, *, merged: bool) -> None:
        """Columns that are shown, now and then under other names."""
        if self.chance(0.08, "no fields"):
            return
        for column in source.types:
            share = 0.85 if column == "n" else 0.7 if column in source.key else 0.4
            if self.rng.random() < share:
                name = self.fresh(column) if merged or self.chance(0.1, "renamed field") else column
                self.show(shown, source, column, name)
        named = {one.name: index for index, one in enumerate(shown.fields)}
        if "w" in named and "v" in named and self.chance(0.1, "renamed onto another column"):
            for name, column in (("w", "v"), ("v", "w")):
                shown.fields[named[name]] = Field(column, name)
                shown.scope[name] = source.kinds()[column]

    def show(self, shown: Shown, source: Source, column: str, name: str) -> None:
        """Shows one column."""
        shown.fields.append(Field(column, name))
        shown.scope[name] = source.kinds()[column]

    def relation(self, shown: Shown, source: Source, depth: int) -> None:
        """Adds one relation to a level."""
        raise NotImplementedError

    # Conditions and order.

    def order(self, child: Source) -> tuple[OrderTerm, ...]:
        """The order of a list; ends with the key, as a loaded mapping's does, but not always."""
        identity = tuple(OrderTerm(column) for column in child.key)
        if not self.chance(0.5, "order_by"):
            return identity
        columns = self.rng.sample(list(child.types), self.rng.choice((1, 1, 2)))
        terms = [OrderTerm(column, self.rng.random() < 0.5) for column in columns]
        if self.rng.random() < 0.8:
            terms += [term for term in identity if term.column not in columns]
        return tuple(terms)

    def where(self, source: Source) -> Expression | None:
        """A condition over the columns of a table."""
        if not self.chance(0.2, "where"):
            return None
        return self.expression(formulas.condition(self.rng, self.usable(source)))

    def when(self, source: Source) -> Expression | None:
        """A condition over the columns of the parent's table."""
        if not self.chance(0.12, "when"):
            return None
        return self.expression(formulas.condition(self.rng, self.usable(source)))
