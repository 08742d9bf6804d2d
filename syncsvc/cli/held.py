"""
The state of one keyed partition as MongoDB has it, read by a command that owns nothing: the fence stays as it is.

A worker may go on meanwhile: what was read is the state of the step that the fence named before, unless a sweep has
removed segments that were still to be read; then it is read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from syncsvc.assembly.layout import COPIED, LOCAL, PARKED, PENDING, SLOT, WALK
from syncsvc.errors import CheckFailed, Drift, Problem
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations, names, segments
from syncsvc.mongo.client import Mongo
from syncsvc.state import segments as segment_format
from syncsvc.state.fences import fence_id
from syncsvc.state.memory import MemoryStore
from syncsvc.wiring import prepare

TRIES = 5


@dataclass(frozen=True, slots=True)
class Partition:
    """A keyed partition as it is durable."""

    number: int
    epoch: int
    #: Number of the last committed step.
    seq: int
    #: Next offset of the keyed topic to read.
    offset: int
    #: Its part of the first copy is over.
    copied: bool
    #: Slots of one address, all copies of relays, and what is parked or waits.
    state: MemoryStore


def check_generation(mongo: Mongo, pipeline: Pipeline) -> None:
    """
    That the generation is there, and was made with this mapping and by code that stores the same way.

    Raises:
        CheckFailed: `explain.no_generation`.
        Drift: another mapping or other formats.
    """
    where = f"{mongo.where}, generation {pipeline.name}/g{pipeline.generation}"
    held = generations.read(mongo, pipeline.name, pipeline.generation)
    if held is None:
        raise CheckFailed(
            code="explain.no_generation",
            where=where,
            what="no worker has begun this generation",
            fix="start one:  syncsvc run,  or name the file and database of the running one",
        )
    problems = []
    if held.mapping_hash != pipeline.text_hash:
        what = f"it was made with another mapping ({held.mapping_hash}, the file has {pipeline.text_hash})"
        problems.append(Problem("generation.mapping_changed", where, what, "give the file it was made with"))
    if dict(held.formats) != prepare.formats():
        what = f"it is stored by code with the numbers {dict(held.formats)}, this has {prepare.formats()}"
        problems.append(Problem("generation.code_changed", where, what, "use the syncsvc that runs it"))
    if problems:
        raise Drift.of(problems)


def partition(mongo: Mongo, pipeline: Pipeline, number: int, address: bytes) -> Partition:
    """
    The partition with what bears on one address.

    Raises:
        CheckFailed: `explain.no_state`, or `explain.busy` when its segments were swept at each try.
    """
    fence = fence_id(pipeline.name, pipeline.generation, "joiner", (pipeline.keyed_topic, number))
    collection = names.state_collection(pipeline.name, pipeline.generation)
    for _ in range(TRIES):
        before = _fence(mongo, pipeline, fence)
        if before is None:
            raise CheckFailed(
                code="explain.no_state", where=fence, what="no worker has opened this partition yet",
                fix="start one:  syncsvc run",
            )  # fmt: skip
        blobs = (blob for _, blob in segments.segments(mongo, collection, fence, before["base"], before["seq"]))
        state = _state(blobs, address)
        after = _fence(mongo, pipeline, fence)
        if after is not None and after["base"] == before["base"]:
            copied = bool(before.get("copied"))
            return Partition(number, before["epoch"], before["seq"], before["offset"], copied, state)
    raise CheckFailed(
        code="explain.busy", where=fence, what=f"its segments were swept while they were read, {TRIES} times",
        fix="try again",
    )  # fmt: skip


def _fence(mongo: Mongo, pipeline: Pipeline, fence: str) -> dict[str, Any] | None:
    found = fences.read_fences(mongo, pipeline.name, pipeline.generation)
    return next((document for document in found if document["_id"] == fence), None)


def _state(blobs: Iterable[bytes], address: bytes) -> MemoryStore:
    """What bears on one address, out of all segments; a key's last entry holds."""
    # Which copies the rows refer to is known when all have been read, so all of these are kept.
    wanted = (SLOT + address, PARKED + address, PENDING + address, LOCAL, WALK, COPIED)
    kept: dict[bytes, bytes] = {}
    for blob in blobs:
        for key, value in segment_format.decode(blob):
            if not key.startswith(wanted):
                continue
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
    store = MemoryStore()
    store.load(list(kept.items()))
    return store
