"""
The commands of one transaction, built from commits; nothing is sent here.

Plain `update`, `insert` and `delete` commands with raw BSON inside: pymongo's `ReplaceOne` asks a raw document for
its truth, which decodes it (85 us a document against 4).  The price is that `writeErrors` are ours to read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson.binary import Binary
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from syncsvc.mongo import names
from syncsvc.mongo.commit import Commit, Write

#: What the server takes as one document (maxBsonObjectSize of every version).
MOST_DOCUMENT_BYTES = 16 << 20
#: A command is one BSON document of at most 16 MiB + 16 KiB; a single statement may fill it, several stop here.
_MOST_COMMAND_BYTES = 12 << 20
_MOST_STATEMENTS = 10_000
_INT32 = struct.Struct("<i")
#: A segment is cut into documents of this size, far below the server's limit.
_CHUNK_BYTES = 8 << 20

_PLURAL = {"update": "updates", "insert": "documents", "delete": "deletes"}


@dataclass(slots=True)
class Command:
    """One command, and whose statements it carries."""

    kind: str
    collection: str
    statements: list[Any] = field(default_factory=list)
    #: For documents: `(place in the group, index in its writes)` of each statement; empty for bookkeeping.
    places: list[tuple[int, int]] = field(default_factory=list)
    #: How many must match, for the fences; None: any number.
    must_match: int | None = None
    size_bytes: int = 0

    def body(self) -> dict[str, Any]:
        """As the server wants it."""
        # Unordered lets the server batch inserts; inside a transaction the first error ends it either way.
        ordered = self.must_match is not None
        return {self.kind: self.collection, _PLURAL[self.kind]: self.statements, "ordered": ordered}


def of_group(commits: Sequence[Commit]) -> Iterator[Command]:
    """All commands of one transaction; the fences first, so that a lost one costs nothing more."""
    yield Command("update", names.FENCES, [_fence(commit) for commit in commits], must_match=len(commits))
    yield from _batched(_segments(commits))
    yield from _batched(_writes(commits))
    yield from _batched(_parked(commits))


def of_writes_alone(commit: Commit) -> Iterator[Command]:
    """The commit's documents, a command each: to find the one that spoils a command as a whole."""
    for index, write in enumerate(commit.writes):
        kind, statement = _statement(write)
        yield Command(kind, write.collection, [statement], [(0, index)])


def too_large(commit: Commit) -> int | None:
    """Index of the first document that no server takes."""
    if commit.weight_bytes <= MOST_DOCUMENT_BYTES:
        return None
    sizes = (len(write.body) for write in commit.writes)
    return next((index for index, size in enumerate(sizes) if size > MOST_DOCUMENT_BYTES), None)


def _fence(commit: Commit) -> dict[str, Any]:
    match = {"_id": commit.fence_id, "epoch": commit.epoch, "seq": commit.seq}
    return {"q": match, "u": {"$set": {**commit.set, "seq": Int64(commit.seq + 1)}}}


_Piece = tuple[str, str, Any, int, tuple[int, int] | None]  # kind, collection, statement, bytes, place


def _segments(commits: Sequence[Commit]) -> Iterator[_Piece]:
    for commit in commits:
        blob = b"".join(commit.segments)
        for chunk, start in enumerate(range(0, len(blob), _CHUNK_BYTES)):
            part = blob[start : start + _CHUNK_BYTES]
            place = {"f": commit.fence_id, "n": Int64(commit.seq + 1), "k": chunk}
            yield "insert", commit.state_collection, {"_id": place, "b": Binary(part)}, len(part) + 200, None


def _writes(commits: Sequence[Commit]) -> Iterator[_Piece]:
    for place, commit in enumerate(commits):
        for index, write in enumerate(commit.writes):
            kind, statement = _statement(write)
            yield kind, write.collection, statement, len(write.body) + len(write.match) + 100, (place, index)


def _parked(commits: Sequence[Commit]) -> Iterator[_Piece]:
    for commit in commits:
        for parked in commit.parked:
            match, entry = {"_id": parked.id}, parked.entry
            if entry is None:
                yield "delete", names.PARKED, {"q": match, "limit": 1}, parked.size_bytes, None
            else:
                statement = {"q": match, "u": {**entry, **match}, "upsert": True}
                yield "update", names.PARKED, statement, parked.size_bytes, None


def _statement(write: Write) -> tuple[str, Any]:
    op, match, body, _ = write
    if op == "put":
        return "update", {"q": RawBSONDocument(match), "u": RawBSONDocument(body), "upsert": True}
    if op == "merge":
        return "update", {"q": RawBSONDocument(match), "u": {"$set": _without_id(match, body)}, "upsert": True}
    if op == "insert":
        return "insert", RawBSONDocument(body)
    return "delete", {"q": RawBSONDocument(match), "limit": 1}


def _without_id(match: bytes, body: bytes) -> RawBSONDocument:
    """The fields of a body behind its `_id`: the document's own may be the same number of another type."""
    fields = body[len(match) - 1 : -1]
    return RawBSONDocument(_INT32.pack(len(fields) + 5) + fields + b"\x00")


def _batched(pieces: Iterator[_Piece]) -> Iterator[Command]:
    """One command a kind and collection, more where it would grow too large."""
    filling: dict[tuple[str, str], Command] = {}
    for kind, collection, statement, size, place in pieces:
        command = filling.get((kind, collection))
        if command is not None and (
            command.size_bytes + size > _MOST_COMMAND_BYTES or len(command.statements) >= _MOST_STATEMENTS
        ):
            yield filling.pop((kind, collection))
            command = None
        if command is None:
            command = filling[kind, collection] = Command(kind, collection)
        command.statements.append(statement)
        command.size_bytes += size
        if place is not None:
            command.places.append(place)
    yield from filling.values()
