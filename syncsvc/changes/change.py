"""
The value that stage 1 makes: one change of one row; and what the connector says of where it stands.

Comes before `envelope`, which makes the values, and is read by `routing`.  Knows nothing of JSON or column types.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

#: Values of one row in the order of the columns asked for, ready for BSON.
Row = tuple[Any, ...]

#: Values of `source.snapshot` on the last row that a snapshot reads of a table.
LAST_OF_TABLE = frozenset({"last", "last_in_data_collection"})

class Source(Struct, frozen=True, gc=False):
    """What is used of the `source` of an event; None where the connector did not say it."""

    file: str | None = None
    pos: int | None = None
    row: int | None = None
    ts_ms: int | None = None
    snapshot: str | bool | None = None


class Change(Struct, frozen=True, gc=False):
    """One change of one row.  A `Struct`, not a dataclass: it is made for every record, at a third of the cost."""

    #: "c" insert, "u" update, "d" delete, "r" read by a snapshot, "t" the table was emptied: it has no rows.
    op: str
    #: The row before the change; None for "c" and "r", and where the source did not give it.
    before: Row | None
    #: The row after the change; None for "d" and "t".
    after: Row | None
    #: Comparable source position (`position`), b"" when the source gave none.
    position: bytes
    #: Commit time in the source, ms since 1970; 0 when the source gave none.  Whole seconds on MariaDB; never an order.
    ts_ms: int
    #: Name of the binlog without its number; positions of different bases do not compare.
    file_base: str
    #: Whether a snapshot read this row as the last one of its table.
    last: bool = False
