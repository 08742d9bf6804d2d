"""
A proposed pipeline as values: between the walk along the foreign keys (`tree`) and the file (`text`).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caution:
    """Something a person should look at; also a comment in the file."""

    #: Dotted and stable, for example `init.no_key`.
    code: str
    #: `db.table` or `db.table.column`.
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A column in the document."""

    column: str
    #: Its name there.
    name: str


@dataclass(slots=True)
class Relation:
    """A proposed entry of `embed`."""

    name: str
    #: `one` or `many`.
    kind: str
    table: str
    on: tuple[str, ...]
    #: Empty where the default fits.
    to: tuple[str, ...] = ()
    fields: list[Shown] = field(default_factory=list)
    embed: list[Relation] = field(default_factory=list)
    #: Why it is here and what to know of it, a line each.
    why: list[str] = field(default_factory=list)
    depth: int | None = None
    limit: int | None = None
    merge: bool = False
    required: bool = False
    #: What is written as `on_parent_delete`; None: nothing.
    on_parent_delete: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A column of `tables:`."""

    column: str
    #: None: left out, `note` says why.
    type: str | None
    note: str = ""


@dataclass(slots=True)
class Proposal:
    """A whole mapping file."""

    pipeline: str
    topic_prefix: str
    root: str
    key: tuple[str, ...]
    fields: list[Shown]
    embed: list[Relation]
    #: `{db.table: (key, columns)}`, in the order in which they are first used.
    tables: dict[str, tuple[tuple[str, ...], list[Declared]]]
    cautions: list[Caution]
