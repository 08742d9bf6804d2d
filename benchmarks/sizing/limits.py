"""
What breaks first: the demand of a plan against what one of each thing can do.

Workers, brokers and disks are added, which is what they are for; the others need another design, and the most strained
of them is the one that breaks first.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.sizing import units
from benchmarks.sizing.demand import Plan


class Limit(NamedTuple):
    """One thing of which there may be too little."""

    what: str
    #: Demand in units of what one of it can do: above 1 one is not enough.
    times: float
    #: Whether more of it is simply added.
    added: bool
    remedy: str


def limits(plan: Plan) -> list[Limit]:
    """All of them, the most strained first."""
    load = plan.load
    shared = units.MOST_PARTITIONS.value / units.SHARE.value
    found = [
        Limit("one worker's core", plan.cores / units.BUSY.value, True, "add workers, up to the keyed partitions"),
        Limit(
            "one broker", plan.broker_megabytes / units.BROKER.value, True, "add brokers and move partitions onto them"
        ),
        Limit(
            "the cache's room in a pod", plan.cache_gigabytes * 1e9 / (units.CACHE_LIMIT.value * 2**30), True,
            "raise `sizeLimit` of the volume `state`: a pod that fills it is evicted",
        ),
        Limit(
            "two minutes to refill a cache", plan.restore_seconds / units.COLD.value, True,
            "keep the cache on a volume that outlives its pod, or add workers",
        ),
        Limit(
            "one connector", load.changes * load.records / units.CONNECTOR.value, False,
            "tables on several servers, each with its connector and topic prefix ([cookbook](cookbook/two-servers.md))",
        ),
        Limit(
            "one primary of MongoDB", plan.mongod_cores / (units.PRIMARY.value * units.BUSY.value), False,
            "write less (`where`, `limit`, fewer columns); then a pipeline and a replica set for each source server, "
            "or a sharded cluster",
        ),
        Limit(
            "one pipeline's 1,024 partitions", plan.workers / shared, False,
            "a pipeline for each source server",
        ),
    ]  # fmt: skip
    return sorted(found, key=lambda limit: limit.times, reverse=True)


def breaks_first(plan: Plan) -> Limit | None:
    """The most strained of what cannot simply be added; None while one of each is enough."""
    worst = next(limit for limit in limits(plan) if not limit.added)
    return worst if worst.times > 1 else None
