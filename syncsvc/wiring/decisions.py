"""
What a person decides about parked entries, sent the only way there is: appended to the logs (design D8).

A retry or a skip is a record like any other, folded in its place among the changes; nothing here touches the state or
the documents.  An entry goes when the worker's own transaction removes it, which `settled` waits for.  The command
`syncsvc parked` and the page of a worker both decide through this module.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from syncsvc.actors.wall_clock import now_ms
from syncsvc.assembly.joiner import RETRY_DOCUMENT, SKIP_DOCUMENT, SKIP_RECORD, control
from syncsvc.changes.envelope import DecodeError, TableDecoder
from syncsvc.engine.port import Outgoing
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.wire import Wire
from syncsvc.errors import CheckFailed, UsageFault
from syncsvc.keys import Partitioner
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import generations, names
from syncsvc.mongo.client import Mongo
from syncsvc.routing.plan import compile_plan

#: An entry of `syncsvc_parked`, as `actors.parking` writes it.
Entry = Mapping[str, Any]
LOOK_AGAIN_SECONDS = 0.1
_PLACE = re.compile(r"(?P<topic>.+)\[(?P<partition>\d+)\]@\d+")


def entry(mongo: Mongo, identity: str) -> Entry:
    """The entry of this id; raises UsageFault `parked.unknown`."""
    found: Entry | None = mongo.database[names.PARKED].find_one({"_id": identity})
    if found is None:
        raise UsageFault(
            code="parked.unknown",
            where=identity,
            what="nothing is parked under this id",
            fix="take the id from  syncsvc parked list;  it may have gone on by itself meanwhile",
        )
    return found


def skip(mongo: Mongo, engine: EngineSettings, found: Entry) -> None:
    """Send what lets everything go on without this record or document."""
    if found["kind"] == "document":
        _send_controls(mongo, engine, found, [(SKIP_DOCUMENT, found["address"], b"")])
    elif found["targets"]:
        _send_controls(
            mongo, engine, found, [(SKIP_RECORD, target["address"], target["payload"]) for target in found["targets"]]
        )
    else:
        _remove(mongo, found)


def retry(mongo: Mongo, engine: EngineSettings, found: Entry, pipelines: Sequence[Pipeline]) -> None:
    """
    Send what makes the worker try again.

    Args:
        pipelines: declarations; a record needs that of its pipeline, which says how its table is read.

    Raises:
        CheckFailed: `parked.still_unreadable`, the record cannot be decoded now either; `parked.not_a_row`.
        UsageFault: `parked.needs_mapping`.
    """
    if found["kind"] == "document":
        _send_controls(mongo, engine, found, [(RETRY_DOCUMENT, found["address"], b"")])
        return
    declared = _declared(found, pipelines)
    if found["table"] not in declared.tables:
        raise CheckFailed(
            code="parked.not_a_row",
            where=found["_id"],
            what=f"it is what the connector told of tables, and is read no differently now: {found['what']}",
            fix="have the connector read those tables again, in a blocking snapshot, then skip it",
        )
    _check_readable(found, declared)
    place = _PLACE.fullmatch(found["where"])
    assert place is not None, "written by actors.parking"
    _send(engine, place["topic"], {int(place["partition"]): [(found["key"], found["value"])]})
    if not found["targets"]:
        _remove(mongo, found)  # no row is poisoned by it, so nothing that follows would remove it


def settled(mongo: Mongo, before: Entry, wait_seconds: float) -> bool:
    """
    Wait until the entry is gone; False when no worker has taken the decision in time.

    Raises:
        CheckFailed: `parked.again`, it was tried and parked again.
    """
    until = time.monotonic() + wait_seconds
    while True:
        now = mongo.database[names.PARKED].find_one({"_id": before["_id"]})
        if now is None:
            return True
        if now["at"] != before["at"]:
            raise CheckFailed(
                code="parked.again",
                where=before["_id"],
                what=f"it was tried and parked again: {now['reason']}: {now['what']}",
                fix="correct the cause in the source, then retry it; or skip it",
            )
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_AGAIN_SECONDS)


def _declared(found: Entry, pipelines: Sequence[Pipeline]) -> Pipeline:
    for pipeline in pipelines:
        if (pipeline.name, pipeline.generation) == (found["pipeline"], found["generation"]):
            return pipeline
    raise UsageFault(
        code="parked.needs_mapping",
        where=found["_id"],
        what="to read the record again, its mapping is needed",
        fix=f"add  --file FILE  with the mapping of pipeline {found['pipeline']}, generation {found['generation']}",
    )


def _check_readable(found: Entry, pipeline: Pipeline) -> None:
    """The record as the router would read it."""
    if size := found.get("cut_from"):
        raise CheckFailed(
            code="parked.still_unreadable",
            where=found["_id"],
            what=f"of its {size} bytes only the beginning is kept, more than a document holds",
            fix="write the row again in the source, or skip it",
        )
    table = pipeline.tables[found["table"]]
    decoder = TableDecoder(table, compile_plan(pipeline).columns[found["table"]])
    try:
        if found["value"]:
            decoder.decode(found["value"])
        else:
            decoder.decode_key(found["key"] or b"")
    except DecodeError as error:
        raise CheckFailed(
            code="parked.still_unreadable",
            where=found["_id"],
            what=f"the record cannot be decoded now either: {error.code}: {error.what}",
            fix="correct the mapping in a new generation, write the row again in the source, or skip it",
        ) from None


def _send_controls(
    mongo: Mongo, engine: EngineSettings, found: Entry, wanted: Sequence[tuple[int, bytes, bytes]]
) -> None:
    """Append `(action, address, payload)` to the keyed topic, each to the partition of its address."""
    generation = generations.read(mongo, found["pipeline"], found["generation"])
    if generation is None:
        raise UsageFault(
            code="parked.no_generation",
            where=found["_id"],
            what=f"generation {found['generation']} of pipeline {found['pipeline']} does not exist any more",
            fix="nothing has to be done: what is parked belongs to documents that nobody writes",
        )
    partition_of, now = Partitioner(generation.keyed.partitions), now_ms()
    outgoing: dict[int, list[tuple[bytes | None, bytes | None]]] = {}
    for action, address, payload in wanted:
        outgoing.setdefault(partition_of[address], []).append(control(action, address, now, payload))
    _send(engine, generation.keyed.name, outgoing)


def _send(engine: EngineSettings, topic: str, outgoing: Outgoing) -> None:
    async def send() -> None:
        wire = Wire(engine, "syncsvc.parked")
        try:
            await wire.start([topic])
            await wire.send(topic, outgoing)
        finally:
            await wire.stop()

    asyncio.run(send())


def _remove(mongo: Mongo, found: Entry) -> None:
    """Of an entry that holds nothing back."""
    mongo.database[names.PARKED].delete_one({"_id": found["_id"], "at": found["at"]})
