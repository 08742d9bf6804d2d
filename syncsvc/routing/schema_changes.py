"""
Fold what a connector tells of tables, not of rows: a table that is dropped or made anew has no older rows.

Beside `router`, for the topic that has the connector's topic prefix as its name (`include.schema.changes`): one for all
tables of a server.  No order is assumed between it and the tables' own topics (invariant 8): what it sends is a
barrier with a place in the source, and the joiners compare.  What a snapshot tells of tables is passed over, because
Debezium writes a DROP for each table that it is about to read.  So is a RENAME: tools that change a table online swap
it for its copy that way, and the rows stay.  A statement that moves rows with a whole partition does not say which: it
is parked, for a person who has the table read again.  So is an event that cannot be read, raw: nobody knows which table
it is about.  Neither holds anything back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from syncsvc.changes.avro import Bodies, Schemas, framed
from syncsvc.changes.change import Source
from syncsvc.changes.decoding import no_registry
from syncsvc.changes.envelope import DecodeError
from syncsvc.changes.position import STREAMED, binlog, position
from syncsvc.mapping.model import Pipeline
from syncsvc.routing import partition_changes, stamp
from syncsvc.routing.outcome import ParkedRecord
from syncsvc.routing.plan import Plan
from syncsvc.routing.poison import State
from syncsvc.routing.records import Record
from syncsvc.routing.source_partition import SourcePartition

DDL = "ddl"  # an event's kind, where rows have Debezium's op
_NAME = r"(?:`(?P<{0}>(?:[^`]|``)+)`|(?P<{0}_bare>[\w$-]+))"
_START = r"\s*(?:/\*(?!!).*?\*/\s*)*"
_TABLE = _NAME.format("first") + r"(?:\s*\.\s*" + _NAME.format("second") + ")?"
#: A table of one session alone; it hides one of its name and leaves its rows.
_TEMPORARY = re.compile(_START + r"DROP\s+(?:/\*!\d*\s*)?TEMPORARY\b", re.IGNORECASE | re.DOTALL)
_DROP_DATABASE = re.compile(_START + r"DROP\s+(?:DATABASE|SCHEMA)\b", re.IGNORECASE | re.DOTALL)
_CREATE = re.compile(_START + r"CREATE\s+TABLE\s+(?!IF\s+NOT\s+EXISTS\b)", re.IGNORECASE | re.DOTALL)
#: Debezium has no table change for it, only the text.
_REPLACE = re.compile(_START + r"CREATE\s+OR\s+REPLACE\s+TABLE\s+" + _TABLE, re.IGNORECASE | re.DOTALL)


class _TableChange(Struct, frozen=True, gc=False):
    type: str
    id: str


class _Event(Struct, frozen=True, gc=False):
    source: Source
    ddl: str | None = None
    databaseName: str | None = None
    tableChanges: list[_TableChange] | None = None


class _Told(Struct, frozen=True, gc=False):
    """Both forms of the JSON converter: the event itself, or in the `payload` beside its schema."""

    source: Source | UnsetType = UNSET
    ddl: str | None = None
    databaseName: str | None = None
    tableChanges: list[_TableChange] | None = None
    payload: _Event | UnsetType = UNSET


def channel(prefix: str) -> str:
    """Name of the channel of a topic prefix where tables have theirs; no table is called so, for want of a colon."""
    return f"{DDL}:{prefix}"


def channels(pipeline: Pipeline) -> dict[str, str]:
    """`{name of the channel: its topic}` for each topic prefix in use; the topic has the prefix as its name."""
    prefixes = {table.topic_prefix or pipeline.topic_prefix for table in pipeline.tables.values()}
    return {channel(prefix): prefix for prefix in sorted(prefixes)}


class SchemaChanges(SourcePartition):
    """The router of one partition of a schema-change topic."""

    def __init__(
        self,
        plan: Plan,
        prefix: str,
        partition: int,
        *,
        sender: int,
        end: int,
        state: State,
        schemas: Schemas | None = None,
    ) -> None:
        """
        Args:
            plan: the compiled pipeline.
            prefix: topic prefix; the topic has its name.
            partition: source partition; Debezium uses the first alone.
            sender: number of this channel's sender, the same in every process of the generation.
            end: end offset of the partition when the generation began; its mark is sent when it is passed.
            state: the partition's state, already loaded.
            schemas: gives an Avro schema by its number, where a registry is set.
        """
        pipeline = plan.pipeline
        super().__init__(f"{prefix}[{partition}]", pipeline.partitions, sender=sender, end=end, state=state)
        #: `{db.table: its number}` of the tables that come from this server.
        self._numbers = {
            table: number
            for number, table in enumerate(plan.tables)
            if (pipeline.tables[table].topic_prefix or pipeline.topic_prefix) == prefix
        }
        self._by_id = {'"{}"."{}"'.format(*table.split(".", 1)): table for table in self._numbers}
        self._decode = msgspec.json.Decoder(_Told).decode
        self._tree = Bodies(schemas or no_registry).tree

    def _record(self, record: Record) -> None:
        self.outbox.at(record.offset, record.timestamp)
        if not record.value:
            self._count("tombstone")
            self.tally.skip("tombstone")
            return
        try:
            event = self._event(record.value)
        except DecodeError as error:
            self._count("unreadable")
            self._park(record, error)
            return
        self._count(DDL)
        source = event.source
        if str(source.snapshot).lower() not in ("false", "none"):
            self.tally.skip("snapshot")
            return
        emptied, moved = dict(self._emptied(event)), self._moved(event)
        if emptied:
            self.tally.see(source.ts_ms or 0)
            self.outbox.at(record.offset, source.ts_ms or 0)
            stamped = _stamp(source)
            for table, cause in emptied.items():
                self._bar(table, self._numbers[table], stamped, cause)
        if moved:
            self._park(record, _unlogged(moved))
        elif emptied:
            self.tally.applied += 1
        else:
            self.tally.skip("no_effect")

    def _park(self, record: Record, why: DecodeError) -> None:
        place = f"{self._place}@{record.offset}"
        self._keep(ParkedRecord(place, why.code, why.what, record.key, record.value))

    def _event(self, value: bytes) -> _Event:
        """
        The event of a record.

        Raises:
            DecodeError: `ddl.bad_json`, `ddl.bad_event`, `change.bad_avro`.
        """
        try:
            told = msgspec.convert(self._tree(value, "the value"), _Told) if framed(value) else self._decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if isinstance(error, msgspec.ValidationError):
                raise _strange() from None
            raise DecodeError("ddl.bad_json", "the value is not JSON in UTF-8") from None
        if not isinstance(told.payload, UnsetType):
            return told.payload
        if isinstance(told.source, UnsetType):
            raise _strange()
        return _Event(told.source, told.ddl, told.databaseName, told.tableChanges)

    def _emptied(self, event: _Event) -> Iterator[tuple[str, str]]:
        """`(table, cause)` of the pipeline's tables that have no older rows after this."""
        ddl = event.ddl or ""
        for told in event.tableChanges or ():
            if told.id not in self._by_id:
                continue
            if told.type == "DROP" and not _TEMPORARY.match(ddl):
                yield self._by_id[told.id], "drop"
            elif told.type == "CREATE" and _CREATE.match(ddl):
                yield self._by_id[told.id], "create"  # also where nobody told that the one of that name had gone
        if _DROP_DATABASE.match(ddl):
            yield from ((table, "drop") for table in self._numbers if table.split(".", 1)[0] == event.databaseName)
        found = _REPLACE.match(ddl)
        if found and (table := _replaced(found, event.databaseName)) in self._numbers:
            yield table, "create"

    def _moved(self, event: _Event) -> list[str]:
        """The pipeline's tables that have lost or got rows with a partition, in their order."""
        written = partition_changes.moved(event.ddl or "", event.databaseName)
        # A server that keeps names in lower case tells the text as it was written, and the id as it keeps it.
        told = {self._by_id[one.id] for one in event.tableChanges or () if written and one.id in self._by_id}
        folded = {name.casefold() for name in written}
        return [table for table in self._numbers if table in told or table.casefold() in folded]


def _stamp(source: Source) -> bytes:
    """Where in the source the event stands; older than nothing where it does not say."""
    found = binlog(source.file)
    if found is None or source.pos is None:
        return stamp.stamp("", b"", source.ts_ms or 0)
    base, number = found
    return stamp.stamp(base, position(number, source.pos, source.row or 0, STREAMED), source.ts_ms or 0)


def _replaced(found: re.Match[str], database: str | None) -> str:
    """`db.table` of a name as it is written; `database` is that of the session."""
    names: dict[str, Any] = found.groupdict()
    first = names["first"] or names["first_bare"]
    second = names["second"] or names["second_bare"]
    return f"{database or ''}.{first}" if second is None else f"{first}.{second}"


def _unlogged(tables: list[str]) -> DecodeError:
    what = "rows may have gone or come with a partition, without records of their own; documents show those of before"
    fix = "have the connector read the table again, in a blocking snapshot, then skip this"
    return DecodeError("ddl.rows_unlogged", f"{' and '.join(tables)}: {what}: {fix}")


def _strange() -> DecodeError:
    return DecodeError("ddl.bad_event", "the value is not a schema change of the connector")
