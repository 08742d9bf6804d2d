"""
Every key of the mapping file, declared once: name, shape, meaning, required, default.

The parser (`reading`), the JSON Schema (`schema`) and the reference page are all made from `SECTIONS`.  A key that is
not here does not exist.  What keys must fulfil together (columns that exist, names that differ) stands in `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
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


Shape = Text | Choice | Whole | Positive | Columns | Fields | Order | Types | Section | Named


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section."""

    name: str
    shape: Shape
    #: One sentence for editors and the reference.
    description: str
    required: bool = False
    #: What is used when the key is not written; None: nothing, or what `default_words` says.
    default: str | int | float | None = None
    #: A default that is taken from another part of the file, in words.
    default_words: str = ""
    #: Only allowed beside this key of the same section.
    only_with: str | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """What may stand in one section."""

    title: str
    description: str
    keys: tuple[Key, ...]
    #: Exactly one of these keys must be there.
    exactly_one: tuple[str, ...] = ()

    def find(self, name: str) -> Key | None:
        """The key of that name."""
        return next((key for key in self.keys if key.name == name), None)


NAME = Text(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?", "lower-case letters, digits, - and _, at most 60", 60)
COLLECTION = Text(
    r"(?!system\.|syncsvc_)[^$\x00.\s](?:[^$\x00\s]*[^$\x00.\s])?",
    "a MongoDB collection name, without $ and blanks, that does not begin with system. or syncsvc_",
    120,
)
TOPIC_PREFIX = Text(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", "letters, digits, -, _ and single dots", 100)
# Debezium replaces every other character in a topic's name, so two tables could share a topic.
TABLE = Text(r"[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}", "database.table, of letters, digits, - and _")
FIELD = Text(r"[^$.\x00][^.\x00]*", "a MongoDB field name (no $ in front, no dot)")
COLUMN = Text(r"[^\x00]+", "a column name", 64)
#: Kafka allows more, but every partition costs a fence and a log; 1024 is 128 times the default.
_PARTITIONS = Whole(1, 1024)
_FIELDS_MEANING = "Columns shown in the document, in this order; write {column: name} to rename one."

_PIPELINE = Keys(
    "syncsvc mapping",
    "Which tables make which collection.",
    (
        Key("pipeline", NAME, "Name of the pipeline; part of the names of its topics and state.", required=True),
        Key("generation", Whole(1, 2**31 - 1), "Raise it to rebuild beside the old documents.", default=1),
        Key("collection", COLLECTION, "The MongoDB collection that readers use.", default_words="the pipeline's name"),
        Key(
            "publish",
            Choice(("view", "direct")),
            "view: readers see a view, switched between generations; direct: a plain collection, rebuilt in place.",
            default="view",
        ),
        Key("source", Section("source"), "Where the changes come from.", required=True),
        Key("partitions", _PARTITIONS, "Partitions of the keyed topic; fixed for a generation.", default=8),
        Key("source_partitions", _PARTITIONS, "Partitions of a source topic that has to be created.", default=8),
        Key("root", Section("root"), "The table whose rows become documents.", required=True),
        Key("embed", Named("embed", FIELD), "Related rows inside the document, by their name in it."),
        Key("computed", Named("computed", FIELD), "Values computed from the document, by their name in it."),
        Key("freshness_objective_seconds", Positive(), "How old a document may be before it is late.", default=5.0),
        Key("tables", Named("table", TABLE), "Key and column types of every table that is used.", required=True),
    ),
)

_SOURCE = Keys(
    "source",
    "Where the changes come from.",
    (Key("topic_prefix", TOPIC_PREFIX, "First part of the names of the source topics.", required=True),),
)

_ROOT = Keys(
    "root",
    "The table whose rows become documents.",
    (
        Key("table", TABLE, "The table, as database.table.", required=True),
        Key("key", Columns(), "Its primary key: the shared key and the _id.", default_words="the table's key"),
        Key("fields", Fields(), _FIELDS_MEANING, required=True),
    ),
)

_EMBED = Keys(
    "embed",
    "Related rows inside the document: a list (many) or one value (one).",
    (
        Key("many", TABLE, "Table of a list: all rows whose `on` equals the parent's `to`."),
        Key("one", TABLE, "Table of one value: the row whose `to` equals the parent's `on`, or null."),
        Key("on", Columns(), "many: columns of this table; one: columns of the parent's row.", required=True),
        Key(
            "to",
            Columns(),
            "The other side of `on`. many: columns of the parent's row; one: columns of this table.",
            default_words="the key of that table",
        ),
        Key(
            "identity",
            Columns(),
            "What tells one element from another: the table's primary key.",
            default_words="the table's key",
            only_with="many",
        ),
        Key(
            "order_by",
            Order(),
            "Order of the list: columns, with desc for greatest first.",
            default_words="by identity",
            only_with="many",
        ),
        Key("fields", Fields(), _FIELDS_MEANING, required=True),
        Key("embed", Named("embed", FIELD), "Rows related to this one, by their name in it."),
    ),
    exactly_one=("many", "one"),
)

_COMPUTED = Keys(
    "computed",
    "A value computed from the document.",
    (Key("count", FIELD, "How many elements the list of this name has.", required=True),),
)

_TABLE = Keys(
    "table",
    "What the mapping expects of a table; `syncsvc validate --live` compares it with the server.",
    (
        Key("key", Columns(), "Columns of its primary key, in order.", required=True),
        Key("columns", Types(), "SQL types of the columns in use, with null where a value may miss.", required=True),
    ),
)

#: `{section: its keys}`; the file itself is the section `pipeline`.
SECTIONS: Mapping[str, Keys] = {
    "pipeline": _PIPELINE,
    "source": _SOURCE,
    "root": _ROOT,
    "embed": _EMBED,
    "computed": _COMPUTED,
    "table": _TABLE,
}
