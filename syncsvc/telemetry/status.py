"""
The state of one worker as values: what `/api/status` shows, what it tells other workers, what `fleet` puts together.

The service builds a `Status` when asked, from any thread, and never changes one.  None means "not known", which
is never the same as 0.  Nothing here carries the content of a row: a parked key is named by its place in the log.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from syncsvc.telemetry.progress import View
from syncsvc.telemetry.recent import Timing
from syncsvc.telemetry.shape import Shape

#: States of a pipeline, in the order of its life; the state set of `syncsvc_pipeline_state`.
STATES = (
    "starting", "recovering", "snapshotting", "running", "paused", "backpressured", "degraded", "stalled", "failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One partition this worker owns."""

    #: `router` or `joiner`.
    stage: str
    topic: str
    partition: int
    #: Next offset after the last record whose effect is durable in MongoDB.
    applied_offset: int
    #: Newest polled end offset of the broker; None before the first poll.
    end_offset: int | None
    #: Records between the two; None when the end is not known.
    lag: int | None
    #: Seconds, see `progress`; None when not known.
    freshness: float | None
    #: `live` (caught up), `behind` or `unknown`.
    state: str


@dataclass(frozen=True, slots=True)
class ParkedStatus:
    """One record or document that is held back until a person decides."""

    #: `topic[partition]@offset`, or the table or collection; never a key's content.
    where: str
    #: Code of the problem, for example `decode.bad_decimal`.
    reason: str
    #: Unix seconds at which it was parked.
    since: float
    #: What a decision about it names: a digest of the entry's id, which itself holds the document's key.
    handle: str = ""
    #: `record` or `document`.
    kind: str = "record"


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """A topic of a pipeline and how many partitions of it must have an owner."""

    stage: str
    name: str
    partitions: int


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """One pipeline as this worker sees it."""

    name: str
    generation: int
    #: MongoDB collection the documents go to.
    collection: str
    #: One of `STATES`.
    state: str
    #: Of the oldest partition owned here; None when not known.
    freshness_seconds: float | None
    #: Freshness objective in seconds, from the mapping file.
    objective: float
    partitions: tuple[PartitionStatus, ...]
    #: Documents written by this worker since it started.
    documents_written: int
    #: Number of parked keys of the whole pipeline.
    parked: int
    #: The first copy in records as (done, total); None when it is over.
    first_copy: tuple[int, int] | None = None
    #: Code and text of the last problem; None when there was none.
    last_error: str | None = None
    #: The oldest parked keys, a bounded list (at most 50 are shown).
    parked_list: tuple[ParkedStatus, ...] = ()
    #: Everything that somebody must own; () before it is known.
    topics: tuple[TopicStatus, ...] = ()
    #: Documents a second over the last minute; None when not known.
    documents_per_second: float | None = None
    #: How long things took in the last minute, by stage.
    timings: tuple[Timing, ...] = ()
    #: The way from the tables to the documents; None when not known.
    shape: Shape | None = None
    #: Digest of the mapping; two in a fleet: a rollout, or workers that run different files.
    mapping_hash: str = ""

    @property
    def lag(self) -> int | None:
        """Records not yet applied over all partitions owned here; None as soon as one of them is not known."""
        total = 0
        for partition in self.partitions:
            if partition.lag is None:
                return None
            total += partition.lag
        return total if self.partitions else None


@dataclass(frozen=True, slots=True)
class Status:
    """One worker."""

    version: str
    #: Name of this worker, for example the pod's.
    instance: str
    #: Unix seconds.
    started_at: float
    pipelines: tuple[PipelineStatus, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON-ready mappings, with `lag` of each pipeline added."""
        shown = asdict(self)
        for body, pipeline in zip(shown["pipelines"], self.pipelines, strict=True):
            body["lag"] = pipeline.lag
        return shown


def builtins(value: Any) -> Any:
    """Any of these as mappings, lists, text and plain numbers; offsets come from the driver in a type of its own."""
    return msgspec.to_builtins(value, enc_hook=_number)


def _number(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"a status holds no {type(value).__name__}")


def known(seconds: float | None) -> float | None:
    """A freshness as it is shown: None when it is not known (infinite)."""
    return None if seconds is None or math.isinf(seconds) else seconds


def partitions_of(view: View) -> tuple[PartitionStatus, ...]:
    """The owned partitions of a view, in its order."""
    return tuple(
        PartitionStatus(
            seen.stage,
            seen.topic,
            seen.partition,
            seen.applied_offset,
            seen.end_offset,
            seen.lag,
            known(seen.freshness_seconds),
            seen.state,
        )
        for seen in view.partitions
    )
