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
