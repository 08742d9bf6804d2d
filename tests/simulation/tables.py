"""
Tables of random schemas: few columns, and so few values in each that keys collide, move and come back often.

Every table has a column `n`: the place in the history at which the row was written.  It is unique to one image of one
row, so a reader of documents can tell which image it is shown.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from syncsvc.mapping import model
from tests.simulation.formulas import WORDS, Kind

Value = int | str | None
NUMBERS = (None, 0, 1, 2, 3)
#: Nothing has these keys: what refers to them refers to nothing.
DANGLING: dict[Kind, Value] = {"int": 9, "text": "z"}


def kind_of(column_type: str) -> Kind:
    """How expressions see a column."""
    return "text" if column_type.startswith("varchar") else "int"


@dataclass
class Source:
    """One table."""

    #: `db.table`.
    name: str
    key: tuple[str, ...] = ()
    #: `{column: type}`.
    types: dict[str, str] = field(default_factory=dict)
    #: `{column: values it takes}`; `n` has none.
    domains: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    #: 0 logs as MySQL does, with milliseconds and GTIDs; 1 as MariaDB, with whole seconds.  Each has its own binlog.
    server: int = 0

    def add(self, column: str, column_type: str, domain: Sequence[Value]) -> str:
        """One more column; its name."""
        self.types[column] = column_type
        self.domains[column] = tuple(domain)
        return column

    def kinds(self) -> dict[str, Kind]:
        """Every column as expressions see it."""
        return {column: kind_of(text) for column, text in self.types.items()}

    @property
    def declared(self) -> model.Table:
        """As the mapping declares it."""
        return model.Table(self.name, self.key, dict(self.types), "other" if self.server else "")


def table(rng: random.Random, name: str, server: int) -> Source:
    """A table with a key of one number, one text, or two columns."""
    made = Source(name, server=server)
    how = rng.random()
    if how < 0.6:
        made.key = (made.add("id", "int", rng.choice(((1, 2, 3), (1, 2, 3), tuple(range(1, 8))))),)
    elif how < 0.75:
        made.key = (made.add("code", "varchar(20)", ("a", "A", "b ")),)
    else:
        second = ("kb", "varchar(20)", ("a", "b")) if rng.random() < 0.4 else ("kb", "bigint", (1, 2))
        made.key = (made.add("ka", "int", (1, 2)), made.add(*second))
    finished(rng, made)
    return made


def finished(rng: random.Random, made: Source) -> None:
    """Adds what every table has: a word, a number, and `n`."""
    if rng.random() < 0.5:
        made.add("w", "varchar(20)", WORDS)
    else:
        made.add("w", "varchar(20) null", (None, *WORDS))
    made.add("v", "int null", NUMBERS)
    made.types["n"] = "int"


def foreign_key(
    rng: random.Random, holder: Source, target: Source, columns: Sequence[str], stem: str
) -> tuple[str, ...]:
    """Columns of `holder` that hold values of these columns of `target`, or null, or values that are not there."""
    found = []
    for index, column in enumerate(columns):
        kind = kind_of(target.types[column])
        if column not in target.domains:
            raise AssertionError(f"{column} is no column to refer to")
        same = [
            other for other, what in holder.kinds().items()
            if what == kind and other != "n" and other not in found and other not in holder.key
        ]  # fmt: skip
        if same and rng.random() < 0.12:
            found.append(rng.choice(same))  # one column in two roles
            continue
        name = f"{stem}{index}" if len(columns) > 1 else stem
        if name not in holder.types:
            column_type = {"int": rng.choice(("int", "int", "bigint")), "text": "varchar(20)"}[kind]
            domain = tuple(value for value in target.domains[column] if value is not None)
            extra = (None,) if rng.random() < 0.7 else (None, DANGLING[kind])
            holder.add(name, f"{column_type} null", (*domain, *domain, *extra))
        found.append(name)
    return tuple(found)
