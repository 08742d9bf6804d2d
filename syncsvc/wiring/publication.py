"""
When readers get to see a generation: once every partition of it has written its first copy, and never backwards.
"""

from __future__ import annotations

import asyncio

from syncsvc.engine.port import TP
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences, generations, published
from syncsvc.mongo.client import Mongo
from syncsvc.state.fences import fence_id
from syncsvc.telemetry.events import Events


def complete(pipeline: Pipeline, mongo: Mongo) -> bool:
    """Whether all partitions of the generation have written their first copy; blocking."""
    generation = generations.read(mongo, pipeline.name, pipeline.generation)
    if generation is None:
        return False
    found = fences.read_fences(mongo, pipeline.name, pipeline.generation)
    return every_fence(generation) <= {fence["_id"] for fence in found if fence.get("copied")}


def every_fence(generation: generations.Generation) -> set[str]:
    """Ids of the fences a generation has once all of it is open: those that are missing by now tell nothing."""
    stages = [("joiner", generation.keyed), *(("router", topic) for topic in generation.sources)]
    return {
        fence_id(generation.pipeline, generation.number, stage, TP(topic.name, number))
        for stage, topic in stages
        for number in range(topic.partitions)
    }


class Publication:
    """The names of one pipeline, as a worker of one generation shows them."""

    def __init__(self, pipeline: Pipeline, mongo: Mongo, events: Events) -> None:
        self._pipeline, self._mongo, self._events = pipeline, mongo, events

    async def look(self) -> bool:
        """
        Shows the generation when it is complete; True when there is nothing more to do.

        A generation that is older than what readers see, or that a person took them back from, goes on being kept true
        and is not shown; why is told once.

        Raises:
            Drift, and the driver's errors.
        """
        if not await asyncio.to_thread(complete, self._pipeline, self._mongo):
            return False
        for view in self._pipeline.each():
            await self._offer(view)
        return True

    async def _offer(self, view: Pipeline) -> None:
        before = await asyncio.to_thread(published.read, self._mongo, view.collection)
        held = await asyncio.to_thread(
            published.offer, self._mongo, view.collection, view.generation, view.target_collection,
            view=view.publish == "view",
        )  # fmt: skip
        why = held.withheld(view.generation)
        if why is not None:
            self._events.generation_withheld(
                pipeline=view.name, collection=view.collection, generation=view.generation, shown=held.generation,
                reason=why,
            )  # fmt: skip
        elif before is None or before.generation != held.generation:
            self._events.generation_published(
                pipeline=view.name, collection=view.collection, generation=view.generation
            )
