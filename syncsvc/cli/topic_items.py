"""
Topics as `plan` shows them: what is made, what is altered, what is lost by it, what cannot be mended in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from syncsvc.cli import item
from syncsvc.cli.item import CREATE, DIFFERS, LOSES, SAME, UPDATE, Item
from syncsvc.engine import reading, topics
from syncsvc.engine.port import TP
from syncsvc.engine.topics import TopicState
from syncsvc.errors import Problem
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings
from syncsvc.wiring import prepare
from syncsvc.wiring.connections import engine_settings

#: Settings of which a smaller value deletes records that are there now; -1 is endless.
LIMITS = ("retention.ms", "retention.bytes")


@dataclass(frozen=True, slots=True)
class Topics:
    """What Kafka has of a pipeline's topics."""

    there: Mapping[str, TopicState]
    #: Records that the keyed topic has ever had.
    keyed_records: int


async def asked(pipeline: Pipeline, settings: Settings) -> Topics:
    """Ask Kafka; raises Unreachable."""
    wanted, engine = prepare.wishes(pipeline, settings), engine_settings(settings)
    async with topics.Topics(engine) as admin:
        there = await admin.describe([wanted.keyed.name, *wanted.sources])
    records = 0
    if (keyed := there.get(wanted.keyed.name)) is not None:
        async with reading.reader(engine) as logs:
            bounds = await logs.bounds([TP(keyed.name, number) for number in range(keyed.partitions)])
        records = sum(end for _, end in bounds.values())
    return Topics(there, records)


def of_sources(pipeline: Pipeline, settings: Settings, found: Topics) -> Iterator[Item]:
    """Topics of the tables: missing ones are made, existing ones taken as they are."""
    for name, wish in sorted(prepare.wishes(pipeline, settings).sources.items()):
        state = found.there.get(name)
        count = wish.partitions if state is None else state.partitions
        yield Item(CREATE if state is None else SAME, "topic", name, partitions(count))


def of_keyed(pipeline: Pipeline, settings: Settings, found: Topics, *, begun: bool) -> Item:
    """The internal topic; `begun`: the generation is there, so its records are ours."""
    wish = prepare.wishes(pipeline, settings).keyed
    state, fine = found.there.get(wish.name), f"kept for {settings.keyed_retention_hours:g} h"
    if state is None:
        if begun:
            what = "it is gone, though the generation was built from it"
            fix = f"raise `generation:` to {pipeline.generation + 1} to build anew beside it"
            return _refused(wish.name, [Problem("topic.gone", f"topic {wish.name}", what, fix)])
        return Item(CREATE, "topic", wish.name, f"{partitions(wish.partitions)}, {fine}")
    if found.keyed_records and not begun:
        why = "left over, or SYNCSVC_MONGO_URI or SYNCSVC_MONGO_DATABASE names another database than it was made with"
        what = f"{found.keyed_records:,} records of a generation that is not there: {why}; deleted, made anew"
        return Item(LOSES, "topic", wish.name, what, step="drop")
    if unfit := topics.check_topic(replace(wish, config={}), state):
        return _refused(wish.name, unfit)
    pairs = {name: (state.config.get(name), value) for name, value in wish.config.items()}
    differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if not differing:
        return Item(SAME, "topic", wish.name, f"{partitions(state.partitions)}, {fine}")
    lost = [name for name, (now, wanted) in differing.items() if name in LIMITS and _shrinks(now, wanted)]
    if lost:
        what = f"records beyond the new {' and '.join(lost)} are deleted, whether they were read or not"
        return Item(LOSES, "topic", wish.name, what, changes=item.changes(differing), step="alter")
    return Item(UPDATE, "topic", wish.name, "settings", changes=item.changes(differing), step="alter")


def _refused(name: str, problems: list[Problem]) -> Item:
    return Item(DIFFERS, "topic", name, "; ".join(problem.what for problem in problems), tuple(problems))


def _shrinks(now: str | None, wanted: str) -> bool:
    return wanted != "-1" and (now in (None, "-1") or int(wanted) < int(now or 0))


def partitions(count: int) -> str:
    """`1 partition`, `8 partitions`."""
    return f"{count} partition{'s' if count != 1 else ''}"
