"""
Which sets of rows some prefix of a source partition explains.

Rows of one table come by several partitions, each in its order and none waiting for another; so what a list shows must
be, partition by partition, what a prefix of that partition puts there, less what went with its table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from syncsvc.mapping.model import Embed
from tests.simulation.cascades import every
from tests.simulation.oracle import Conditions
from tests.simulation.shapes import Shape
from tests.simulation.source import Event
from tests.simulation.steps import Key

Where = tuple[Any, ...]
#: `(n, place of the event that told it)` of the rows at one address.
State = frozenset[tuple[int, Any]]
#: A relation (their names are unique), a source partition, and the address.
Channel = tuple[str, int, Where]


class Floor(NamedTuple):
    """From some event on a table has no rows that were told before it: it was emptied, or read again as a whole."""

    at: Any
    #: `{channel: prefix that must have been seen first}`: what a snapshot has read is shown before the rest goes.
    behind: dict[Channel, int]


@dataclass
class Log:
    """What the connectors have published of the rows of lists that show all there is, partition by partition."""

    shape: Shape
    #: What each prefix leaves, from nothing on.
    states: dict[Channel, list[State]] = field(default_factory=dict)
    #: `{table: floors}`, rising.
    floors: dict[str, list[Floor]] = field(default_factory=dict)
    _rows: dict[tuple[str, Key], tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conditions = Conditions(self.shape)
        #: By name; the levels of a self reference are one.
        self.followed = {embed.name: embed for embed in every(self.shape.pipeline) if whole(embed)}

    def published(self, event: Event) -> None:
        """One record more, redelivered or not."""
        if event.envelope is None or event.garbled:
            return
        place = event.envelope["source"]
        at = (place["file"], place["pos"], place["row"], event.envelope["op"] != "r")
        row, known = event.envelope["after"], self._rows.get((event.table, event.key))
        if event.envelope["op"] == "t":
            self._floor(event.table, at, {})
            return
        if known is not None and at < known[0]:
            return
        before = None if known is None else known[1]
        self._rows[event.table, event.key] = (at, row)
        for embed in self.followed.values():
            if embed.table == event.table:
                old, new = self._address(embed, before), self._address(embed, row)
                if old is not None and old != new:
                    self._change(embed, event.partition, old, before["n"], None)
                if new is not None:
                    self._change(embed, event.partition, new, before["n"] if old == new else None, (row["n"], at))
        if place["snapshot"] == "last_in_data_collection":
            self._floor(event.table, at, {channel: len(states) - 1 for channel, states in self.states.items()})

    def _floor(self, table: str, at: Any, behind: dict[Channel, int]) -> None:
        floors = self.floors.setdefault(table, [])
        if not floors or at > floors[-1].at:
            floors.append(Floor(at, behind))

    def _address(self, embed: Embed, row: Mapping[str, Any] | None) -> Where | None:
        if row is None or not self.conditions.hold(embed.where, row):
            return None
        return tuple(row[column] for column in embed.on)

    def _change(
        self, embed: Embed, partition: int, address: Where, was: int | None, now: tuple[int, Any] | None
    ) -> None:
        states = self.states.setdefault((embed.name, partition, address), [frozenset()])
        left = frozenset(row for row in states[-1] if row[0] != was)
        states.append(left | {now} if now is not None else left)

    def explaining(self, table: str, channel: Channel, images: set[int]) -> set[tuple[int, int]]:
        """`(prefix, number of floors)` that show exactly these images."""
        floors, found = [None, *self.floors.get(table, [])], set()
        for index, state in enumerate(self.states.get(channel, [frozenset()])):
            for number, floor in enumerate(floors):
                if floor is not None and index < floor.behind.get(channel, 0):
                    break  # and none behind it
                if images == {n for n, at in state if floor is None or at >= floor.at}:
                    found.add((index, number))
        return found


def place_of(embed: Embed) -> str | None:
    """Name under which a relation shows `n`."""
    return next((field.name for field in embed.fields if field.column == "n"), None)


def whole(embed: Embed) -> bool:
    """Whether a list shows every row there is, and which."""
    place = place_of(embed)
    shown = embed.kind == "many" and place is not None and embed.value in (None, place)
    required = any(below.required for below in embed.embed)
    taken = embed.on_parent_delete == "cascade" or any(below.on_parent_delete == "cascade" for below in embed.embed)
    return shown and not required and not taken and embed.limit is None and embed.map_by is None
