"""
What may happen in a source, one step at a time.

Each step makes sense whatever came before it, so any part of a history is a history, which is what makes a failing one
small (`minimal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.simulation.tables import Value

Row = dict[str, Value]
Key = tuple[Value, ...]


@dataclass(frozen=True)
class Step:
    """One thing that happens in the source."""

    what: Literal["put", "delete", "rekey", "truncate", "snapshot", "chunk"]
    table: str = ""
    key: Key = ()
    #: Of "put": every column but key and `n`.
    row: Mapping[str, Value] = field(default_factory=dict)
    #: Of "rekey".
    to: Key = ()
    #: The connector never sees it.
    missed: bool = False
    #: What the connector says of it cannot be read.
    garbled: bool = False
    #: Of the same transaction as the step before; of the same statement, where the table is the same.
    joined: bool = False

    def __str__(self) -> str:
        """One line."""
        row = " ".join(f"{column}={value!r}" for column, value in self.row.items())
        key = ",".join(map(repr, self.key))
        words = [self.what, self.table, f"({key})" if self.key else "", row, f"-> {self.to}" if self.to else ""]
        words += ["unseen by the connector" if self.missed else "", "garbled" if self.garbled else ""]
        words += ["same transaction" if self.joined else ""]
        return " ".join(word for word in words if word)


