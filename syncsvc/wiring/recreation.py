"""
Topics that are deleted and made anew under a running worker: it would read on in the middle of other records.

A start compares the ids of topics with those of the generation (`prepare`); here a worker that does not start again
does it whenever it gets partitions, because a topic that comes and goes moves them, and now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

from syncsvc.actors.host import Bounds
from syncsvc.engine.engine import Engine
from syncsvc.engine.port import TP
from syncsvc.errors import Unreachable
from syncsvc.mongo import generations
from syncsvc.mongo.client import Mongo


class Recreation:
    """
    Looks whether the topics of a generation are those that it began with.

    Args:
        held: the generation.
        mongo: where it is written.
    """

    def __init__(self, held: generations.Generation, mongo: Mongo) -> None:
        self._held, self._mongo = held, mongo
        #: Whose broker is asked; to be set before the first look.
        self.engine: Engine | None = None
        self._topics = [topic.name for topic in (held.keyed, *held.sources) if topic.id]

    async def look(self) -> None:
        """
        Asks for the ids; a topic that is gone at this moment says nothing, nor does a broker that is away.

        Raises:
            Drift: `generation.topic_recreated`.
        """
        if not self._topics:  # the broker gave none when the generation began, or an earlier edition did not ask
            return
        with contextlib.suppress(Unreachable):
            assert self.engine is not None
            ids = await self.engine.topic_ids(self._topics)
            held = self._held
            keyed, *sources = (replace(topic, id=ids.get(topic.name, "")) for topic in (held.keyed, *held.sources))
            generations.hold(self._mongo, held, replace(held, keyed=keyed, sources=tuple(sources)))

    def before(self, bounds: Bounds) -> Bounds:
        """The same bounds, and a look with each question for them; raises as `look`."""

        async def looked(tps: set[TP]) -> Mapping[TP, tuple[int, int]]:
            found, _ = await asyncio.gather(bounds(tps), self.look())
            return found

        return looked
