"""Names of the bookkeeping collections; stored, so they never change."""

from __future__ import annotations

GENERATIONS = "syncsvc_generations"
COLLECTIONS = "syncsvc_collections"
FENCES = "syncsvc_fences"
PARKED = "syncsvc_parked"
WORKERS = "syncsvc_workers"


def state_collection(pipeline: str, generation: int) -> str:
    """
    Collection of a generation's segments.

    >>> state_collection("meetings", 2)
    'syncsvc_state.meetings.g2'
    """
    return f"syncsvc_state.{pipeline}.g{generation}"


def fence_id(pipeline: str, generation: int, stage: str, partition: int | str) -> str:
    """
    Name of the fence of one partition of one stage; the router's partitions are named with their topic.

    >>> fence_id("meetings", 1, "joiner", 3)
    'meetings/g1/joiner/3'
    """
    return f"{pipeline}/g{generation}/{stage}/{partition}"
