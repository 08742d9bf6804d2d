"""
`syncsvc explain`: which rows, offsets and versions made a stored document.

Reads the state of the document's keyed partition from MongoDB and changes nothing; it works with every worker down.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncsvc.cli import one_document, output, target
from syncsvc.cli.one_document import Collection, File, KeyText
from syncsvc.cli.output import Format, Output
from syncsvc.errors import CheckFailed

if TYPE_CHECKING:
    from syncsvc.cli.explaining import Explained, HeldRow, Look
    from syncsvc.cli.held import Partition
    from syncsvc.mapping.model import Pipeline
    from syncsvc.source.keys import Key

MOST_SHOWN = 200  # rows on a terminal; JSON has all
Most = Annotated[int, typer.Option("--rows", min=1, help="Most rows to list on a terminal.")]


def explain(
    file: File, key: KeyText, collection: Collection = None, rows: Most = MOST_SHOWN, format_: Output = Format.TABLE
) -> int:
    """Show which rows, offsets and versions made a stored document (SYNCSVC_MONGO_URI)."""
    from syncsvc import settings
    from syncsvc.actors import parking
    from syncsvc.cli import explaining, held
    from syncsvc.keys import Partitioner
    from syncsvc.mongo import names
    from syncsvc.routing.plan import compile_plan
    from syncsvc.source import keys

    pipeline, kind = one_document.chosen(file, collection)
    one, given = pipeline.each()[kind], settings.read()
    wanted = keys.read(one, key)
    address = bytes((kind,)) + wanted.canonical
    with contextlib.closing(target.open_mongo(given)) as mongo:
        held.check_generation(mongo, pipeline)
        stored = mongo.database[one.target_collection].find_one({"_id": wanted.identity}, {"_sync": 1})
        partition = held.partition(mongo, pipeline, Partitioner(pipeline.partitions)[address], address)
        entry = mongo.database[names.PARKED].find_one({"_id": parking.document_id(pipeline.group, address)})
    found = explaining.explain(compile_plan(pipeline), kind, partition.state, address)
    if format_ is Format.JSON:
        output.show_json(_json(one, wanted, partition, stored, found) | {"parked": _parked(found, entry)})
    else:
        print(f"{one.target_collection} {wanted}")
        for line in (*_stored_lines(one, partition, stored), *_state_lines(partition, found, entry)):
            print(f"  {line}")
        _show(found, rows)
    return 0 if stored is not None else CheckFailed.exit_code


def _version(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """`_sync` by name."""
    if stored is None or "_sync" not in stored:
        return None
    generation, offset = stored["_sync"]["v"]
    return {"generation": generation, "offset": int(offset), "at": stored["_sync"]["at"]}


def _json(
    pipeline: Pipeline, key: Key, partition: Partition, stored: dict[str, Any] | None, found: Explained
) -> dict[str, Any]:
    return {
        "collection": pipeline.target_collection,
        "key": key.words,
        "stored": stored is not None,
        "version": _version(stored),
        "partition": {
            "topic": pipeline.keyed_topic,
            "number": partition.number,
            "offset": partition.offset,
            "epoch": partition.epoch,
            "seq": partition.seq,
            "copied": partition.copied,
        },
        **found.as_dict(),
    }


def _parked(found: Explained, entry: dict[str, Any] | None) -> dict[str, Any] | None:
    """Why and since when its writes have stopped; the entry may have gone since the state was read."""
    if found.parked is None:
        return None
    told = entry or {}
    return {"reason": found.parked, "what": told.get("what"), "since": told.get("at"), "id": told.get("_id")}


def _show(found: Explained, most: int) -> None:
    print()
    output.show_table(("relation", "table", "key", "written at", "committed", ""), _rows(found.rows[:most]))
    if len(found.rows) > most:
        print(f"… {len(found.rows) - most} more rows")
    if found.looks:
        print()
        output.show_table(
            ("looks at", "table", "by", "since offset", "rows", ""), _looks(found.looks[:most]), numbers=("rows",)
        )


def _stored_lines(pipeline: Pipeline, partition: Partition, stored: dict[str, Any] | None) -> list[str]:
    version = _version(stored)
    if version is None:
        return ["not stored" if stored is None else "stored without a version: syncsvc did not write it"]
    place = f"{pipeline.keyed_topic}[{partition.number}]"
    return [
        f"written {version['at']:%Y-%m-%d %H:%M:%S} UTC by generation {version['generation']},",
        f"from everything before offset {version['offset']} of {place}",
    ]


def _state_lines(partition: Partition, found: Explained, entry: dict[str, Any] | None) -> list[str]:
    fence = f"epoch {partition.epoch} (its owners so far), seq {partition.seq} (its steps)"
    lines = [f"the partition stands at offset {partition.offset}: {fence}"]
    if not partition.copied:
        lines.append("its first copy is not complete: documents are written when it is")
    if found.parked is not None:
        told = f" since {entry['at']:%Y-%m-%d %H:%M:%S} UTC: {entry['what']}" if entry else ""
        lines.append(f"PARKED, {found.parked}{told}")
        lines.append(f"it stays as it is until  syncsvc parked retry|skip {entry['_id'] if entry else 'ID'}")
    if found.pending:
        lines.append("waits to be written")
    if waiting := sum(not look.answered for look in found.looks):
        lines.append(f"{waiting} of the rows it refers to have not been answered for yet")
    return lines


def _rows(rows: Sequence[HeldRow]) -> list[tuple[object, ...]]:
    from syncsvc.cli.explaining import told

    return [
        (
            row.relation or "(root)", row.table, told(row.key), row.position,
            None if row.position.at is None else f"{row.position.at:%Y-%m-%d %H:%M:%S}",
            "" if row.state == "held" else f"{row.state} {row.record or ''}".strip(),
        )
        for row in rows
    ]  # fmt: skip


def _looks(looks: Sequence[Look]) -> list[tuple[object, ...]]:
    from syncsvc.cli.explaining import told

    return [
        (
            look.relation, look.table, told(look.by), look.subscription, look.rows,
            "changing" if look.walking else "" if look.answered else "awaited",
        )
        for look in looks
    ]  # fmt: skip
