"""
The two Faust agents of a pipeline: `router` reads the source topics, `joiner` the keyed topic.

An agent only hands what was fetched to the lanes of its partitions, which never wait; a lane's own task calls the host.
One actor a partition would be Faust's way (`isolated_partitions`), and was not taken: an actor and its queue leak for
each partition regained after a rebalance, one that ends makes Faust subscribe again 45 s later (a rebalance for all),
and a full queue of one partition blocks Faust's only drain loop, so every other partition. With lanes a full partition
is simply not read, and what it holds is bounded (`EngineSettings.lane_bytes` and one fetch).

Nothing is acknowledged to Faust (`noack`): its acknowledgements commit past failed and cancelled batches.  An error
ends the app (`CrashingSupervisor`); Faust's default would go on with the next record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faust
import mode


def add(app: faust.App, router_topics: Sequence[str], joiner_topic: str | None) -> None:
    """Register the agents on raw topics; an agent without topics is left out."""
    for agent, topics in ((router, router_topics), (joiner, [joiner_topic] if joiner_topic else [])):
        if topics:
            topic = app.topic(*topics, key_serializer="raw", value_serializer="raw")
            app.agent(topic, name=agent.__name__, supervisor_strategy=mode.CrashingSupervisor)(agent)


async def router(stream: Any) -> None:
    """Stage 2, routing: changes of the source topics."""
    await _hand_over(stream)


async def joiner(stream: Any) -> None:
    """Stages 3 and 4, assembly and writing: records of the keyed topic."""
    await _hand_over(stream)


async def _hand_over(stream: Any) -> None:
    async for event in stream.noack().events():
        for offer in event.message.offers:
            offer.chunks.offer(offer.number, offer.records, offer.position)
