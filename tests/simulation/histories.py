"""
Random histories of any schema: changes before a first snapshot, and changes that are streamed.

Key domains are small, so rows collide, move, go and come back; some changes the connectors never see until a second
snapshot, some they tell in records that cannot be read.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.simulation.cascades import Cascade
from tests.simulation.source import Database
from tests.simulation.steps import Key, Row, Step
from tests.simulation.tables import Source


def _row(rng: random.Random, source: Source) -> Row:
    return {
        column: rng.choice(values) for column, values in source.domains.items() if column not in source.key
    }  # fmt: skip


def _key(rng: random.Random, source: Source) -> Key:
    return tuple(rng.choice(source.domains[column]) for column in source.key)


def changes(
    rng: random.Random, sources: Mapping[str, Source], number: int, *, often: Sequence[str] = (),
    unseen: float = 0.0, garbled: float = 0.0,
) -> list[Step]:  # fmt: skip
    """
    `number` random changes of rows.

    Args:
        rng: where chance comes from.
        sources: the tables.
        number: of changes.
        often: tables that change more often than others.
        unseen: share of the changes that the connectors never see.
        garbled: share of those they tell in records that cannot be read.
    """
    steps: list[Step] = []
    names = [*sources, *often]
    for _ in range(number):
        source = sources[rng.choice(names)]
        joined = bool(steps) and rng.random() < 0.25
        if joined and rng.random() < 0.5:
            source = sources[steps[-1].table]
        missed = rng.random() < unseen
        key = _key(rng, source)
        if steps and steps[-1].what == "delete" and rng.random() < 0.3:  # it comes back
            source, key = sources[steps[-1].table], steps[-1].key
            steps.append(Step("put", source.name, key, _row(rng, source)))
            continue
        how = rng.random()
        if how < 0.22:
            steps.append(Step("delete", source.name, key, joined=joined, missed=missed))
        elif how < 0.32:
            steps.append(Step("rekey", source.name, key, to=_key(rng, source), joined=joined, missed=missed))
        elif how < 0.35:
            steps.append(Step("truncate", source.name))
        else:
            wrong = not missed and rng.random() < garbled
            row = _row(rng, source)
            steps.append(Step("put", source.name, key, row, missed=missed, joined=joined, garbled=wrong))
    return steps


@dataclass(frozen=True)
class History:
    """What happens before the connectors begin, and after."""

    before: tuple[Step, ...]
    after: tuple[Step, ...]

    def played(
        self, sources: Mapping[str, Source], cascades: Sequence[Cascade] = (), *, waits: bool = False
    ) -> Database:
        """The source after all of it."""
        database = Database(sources, cascades, waits=waits)
        for step in self.before:
            database.step(step)
        database.events.clear()
        if self.before:
            database.step(Step("snapshot"))
        database.apply(self.after)
        return database


def history(
    rng: random.Random, sources: Mapping[str, Source], *, before: int, after: int, often: Sequence[str] = ()
) -> History:
    """`before` changes nobody saw, a snapshot of what they left, and `after` changes that were streamed."""
    first = changes(rng, sources, before, often=often)
    unseen, garbled = rng.choice((0.0, 0.0, 0.15)), rng.choice((0.0, 0.0, 0.0, 0.1))
    later = changes(rng, sources, after, often=often, unseen=unseen, garbled=garbled)
    if rng.random() < 0.3:
        later.insert(rng.randint(0, len(later)), Step("chunk", rng.choice(list(sources))))
    if unseen or garbled or rng.random() < 0.2:
        later.append(Step("snapshot"))
        later += changes(rng, sources, rng.randint(0, 4))
    return History(tuple(first), tuple(later))
