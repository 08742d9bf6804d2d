"""
Every key of the mapping file, declared once: name, shape, meaning, required, default.

The parser (`reading`), the JSON Schema (`schema`) and the reference page (`reference`) are all made from `SECTIONS`.  A
key that is not here does not exist.  The shapes that keys take stand in `shapes`; what keys must fulfil together
(columns that exist, names that differ) stands in `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from syncsvc.mapping.shapes import (
    Choice,
    Columns,
    Fields,
    Flag,
    Formula,
    Named,
    Order,
    Positive,
    Section,
    Shape,
    Text,
    Types,
    Whole,
)


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
    #: Only allowed beside one of these keys of the same section; (): beside any.
    only_with: tuple[str, ...] = ()
    #: Must be written beside each of these keys.
    required_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a key cannot be there."""

    why: str
    #: Key that is meant, or "".
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """What may stand in one section."""

    title: str
    description: str
    keys: tuple[Key, ...]
    #: Exactly one of these keys must be there.
    exactly_one: tuple[str, ...] = ()
    #: At least one of these keys must be there; where they only belong to some of `exactly_one`, beside those.
    at_least_one: tuple[str, ...] = ()
    #: Keys of a like section that this one cannot have.
    refused: Mapping[str, Refused] = field(default_factory=dict)

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
CASE = Text(r"[^\x00]+", "a value of the column that switches", 255)
#: Kafka allows more, but every partition costs a fence and a log; 1024 is 128 times the default.
_PARTITIONS = Whole(1, 1024)
_FIELDS_MEANING = "Columns shown in the document, in this order; write {column: name} to rename one."
_COMPUTED_VALUES = Named("computed", FIELD, short=Formula())

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
        Key(
            "write",
            Choice(("replace", "merge")),
            "replace: a document is written whole; merge: fields that the application added to it survive.",
            default="replace",
        ),
        Key("source", Section("source"), "Where the changes come from.", required=True),
        Key("partitions", _PARTITIONS, "Partitions of the keyed topic; fixed for a generation.", default=8),
        Key("source_partitions", _PARTITIONS, "Partitions of a source topic that has to be created.", default=8),
        Key("root", Section("root"), "The table whose rows become documents.", required=True),
        Key("embed", Named("embed", FIELD), "Related rows inside the document, by their name in it."),
        Key("computed", _COMPUTED_VALUES, "Values computed for the document, by their name in it."),
        Key("views", Named("view", COLLECTION), "Other documents from the same pass over the tables, by collection."),
        Key("freshness_objective_seconds", Positive(), "How old a document may be before it is late.", default=5.0),
        Key("tables", Named("table", TABLE), "Key and column types of every table that is used.", required=True),
    ),
)

_SOURCE = Keys(
    "source",
    "Where the changes come from.",
    (Key("topic_prefix", TOPIC_PREFIX, "First part of the names of the source topics.", required=True),),
)

_VIEW = Keys(
    "view",
    "Other documents made in the same pass: they share changes and generation with those of the file's own root.",
    (
        Key("root", Section("root"), "The table whose rows become these documents.", required=True),
        Key("embed", Named("embed", FIELD), "Related rows inside the document, by their name in it."),
        Key("computed", _COMPUTED_VALUES, "Values computed for the document, by their name in it."),
    ),
)

_ROOT = Keys(
    "root",
    "The table whose rows become documents.",
    (
        Key("table", TABLE, "The table, as database.table.", required=True),
        Key("key", Columns(), "Its primary key: the shared key and the _id.", default_words="the table's key"),
        Key("fields", Fields(), _FIELDS_MEANING),
        Key("where", Formula(condition=True), "Only rows for which this is true have a document."),
    ),
)

#: Keys of a relation that a case of a `switch` has as well.
_RELATION = (
    Key("where", Formula(condition=True), "Only rows of this table for which this is true are there."),
    Key("value", FIELD, "Show this one value of each element (field, computed, relation) in place of an object."),
    Key("fields", Fields(), _FIELDS_MEANING),
    Key("embed", Named("embed", FIELD), "Rows related to this one, by their name in it."),
    Key("computed", _COMPUTED_VALUES, "Values computed for each element, by their name in it."),
    Key(
        "on_parent_delete",
        Choice(("orphan", "cascade", "restrict")),
        "What the source's foreign key does to referring rows; cascade removes them here too, as no log tells it.",
        default="orphan",
    ),
)
_BOTH = ("many", "one")

