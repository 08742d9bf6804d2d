"""
The log of segments of a fence: `{_id: {f: fence id, n: number, k: chunk}, b: blob}`, read in order, cut off below.

Segments are written in the step's transaction (`mongo.statements`); what their bytes mean is `state.segments`'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo.read_concern import ReadConcern

from syncsvc.mongo.client import Mongo

#: Documents fetched at a time; the server ends a batch at 16 MiB in any case.
_BATCH_DOCUMENTS = 10_000
#: Of a worker that loads a state, at a time: it holds them until they are applied.
_SPAN_BYTES = 8 << 20
#: .. fetched at a time: what comes behind the span is fetched again.
_SPAN_DOCUMENTS = 64


def segments(
    mongo: Mongo, collection: str, fence_id: str, first: int, last: int, *, batch_documents: int = _BATCH_DOCUMENTS
) -> Iterator[tuple[int, bytes]]:
    """
    `(number, blob)` of the segments `first..last` of one fence, in order, chunks joined.

    A number may be missing: its step changed nothing.  So a read must not miss one that is there: once the fence is
    raised the primary has every segment up to it, while its majority snapshot may be older for a moment after an
    election.
    """
    wanted = {"_id": {"$gte": _place(fence_id, first, MinKey()), "$lte": _place(fence_id, last, MaxKey())}}
    newest = mongo.database.get_collection(collection, read_concern=ReadConcern("local"))
    found = newest.find(wanted, batch_size=batch_documents).sort("_id", 1)
    number, chunks = 0, list[bytes]()
    for document in found:
        if document["_id"]["n"] != number and chunks:
            yield number, b"".join(chunks)
            chunks = []
        number = document["_id"]["n"]
        chunks.append(document["b"])
    if chunks:
        yield number, b"".join(chunks)


def span(mongo: Mongo, collection: str, fence_id: str, first: int, last: int) -> tuple[list[bytes], int]:
    """Blobs of segments from `first` on, some `_SPAN_BYTES` of them, and the number behind them."""
    blobs, size = list[bytes](), 0
    for number, blob in segments(mongo, collection, fence_id, first, last, batch_documents=_SPAN_DOCUMENTS):
        blobs.append(blob)
        size += len(blob)
        if size >= _SPAN_BYTES:
            return blobs, number + 1
    return blobs, last + 1


def delete_below(mongo: Mongo, collection: str, fence_id: str, base: int) -> int:
    """Delete the segments below `base`, after the commit that set it; returns how many documents.  Idempotent."""
    below = {"_id": {"$gte": _place(fence_id, 0, MinKey()), "$lt": _place(fence_id, base, MinKey())}}
    return mongo.database[collection].delete_many(below).deleted_count


def _place(fence_id: str, number: int, chunk: Any) -> dict[str, Any]:
    return {"f": fence_id, "n": number, "k": chunk}
