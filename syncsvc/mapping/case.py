"""
What a file of cases says, as frozen values: cases of rounds of steps, and the documents behind each round.

Made by `cases`, which has checked them: tables and columns exist, values fit, so no reader has to ask again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from syncsvc.mapping.document import Entries, Node

Kind = Literal["insert", "update", "delete", "snapshot", "truncate", "tombstone"]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of one column, twice."""

    #: As the file has it, as the database would print it.
    written: Node
    #: As the connector sends it, JSON-ready.
    sent: object


Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Step:
    """One change."""

    kind: Kind
    table: str
    #: `file:line:column`.
    where: str
    #: Values of the table's key; empty where the whole row is given.
    key: Row
    #: insert: all columns; update: those that change.
    row: Row
    #: snapshot: all rows, when they are given; None: those that are there.
    rows: tuple[Row, ...] | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """Some changes, and the documents behind them."""

    given: tuple[Step, ...]
    #: `{collection: whole documents, each with _id, in any order}`; nothing is expected of others.
    expect: Mapping[str, tuple[Entries, ...]]
    #: `file:line:column` of `expect`.
    where: str


@dataclass(frozen=True, slots=True)
class Case:
    """One named case."""

    name: str
    #: At least one; the next begins where the one before has ended.
    rounds: tuple[Round, ...]
    #: The changes may reach us in any order that Kafka allows.
    in_any_order: bool
    #: `file:line:column`.
    where: str
