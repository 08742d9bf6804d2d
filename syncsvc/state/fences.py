"""
Names of fences, the documents at which partitions go on; stored, so they never change.

Below all who name one: the actors who open a partition, and those who look at one from outside.
"""

from __future__ import annotations


def fence_id(pipeline: str, generation: int, stage: str, place: tuple[str, int]) -> str:
    """
    Name of the fence of one partition of one stage.

    Args:
        stage: "router", whose partitions are named with their topic, or "joiner".
        place: topic and partition.

    >>> fence_id("meetings", 1, "router", ("meetup.meetup.meeting", 3))
    'meetings/g1/router/meetup.meetup.meeting[3]'
    >>> fence_id("meetings", 1, "joiner", ("syncsvc.meetings.g1.keyed", 3))
    'meetings/g1/joiner/3'
    """
    topic, partition = place
    return f"{pipeline}/g{generation}/{stage}/" + (f"{topic}[{partition}]" if stage == "router" else str(partition))
