"""
One run of the simulator: a history, a seed, and faults between every two durable steps.

`run(seed)` is a function of its arguments; a failing seed is replayed by calling it again.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

from tests.simulation import histories
from tests.simulation.world import SOURCE_PARTITIONS, World, joiner, router

Process = Generator[None, None, None]


def _start(world: World, name: tuple[str, int]) -> Process:
    return joiner(world, name[1]) if name[0] == "joiner" else router(world, *name)


def run(
    seed: int, *, before: int = 8, after: int = 12, faults: bool = True, fenced: bool = True, partitions: int = 2
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], World]:
    """
    Documents, the oracle's documents, and the world they stand in, after everything has come to rest.

    Faults are: crashes and take-overs of any process at any durable step, zombies that go on for a while, redelivered
    stretches of the connector's log, lost caches.
    """
    rng = random.Random(seed)
    pipeline = histories.pipeline(partitions=partitions)
    database = histories.history(rng, before=before, after=after)
    world = World(pipeline, rng, fenced=fenced)
    events = list(database.events)
    copied = rng.randint(0, len(events))
    for event in events[:copied]:
        world.publish(event)
    world.begin()
    waiting = events[copied:]
    sent = events[:copied]
    names = [(table, p) for table in world.plan.tables for p in range(SOURCE_PARTITIONS)]
    names += [("joiner", p) for p in range(partitions)]
    owners: dict[tuple[str, int], Process] = {name: _start(world, name) for name in names}
    zombies: list[Process] = []
    # Some runs are stormy, in others a process lives long enough to grow old on what it remembers.
    crashes, pace = rng.choice((0.0, 0.01, 0.05)), rng.choice((0.03, 0.2))
    for _ in range(60 * (before + after)):
        if waiting and rng.random() < pace:
            event = waiting.pop(0)
            sent.append(event)
            world.publish(event)
        if faults and sent and rng.random() < 0.02:  # at-least-once: an older stretch is sent again, then it goes on
            first = max(0, len(sent) - rng.randint(1, 6))
            if sent[first].envelope is None:
                first -= 1  # a delete and its tombstone are one event of the source
            for event in sent[first:]:
                world.publish(event)
        name = rng.choice(names)
        if faults and rng.random() < crashes:
            if rng.random() < 0.5:
                zombies.append(owners[name])
            owners[name] = _start(world, name)
        if zombies and rng.random() < 0.3:
            _step(rng.choice(zombies))
        _step(owners[name])
    for event in waiting:
        world.publish(event)
    _settle(world, owners)
    return world.decoded(), histories.expected(database), world


def _step(process: Process) -> None:
    """One durable step; a process that was fenced out has ended."""
    next(process, None)


def _settle(world: World, owners: dict[tuple[str, int], Process]) -> None:
    """Fresh owners of everything, until nothing changes any more."""
    for name in owners:
        owners[name] = _start(world, name)
    quiet = 0
    while quiet < 120:
        before = _size(world)
        for process in owners.values():
            _step(process)
        quiet = quiet + 1 if _size(world) == before else 0


def _size(world: World) -> tuple[int, ...]:
    return (
        *(fence.offset for fence in world.fences.values()),
        *(len(log) for log in world.keyed),
        sum(len(body) for body in world.documents.values()),
    )
