"""
One run of the simulator: a shape, a history, and faults between every two durable steps.

`run(case)` is a function of its argument, `case(seed)` of its seed; a failing seed is replayed by calling them again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncsvc.assembly.due import HOLD_MS
from tests.simulation.cascades import cascades
from tests.simulation.histories import History, history
from tests.simulation.limits import chosen, forgetful, lowered
from tests.simulation.oracle import Oracle, canonical
from tests.simulation.shapes import Shape, shape
from tests.simulation.source import Database, Event
from tests.simulation.stages import Process, start
from tests.simulation.world import Faults, Name, World

QUIET = 6  # rounds in which nothing durable happens, each longer than a document waits for an answer


@dataclass(frozen=True)
class Case:
    """Everything a run depends on."""

    shape: Shape
    history: History
    faults: Faults
    #: Bounds of a step that are lower than in production.
    limits: Mapping[str, int]
    #: Of the order in which processes take their turns and faults strike.
    schedule: int
    #: Statements wait for their locks, and are logged with the time at which they began.
    waits: bool = False

    def played(self) -> Database:
        """The source after its history."""
        return self.history.played(self.shape.sources, cascades(self.shape.pipeline), waits=self.waits)


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    #: By collection.
    documents: dict[str, list[dict[str, Any]]]
    expected: dict[str, list[dict[str, Any]]]
    world: World
    events: list[Event]

    @property
    def converged(self) -> bool:
        """Whether the documents are the join, names in their order."""
        found, wanted = (
            {name: sorted(map(repr, map(canonical, each))) for name, each in documents.items()}
            for documents in (self.documents, self.expected)
        )
        return found == wanted


def case(seed: int, *, before: int = 10, after: int | None = None, partitions: int = 2) -> Case:
    """The case of a seed."""
    rng = random.Random(f"case {seed}")
    made = shape(seed, partitions=partitions)
    often = [table for cascade in cascades(made.pipeline) for table in (cascade.target, cascade.holder)]
    past = history(rng, made.sources, before=before, after=after or rng.choice((10, 16, 30)), often=often)
    # Some runs are stormy, in others a process lives long enough to grow old on what it remembers.
    storm = rng.choice((0.0, 0.01, 0.05))
    faults = Faults(
        crash=storm, revoke=storm / 3, redelivery=rng.choice((0.0, 0.02)), refused=rng.choice((0.0, 0.1)),
        unheard=rng.choice((0.0, 0.05)),
    )  # fmt: skip
    # Drawn apart, so that the seeds of before are the histories that they were.
    limits = chosen(rng) | forgetful(random.Random(f"forgetful {seed}"))
    return Case(made, past, faults, limits, seed, waits=rng.random() < 0.3)


def run(case: Case, *, fenced: bool = True) -> Ended:
    """Documents, the oracle's documents, and the world they stand in, after everything has come to rest."""
    rng = random.Random(f"schedule {case.schedule}")
    database = case.played()
    # A row's older change may be the younger by the clock: sent again it shows, until the newer one is sent again too.
    # So does the insert of a deleted row that is forgotten, until its delete is sent again.
    shows = case.waits or case.limits.get("REMEMBERED_MS") == 0
    watched = not (shows and case.faults.redelivery)
    world = World(case.shape, rng, case.faults, database.images, fenced, watched)
    events = list(database.events)
    copied = rng.randint(0, len(events))
    for event in events[:copied]:
        world.publish(event)
    world.begin()
    with lowered(case.limits):
        _weather(world, events, copied)
    garbled = sum(event.garbled for event in events)
    assert garbled or not world.parked, f"parked: {world.parked}"
    expected = Oracle(case.shape, database.tables).documents()
    return Ended(world.decoded(), expected, world, events)


def _weather(world: World, events: list[Event], sent: int) -> None:
    """Turns of processes picked by chance, events that come, faults; then quiet."""
    rng, faults, names = world.rng, world.faults, world.names
    owners: dict[Name, Process] = {name: start(world, name) for name in names}
    zombies: list[Process] = []
    pace = rng.choice((0.03, 0.2))
    for _ in range(40 * len(names) + 20 * len(events)):
        if sent < len(events) and rng.random() < pace:
            world.publish(events[sent])
            sent += 1
        if sent and rng.random() < faults.redelivery:
            _again(world, events, sent)
        name = rng.choice(names)
        if rng.random() < faults.crash:
            if rng.random() < faults.zombie:
                zombies.append(owners[name])
            owners[name] = start(world, name)
        elif rng.random() < faults.revoke:
            world.revoked.add(name)
        if zombies and rng.random() < 0.3:
            next(rng.choice(zombies), None)
        if not _step(owners[name]):
            owners[name] = start(world, name)
    for event in events[sent:]:
        world.publish(event)
    _settle(world, owners)


def _again(world: World, events: list[Event], sent: int) -> None:
    """At least once: a connector goes back some events and sends all of them again."""
    first = max(0, sent - world.rng.randint(1, 6))
    if events[first].envelope is None:
        first -= 1  # a delete and its tombstone are one event of the source
    for event in events[first:sent]:
        world.publish(event)


def _step(process: Process) -> bool:
    """One durable step; False when the process has ended."""
    return next(process, process) is None


def _settle(world: World, owners: dict[Name, Process]) -> None:
    """Fresh owners of everything and no more faults, until nothing changes any more."""
    world.faults, world.pauses_ms = Faults(lost=world.faults.lost), (HOLD_MS + 50,)
    for name in owners:
        owners[name] = start(world, name)
    quiet = 0
    while quiet < QUIET:
        before = _size(world)
        for process in owners.values():
            _step(process)
        quiet = quiet + 1 if _size(world) == before else 0


def _size(world: World) -> tuple[int, ...]:
    return (
        *(fence.seq for fence in world.fences.values()),
        *(len(log) for log in world.keyed),
    )
