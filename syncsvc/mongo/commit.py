"""
What one step asks to be made durable, and the ways in which that ends.

Values only; `mongo.committer` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import bson


class Write(NamedTuple):
    """One document of the target collection."""

    #: `put` replaces or inserts; `merge` sets the fields of the body and leaves others alone, or inserts; `insert` is
    #: cheaper and must be new (first copy); `delete` is content with nothing.
    op: Literal["put", "merge", "insert", "delete"]
    #: BSON `{_id: …}`, as it stands in the body; never decoded here.
    match: bytes
    #: The whole document as BSON, beginning with that `_id`; b"" for a delete.  (A body whose first field
    #: begins with `$` would be read as an update operator.)
    body: bytes = b""
    #: Where it belongs.
    collection: str = ""


class ParkedWrite(NamedTuple):
    """One entry of the collection of parked things: set it, or remove it with `entry=None`."""

    id: Any
    entry: Mapping[str, Any] | None

    @property
    def size_bytes(self) -> int:
        """About what it takes in a command; a parked record holds its raw value."""
        return 256 + (0 if self.entry is None else len(bson.encode(self.entry)))


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of one fence: it holds together or not at all."""

    fence_id: str
    #: Epoch and number of the fence as this owner knows it; the step makes it `seq + 1`.
    epoch: int
    seq: int
    #: Fields of the fence to set: `offset`, `base`, ..
    set: Mapping[str, Any]
    #: Blobs of segment `seq + 1`; empty ones are left out.
    segments: Sequence[bytes] = ()
    state_collection: str = ""
    writes: Sequence[Write] = ()
    parked: Sequence[ParkedWrite] = ()
    #: Size for bounding a group; worked out.
    weight_bytes: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Add up the bytes."""
        writes = sum([len(write.body) + len(write.match) + 64 for write in self.writes])
        size = sum(map(len, self.segments)) + writes + sum([parked.size_bytes for parked in self.parked]) + 256
        object.__setattr__(self, "weight_bytes", size)


class Fenced(Exception):
    """Another owner raised the epoch (or the fence is gone): nothing was written, leave the partition."""

    def __init__(self, fence_id: str, epoch: int, found_epoch: int | None) -> None:
        super().__init__(f"{fence_id}: epoch {epoch} is over, the fence has {found_epoch}")
        self.fence_id, self.epoch, self.found_epoch = fence_id, epoch, found_epoch


class OutOfStep(Exception):
    """The fence is ours but at another number: an earlier commit of it failed, or it was sent twice."""

    def __init__(self, fence_id: str, seq: int, found_seq: int) -> None:
        super().__init__(f"{fence_id}: the step begins at {seq}, the fence is at {found_seq}")
        self.fence_id, self.seq, self.found_seq = fence_id, seq, found_seq


class DocumentRefused(Exception):
    """The server will never take `writes[index]`: park it and submit the rest again.  Nothing was written."""

    def __init__(self, index: int, code: int, reason: str) -> None:
        super().__init__(f"writes[{index}]: {reason} ({code})")
        self.index, self.code, self.reason = index, code, reason


class DocumentInsertClash(Exception):
    """`writes[index]` is an insert of an `_id` that exists: submit again with puts.  Nothing was written."""

    def __init__(self, index: int) -> None:
        super().__init__(f"writes[{index}]: the document to be inserted exists")
        self.index = index


class Abandoned(Exception):
    """The committer was closed before this commit was durable; whether it is, the fence knows."""
