"""
One document rendered from the live source, by the same code as in production: Router, slots, Joiner, Renderer (`flow`).

The rows are read by SQL (`gather`), made into the records that a snapshot would send (`events`), and put through the
pure path in memory.  Writes nothing, needs neither Kafka nor MongoDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bson
from bson.codec_options import CodecOptions

from syncsvc.assembly import elements
from syncsvc.errors import CheckFailed, Problem
from syncsvc.flow import Flow
from syncsvc.mapping.model import Pipeline
from syncsvc.source import events, keys, printed
from syncsvc.source.gather import Gathering
from syncsvc.source.keys import Key

if TYPE_CHECKING:
    from syncsvc.source.connection import Connection

MOST_ROWS = 10_000
FIRST_VIEW = 0  # node of the documents of a pipeline that makes one kind of them
_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


@dataclass(frozen=True, slots=True)
class Preview:
    """What came of it."""

    #: As the row has it: a collation may find another text than was asked for.
    key: Key
    #: Without `_sync`; None when the row has no document (a filter, or a required row that is not there).
    document: dict[str, Any] | None
    #: `{db.table: rows read}`.
    rows: dict[str, int]


def preview(pipeline: Pipeline, connections: Mapping[str, Connection], key: Key, most_rows: int = MOST_ROWS) -> Preview:
    """
    The document of a root key as it would be now.

    Args:
        pipeline: a checked mapping.
        connections: `{topic prefix: connection}` as `servers.connected` gives them, for nothing else afterwards (see
            `printed.snapshot`).  Rows of one server are of one moment, those of several are not.
        key: of the root row.
        most_rows: how many rows may be read.

    Raises:
        CheckFailed: `preview.no_row`, `preview.too_many_rows`, `source.value`, or the code of a record that the
            pipeline would park.
    """
    with ExitStack() as stack:
        each = {id(opened): opened for opened in connections.values()}
        cursors = {number: stack.enter_context(printed.snapshot(opened)) for number, opened in each.items()}
        of_prefix = {prefix: cursors[id(opened)] for prefix, opened in connections.items()}
        gathering = Gathering(pipeline, of_prefix, most_rows)
        root = gathering.read(list(key.words.items()))
    if root is None:
        raise CheckFailed(
            code="preview.no_row",
            where=f"{pipeline.root.table}, key {key}",
            what="the source has no row with this key",
            fix="take a key that is there; texts as they are, several columns as JSON",
        )
    flow, counts = Flow(pipeline), dict.fromkeys(pipeline.tables, 0)
    for table, row in gathering.rows():
        counts[table] += 1
        flow.put(table, *events.snapshot_event(pipeline.tables[table], row))
    flow.settle()
    if flow.parked:
        raise CheckFailed.of(
            Problem(record.code, record.place.partition("[")[0], record.what, "correct the mapping, or the row")
            for record in flow.parked
        )
    own, _ = events.snapshot_event(pipeline.tables[pipeline.root.table], root)
    found = keys.of_record(pipeline, key.words, own)
    return Preview(found, _document(flow, pipeline, found), counts)


def _document(flow: Flow, pipeline: Pipeline, key: Key) -> dict[str, Any] | None:
    """What is rendered at the key's address, as MongoDB gives it: dates with their zone."""
    address = bytes((FIRST_VIEW,)) + key.canonical
    rendered = flow.rendered(address)
    if rendered.problem is not None:
        code, _, what = rendered.problem.partition(": ")
        raise CheckFailed(
            code=code,
            where=f"{pipeline.target_collection}, key {key}",
            what=f"a worker would park this document: {what}",
            fix="correct the mapping, or the rows",
        )
    if rendered.elements is None:
        return None
    return bson.decode(elements.document(rendered.elements), _AWARE)