_EMBED = Keys(
    "embed",
    "Related rows inside the document: a list (many), one value (one), or one of several tables (switch).",
    (
        Key("many", TABLE, "Table of a list: all rows whose `on` equals the parent's `to`."),
        Key("one", TABLE, "Table of one value: the row whose `to` equals the parent's `on`, or null."),
        Key("switch", COLUMN, "Column of the parent's row that says which of the cases holds."),
        Key(
            "on",
            Columns(),
            "many: columns of this table; one: columns of the parent's row.",
            only_with=_BOTH,
            required_with=_BOTH,
        ),
        Key(
            "to",
            Columns(),
            "The other side of `on`. many: columns of the parent's row; one: columns of this table.",
            default_words="the key of that table",
            only_with=_BOTH,
        ),
        Key(
            "identity",
            Columns(),
            "What tells one element from another: the table's primary key.",
            default_words="the table's key",
            only_with=("many",),
        ),
        Key(
            "order_by",
            Order(),
            "Order of the list: columns, with desc for greatest first.",
            default_words="by identity",
            only_with=("many",),
        ),
        Key(
            "limit",
            Whole(1, 2**31 - 1),
            "Most elements shown, in the list's order; when one goes, the next one moves up.",
            only_with=("many",),
        ),
        Key(
            "map_by",
            COLUMN,
            "Show an object in place of a list, keyed by the text of this column of this table.",
            only_with=("many",),
        ),
        Key("merge", Flag(), "Show what the row holds in the parent's level, not under a name.", only_with=("one",)),
        Key("required", Flag(), "Show the parent's element only while the row is there.", only_with=("one",)),
        Key("when", Formula(condition=True), "Only for parent rows for which this is true.", only_with=_BOTH),
        Key("depth", Whole(1, 8), "Levels of a relation that follows itself, under its own name.", only_with=_BOTH),
        *(replace(key, only_with=_BOTH) for key in _RELATION),
        Key(
            "cases",
            Named("case", CASE, not_empty=True),
            "The relation for each value of the column.",
            only_with=("switch",),
            required_with=("switch",),
        ),
    ),
    exactly_one=("many", "one", "switch"),
    at_least_one=("fields", "embed", "computed"),
)

_SHARED_NAME = Refused("the cases of a switch share one name")
_SINGLE = Refused("a case is one row")
_CASE = Keys(
    "case",
    "What a switch shows while its column has this value: the row of this table.",
    (
        Key("one", TABLE, "The table: the row whose `to` equals the parent's `on`, or null.", required=True),
        Key("on", Columns(), "Columns of the parent's row.", required=True),
        Key("to", Columns(), "The other side of `on`: columns of this table.", default_words="the table's key"),
        *_RELATION,
    ),
    at_least_one=("fields", "embed", "computed"),
    refused={
        "many": Refused("a case is one row", instead="one"),
        "switch": Refused("a switch cannot hold a switch under the same name", instead="one"),
        "merge": _SHARED_NAME,
        "required": _SHARED_NAME,
        "when": Refused("it holds while the column of the switch has its value"),
        "depth": Refused("a case cannot follow itself"),
        "limit": _SINGLE,
        "map_by": _SINGLE,
    },
)

_COMPUTED = Keys(
    "computed",
    "A value computed for the document or for each element: an expression as text, or the short form of a count.",
    (Key("count", FIELD, "How many rows the list of this name has: the same as `count(name)`.", required=True),),
)

_TABLE = Keys(
    "table",
    "What the mapping expects of a table; `syncsvc validate --live` compares it with the server.",
    (
        Key("key", Columns(), "Columns of its primary key, in order.", required=True),
        Key("columns", Types(), "SQL types of the columns in use, with null where a value may miss.", required=True),
        Key(
            "topic_prefix",
            TOPIC_PREFIX,
            "First part of the name of its topic, where it comes from another server.",
            default_words="the topic_prefix of source",
        ),
    ),
)

#: `{section: its keys}`; the file itself is the section `pipeline`.
SECTIONS: Mapping[str, Keys] = {
    "pipeline": _PIPELINE,
    "source": _SOURCE,
    "root": _ROOT,
    "embed": _EMBED,
    "case": _CASE,
    "computed": _COMPUTED,
    "view": _VIEW,
    "table": _TABLE,
}
