"""
The shapes that a key's value may have, as plain values: text, number, columns, expression, section.

`declaration` gives every key one of them; `values` reads them, `schema` and `reference` describe them.  A shape says
nothing that needs a second key.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A text that matches `pattern` whole."""

    pattern: str
    #: How an error describes what is allowed: `must be <wording>`.
    wording: str
    most_characters: int = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression of `syncsvc.expressions`; the names it may use depend on the key."""

    #: It must say yes or no.
    condition: bool = False
    #: What `syncsvc.expressions` takes.
    most_characters: int = 2000


@dataclass(frozen=True, slots=True)
class Positive:
    """A finite number above 0."""


@dataclass(frozen=True, slots=True)
class Columns:
    """One column, or a list of at least one."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A list of at least one `column` or `{column: name in the document}`."""


@dataclass(frozen=True, slots=True)
class Order:
    """A list of at least one `column` or `column desc`."""


@dataclass(frozen=True, slots=True)
class Types:
    """`{column: SQL type}`, at least one."""


@dataclass(frozen=True, slots=True)
class Section:
    """Nested keys, by the name of their section."""

    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """`{name: section}`: any number of sections under names of the user's choice."""

    section: str
    #: What a name stands for: decides which names are allowed (`Text` patterns below).
    key: Text
    #: What may be written in place of a section; None: nothing.
    short: Formula | None = None
    #: There must be at least one.
    not_empty: bool = False


Shape = Text | Choice | Whole | Flag | Positive | Formula | Columns | Fields | Order | Types | Section | Named
