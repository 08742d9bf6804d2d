"""
`syncsvc trace`: one key through every hop, from its source topic to its document.  Reads only.

A key of the root table is a document: its rows are followed.  With --table it is one row: the documents it is in are.
Records are looked for near the end of the logs; what was earlier is still in memory, fence and document.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import one_document, output, target
from syncsvc.cli.one_document import Collection, File, KeyText
from syncsvc.cli.output import Format, Output
from syncsvc.errors import CheckFailed, UsageFault

if TYPE_CHECKING:
    from datetime import datetime

    from syncsvc.cli.followed import Followed
    from syncsvc.mapping.model import Pipeline

TableName = Annotated[
    str | None, typer.Option("--table", metavar="DB.TABLE", help="The key is of a row of this table, no document's.")
]
Last = Annotated[int, typer.Option("--last", min=1, help="Offsets of each partition to look through, from the end.")]


def trace(
    file: File,
    key: KeyText,
    table: TableName = None,
    collection: Collection = None,
    last: Last = 1000,
    format_: Output = Format.TABLE,
) -> int:
    """Follow one key through source topic, router, keyed topic, state and document; shows no values of rows."""
    from syncsvc import settings
    from syncsvc.cli import followed

    pipeline, kind = one_document.chosen(file, collection)
    if table is not None and table not in pipeline.tables:
        raise UsageFault(
            code="usage.unknown_table", where=f"--table {table}", what=f"{file} does not read it",
            fix=f"use one of {', '.join(sorted(pipeline.tables))}",
        )  # fmt: skip
    given = settings.read()
    with contextlib.closing(target.open_mongo(given)) as mongo:
        follow = followed.Follow(pipeline, mongo, given)
        found = follow.row(table, key, last) if table is not None else follow.document(kind, key, last)
    if format_ is Format.JSON:
        output.show_json(found.as_dict())
    else:
        _show(pipeline, found, last)
    return 0 if found.anything else CheckFailed.exit_code


def _show(pipeline: Pipeline, found: Followed, last: int) -> None:
    from syncsvc.cli.explaining import told

    print(found.title)
    _section(
        f"1 source topics (last {last} offsets of each partition)",
        ("table", "key", "record", "what", "written at", "committed", "arrived"),
        (
            (r.table, told(r.key), r.where, r.operation, r.position, _time(r.committed), _time(r.arrived))
            for r in found.source
        ),
    )
    _section(
        "2 routers remember",
        ("table", "key", "router", "written at", "committed", "sent to"),
        (
            (r.table, told(r.key), r.router, r.position, _time(r.committed), _addresses(r.addresses))
            for r in found.remembered
        ),
    )
    _section(
        f"3 keyed topic {pipeline.keyed_topic} (last {last} offsets)",
        ("address", "record", "what", "because of", "committed", "arrived"),
        ((r.address, r.where, r.kind, r.sender, _time(r.committed), _time(r.arrived)) for r in found.keyed),
    )
    _section(
        "4 fences",
        ("partition", "offset", "end", "lag", "epoch", "seq", ""),
        ((f.where, f.offset, f.end, f.lag, f.epoch, f.seq, f.verdict) for f in found.fences),
    )
    _section(
        "5 documents",
        ("collection", "key", "document", "rows held", ""),
        ((d.collection, d.key, d.words, d.rows, d.parked or "") for d in found.documents),
        "none at this address; the partitions that subscribe to it have documents that show it",
    )


def _section(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[object]], nothing: str = "nothing"
) -> None:
    cells = list(rows)
    print(f"\n{title}")
    if cells:
        output.show_table(headings, cells)
    else:
        print(nothing)


def _addresses(addresses: Sequence[tuple[str, str, int]]) -> str:
    return "; ".join(f"{place} {key} [{partition}]" for place, key, partition in addresses) or "nowhere: it is deleted"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
