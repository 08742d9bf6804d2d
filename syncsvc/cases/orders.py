"""
Orders in which the records of a case may reach us, as Kafka and an at-least-once connector allow them.

Each row's records keep their order, everything else may be interleaved; a connector that starts again repeats what it
sent last, or all of it.  Seeded by the case, so a failing order fails again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncsvc.cases.source import Event

MOST_ORDERS = 50
_REPEATED = 4  # records at most, of those sent last


@dataclass(frozen=True, slots=True)
class Arrival:
    """One record that arrives, and whether all is quiet before the next."""

    event: Event
    again: bool = False
    quiet: bool = False


#: The arrivals of each round.
Order = list[list[Arrival]]


def as_given(rounds: Sequence[Sequence[Event]]) -> Iterator[Order]:
    """Every record once, in the order of the file: read at once, then one by one."""
    for quiet in (False, True):
        yield [[Arrival(event, quiet=quiet) for event in events] for events in rounds]


def any_order(rounds: Sequence[Sequence[Event]], seed: str) -> Iterator[Order]:
    """All interleavings when they are few, else some, each with repetitions and pauses of its own."""
    ways = math.prod(_ways(_lanes(events)) for events in rounds)
    for number in range(min(ways, MOST_ORDERS)):
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 (a schedule, not a secret)
        mixed = _numbered(rounds, number) if ways <= MOST_ORDERS else [_mixed(events, rng) for events in rounds]
        yield _with_repetitions(mixed, rng)


def _lanes(events: Sequence[Event]) -> list[list[Event]]:
    """Records that keep their order: those of one row.  A truncate has no row."""
    lanes: dict[object, list[Event]] = {}
    for number, event in enumerate(events):
        lanes.setdefault((event.table, event.key) if event.key else number, []).append(event)
    return list(lanes.values())


def _ways(lanes: Sequence[Sequence[Event]]) -> int:
    sizes = [len(lane) for lane in lanes]
    return math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))


def _numbered(rounds: Sequence[Sequence[Event]], number: int) -> list[list[Event]]:
    """One of all combinations of interleavings; 0 is the first of each."""
    found = []
    for events in rounds:
        lanes = _lanes(events)
        number, own = divmod(number, _ways(lanes))
        found.append(_interleaving(lanes, own))
    return found


def _interleaving(lanes: list[list[Event]], number: int) -> list[Event]:
    """The interleaving of this number, in lexical order of the lanes."""
    found: list[Event] = []
    left = [list(lane) for lane in lanes]
    while any(left):
        for lane in left:
            if not lane:
                continue
            first = lane.pop(0)
            ways = _ways(left)
            if number < ways:
                found.append(first)
                break
            number -= ways
            lane.insert(0, first)
    return found


def _mixed(events: Sequence[Event], rng: random.Random) -> list[Event]:
    """One of all interleavings, each as likely as any other."""
    left = [lane[::-1] for lane in _lanes(events)]
    found = []
    while any(left):
        found.append(rng.choices(left, [len(lane) for lane in left])[0].pop())
    return found


def _with_repetitions(mixed: Sequence[Sequence[Event]], rng: random.Random) -> Order:
    sent: list[Event] = []
    order: Order = []
    quiet = rng.choice((0.0, 0.3, 1.0))
    for events in mixed:
        arrivals = []
        for event in events:
            sent.append(event)
            arrivals.append(Arrival(event, quiet=rng.random() < quiet))
            if rng.random() < 0.2:
                again = _last(sent, rng.randint(1, _REPEATED))
                arrivals += [Arrival(one, again=True, quiet=rng.random() < quiet) for one in again]
        if rng.random() < 0.3:
            arrivals += [Arrival(one, again=True) for one in sent]
        order.append(arrivals)
    return order


def _last(sent: Sequence[Event], count: int) -> list[Event]:
    """The last ones; a tombstone is never repeated without its delete, they are one event of the source."""
    first = max(0, len(sent) - count)
    while first > 0 and any(_tombstone_alone(sent, first, at) for at in range(first, len(sent))):
        first -= 1
    return list(sent[first:])


def _tombstone_alone(sent: Sequence[Event], first: int, at: int) -> bool:
    tombstone = sent[at]
    if tombstone.value is not None:
        return False
    return not any(
        (event.table, event.key) == (tombstone.table, tombstone.key) and event.value is not None
        for event in sent[first:at]
    )
