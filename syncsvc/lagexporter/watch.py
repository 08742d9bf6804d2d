"""One look at the groups of a cluster and the fences of pipelines."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

from syncsvc.engine.groups import Groups, Member
from syncsvc.engine.port import TP
from syncsvc.lagexporter import applied
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo.client import Mongo
from syncsvc.telemetry.group_lag import GroupPartition, Look

NOBODY = Member("", "", "")


class Watch:
    """
    What is looked at.

    Args:
        pipelines: taken by their fences.
        patterns: further groups, taken by their commits: regular expressions that must fit a whole name.
        mongo: where the fences are; needed when there are pipelines.
    """

    def __init__(self, pipelines: Sequence[Pipeline], patterns: Sequence[re.Pattern[str]], mongo: Mongo | None) -> None:
        self._pipelines, self._patterns, self._mongo = pipelines, patterns, mongo

    async def look(self, groups: Groups) -> Look:
        """
        What there is now.

        Raises:
            Unreachable: Kafka does not answer.
            pymongo's errors: MongoDB does not.
        """
        began, at = time.monotonic(), time.time()
        offsets: dict[str, dict[TP, int | None]] = {}
        for pipeline in self._pipelines:
            offsets[pipeline.group] = await self._applied(pipeline, groups)
        for name in await groups.names() if self._patterns else ():
            if name not in offsets and any(pattern.fullmatch(name) for pattern in self._patterns):
                offsets[name] = dict(await groups.committed(name))
        bounds = await groups.bounds(sorted({tp for consumed in offsets.values() for tp in consumed}))
        partitions = []
        for group, consumed in offsets.items():
            owners = await groups.members(group)
            for tp, offset in sorted(consumed.items()):
                owner = owners.get(tp, NOBODY)
                partitions.append(
                    GroupPartition(group, *tp, offset, owner.host, owner.consumer_id, owner.client_id)
                )
        ends = {(tp.topic, tp.partition): range_ for tp, range_ in bounds.items()}
        return Look(at, time.monotonic() - began, ends, tuple(partitions))

    async def _applied(self, pipeline: Pipeline, groups: Groups) -> dict[TP, int | None]:
        assert self._mongo is not None
        durable = await asyncio.to_thread(applied.offsets, pipeline, self._mongo)
        return {tp: durable.get(tp) for tp in await groups.partitions(applied.topics(pipeline))}
