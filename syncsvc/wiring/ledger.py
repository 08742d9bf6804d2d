"""
The actors' ledger on MongoDB: fences, segments and group-committed transactions.

Blocking driver calls run in a small pool of threads; commits go through the committer's own thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, TypeVar

from bson.int64 import Int64

from syncsvc.actors.ports import FencedOut, Owned, Refused, Step, Written
from syncsvc.mongo import fences, segments
from syncsvc.mongo.client import Mongo
from syncsvc.mongo.commit import Commit, DocumentInsertClash, DocumentRefused, Fenced, ParkedWrite, Write
from syncsvc.mongo.committer import Committer

THREADS = 4  # partitions whose state is read at the same time
LAZY_SECONDS = 0.1  # for a step that nobody waits for, until it gets a transaction of its own
_T = TypeVar("_T")


class MongoLedger:
    """A ledger of one pipeline's generation; the committer is shared by all pipelines of the process."""

    def __init__(
        self,
        mongo: Mongo,
        committer: Committer,
        *,
        state_collection: str,
        pool: ThreadPoolExecutor,
        merge: bool = False,
    ) -> None:
        """`merge`: fields of a document that are not ours stay as they are."""
        self._mongo, self._committer, self._pool = mongo, committer, pool
        self._state_collection = state_collection
        self._merge = merge

    async def _call(self, function: Callable[..., _T], *arguments: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def open(self, fence: str) -> Owned:
        """Raises the epoch; what the fence says is durable."""
        given_up = threading.Event()
        try:
            opening = partial(fences.open_fence, wanted=lambda: not given_up.is_set())
            found = await self._call(opening, self._mongo, fence, self._committer.lsid)
        except asyncio.CancelledError:
            given_up.set()  # the thread goes on, and must not raise the fence of the next owner
            raise
        return Owned(found.id, found.epoch, found.seq, found.offset, found.base, int(found.fields.get("source_ms", 0)))

    async def segments(self, fence: str, first: int, last: int) -> tuple[list[bytes], int]:
        """See `actors.ports.Ledger.segments`; an empty segment was never written and is left out."""
        return await self._call(segments.span, self._mongo, self._state_collection, fence, first, last)

    async def commit(self, step: Step, *, lazily: bool = False) -> None:
        """See `actors.ports.Ledger.commit`; an insert that clashes is tried again as a put."""
        try:
            try:
                await self._submit(step, fresh=True, lazily=lazily)
            except DocumentInsertClash:
                await self._submit(step, fresh=False, lazily=False)
        except Fenced as error:
            raise FencedOut(str(error)) from None
        except DocumentRefused as refusal:
            raise Refused(refusal.index, f"{refusal.reason} ({refusal.code})") from None

    async def _submit(self, step: Step, *, fresh: bool, lazily: bool) -> None:
        submitted = self._committer.submit(self._commit_of(step, fresh=fresh), within_seconds=LAZY_SECONDS)
        if not lazily:  # .. but not before the other partitions whose turn it is have handed in theirs
            asyncio.get_running_loop().call_soon(self._committer.wake)
        await asyncio.wrap_future(submitted)

    def _commit_of(self, step: Step, *, fresh: bool) -> Commit:
        fields: dict[str, Any] = {
            "offset": Int64(step.offset), "source_ms": Int64(step.source_ms), "copied": step.copied,
        }  # fmt: skip
        if step.base is not None:
            fields["base"] = Int64(step.base)
        return Commit(
            fence_id=step.fence,
            epoch=step.epoch,
            seq=step.seq,
            set=fields,
            segments=step.segments,
            state_collection=self._state_collection,
            writes=[_write(document, self._op(fresh and document.fresh)) for document in step.documents],
            parked=[ParkedWrite(identifier, entry) for identifier, entry in (step.parked or {}).items()],
        )

    def _op(self, fresh: bool) -> Literal["put", "merge", "insert"]:
        return "merge" if self._merge else "insert" if fresh else "put"

    def forget(self, fence: str, below: int) -> None:
        """Removes superfluous segments in the background; a crash before leaves them to the next sweep."""
        self._pool.submit(segments.delete_below, self._mongo, self._state_collection, fence, below)


def _write(document: Written, op: Literal["put", "merge", "insert"]) -> Write:
    if document.body is None:
        return Write("delete", document.identity, collection=document.collection)
    return Write(op, document.identity, document.body, document.collection)
