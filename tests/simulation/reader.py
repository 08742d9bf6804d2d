"""
A reader who watches every write of a document and remembers: what no prefix of the source explains must never show.

Rows are told by `n`, the place in the history at which their image was written (`tables`).  Asserted at each write:

- versions never go back, and a deleted document does not come back with an older one;
- every row shown is an image that the source once had, with all its columns; `where` is true of it, and it is joined to
  the row above it by the columns of these two images;
- at one address no row goes back to an older image;
- a row of the document itself, or of a list at its own address, that has left comes back only with a newer image;
- the rows of any list that come by one partition of the source are exactly those that some prefix of that partition
  puts there, and the prefix never goes back (`prefixes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import bson

from syncsvc.mapping.model import Embed, Field, Pipeline
from tests.simulation.prefixes import Log, Where, place_of, whole
from tests.simulation.source import SOURCE_PARTITIONS, Event, Image
from tests.simulation.steps import Key


class Witness(NamedTuple):
    """A row that a document shows."""

    #: Names and tables from the root down.
    path: tuple[str, ...]
    #: Values it is joined to the row above by.
    address: Where
    key: Key
    n: int


class Listed(NamedTuple):
    """A list that a document shows whole."""

    embed: Embed
    path: tuple[str, ...]
    address: Where
    numbers: list[int]


@dataclass
class Reader:
    """One reader of one collection."""

    pipeline: Pipeline
    #: `{n: image}` of the whole history.
    images: Mapping[int, Image]
    log: Log
    #: `{_id: newest version seen}`, kept after a delete.
    versions: dict[bytes, int] = field(default_factory=dict)
    #: `{(_id, path, address, key): newest n}`.
    newest: dict[tuple[Any, ...], int] = field(default_factory=dict)
    #: The same of rows that left where only a newer image may bring them back.
    left: dict[tuple[Any, ...], int] = field(default_factory=dict)
    #: `{(_id, path, channel): what may have been seen last}`, see `Log.explaining`.
    prefixes: dict[tuple[Any, ...], set[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root, embeds = self.pipeline.root, self.pipeline.embed
        # A row that goes with another is not shown where that one is deleted and its new life not yet heard of.
        optional = not any(
            embed.required or (embed.kind == "one" and embed.on_parent_delete == "cascade") for embed in embeds
        )
        #: Paths whose rows, once gone, need a newer image to come back.
        self._lasting = {()} if optional else set()
        self._lasting |= {
            (f"{embed.name}: {embed.table}",) for embed in embeds
            if whole(embed) and embed.to == root.key and embed.when is None
        }  # fmt: skip
        self._lists: list[Listed] = []
        self._key: Where = ()
        self._root_n = next((field.name for field in root.fields if field.column == "n"), None)

    def see(self, identity: bytes, body: bytes | None, held: bytes | None, version: int) -> None:
        """A write: `body` replaces `held`."""
        assert version >= self.versions.get(identity, 0), "a document went back"
        self.versions[identity] = version
        rows = set(self._rows(body))
        for listed in self._lists:
            self._explain(identity, listed)
        for row in rows:
            place = (identity, *row[:3])
            assert row.n >= self.newest.get(place, 0), f"{row} went back"
            assert row.n > self.left.get(place, 0), f"{row} came back without a newer image"
            self.newest[place] = row.n
        shown = {row[:3] for row in rows}
        for row in self._rows(held):
            if row.path in self._lasting and row[:3] not in shown and (body is not None or not row.path):
                self.left[identity, *row[:3]] = row.n

    def _explain(self, identity: bytes, listed: Listed) -> None:
        """
        Asserts that a list is what prefixes of its source partitions give.

        A list of the document's own address never goes back.  Elsewhere it may be empty again for a while: its rows
        have to be asked for when a reference comes back, and a document does not wait for ever.
        """
        embed, path, address, numbers = listed
        for partition in range(SOURCE_PARTITIONS):
            images = {number for number in numbers if _partition(self.images[number]) == partition}
            if not images and path not in self._lasting:
                continue
            channel = (embed.name, partition, address)
            before = self.prefixes.get((identity, path, channel), {(0, 0)})
            found = self.log.explaining(embed.table, channel, images)
            seen = {
                (prefix, floors) for prefix, floors in found
                if any(prefix >= one and floors >= other for one, other in before)
            }  # fmt: skip
            assert seen, f"no prefix of {embed.table}[{partition}] explains {sorted(images)} of {path} at {address}"
            self.prefixes[identity, path, channel] = seen

    def _rows(self, body: bytes | None) -> Iterator[Witness]:
        """Every row that a document shows and that tells itself; notes its lists on the way."""
        self._lists = []
        if body is None:
            return
        document = bson.decode(body)
        pipeline = self.pipeline
        key, image = document["_id"], None
        self._key = tuple(key.values()) if isinstance(key, dict) else (key,)
        if self._root_n is not None:
            image = self._image(pipeline.root.table, pipeline.root.fields, document, document[self._root_n])
            assert image.key == self._key, "a root of another document"
            assert self.log.conditions.hold(pipeline.root.where, image.row), f"{image} is not to be shown"
            yield Witness((), (), image.key, document[self._root_n])
        yield from self._below(pipeline.embed, document, image, ())

    def _below(
        self, embeds: tuple[Embed, ...], shown: dict[str, Any], parent: Image | None, path: tuple[str, ...]
    ) -> Iterator[Witness]:
        for name in dict.fromkeys(embed.name for embed in embeds):
            cases = [embed for embed in embeds if embed.name == name]
            embed = cases[0] if len(cases) == 1 else self._case(cases, shown[name])
            if embed is None:
                continue
            below = (*path, f"{name}: {embed.table}")
            if embed.merge:
                yield from self._row(embed, shown, parent, below)
                continue
            held = shown[name]
            elements = held if isinstance(held, list) else [held]
            if embed.map_by is not None:
                elements = list(held.values())
            if embed.name in self.log.followed and (parent is not None or below in self._lasting):
                columns = embed.parent_columns
                address = self._key if parent is None else tuple(parent.row[column] for column in columns)
                numbers = [element if embed.value else element[place_of(embed)] for element in elements]
                self._lists.append(Listed(embed, below, address, numbers))
            for element in elements:
                yield from self._row(embed, element, parent, below)

    def _case(self, cases: list[Embed], element: dict[str, Any] | None) -> Embed | None:
        """The case of a switch that is shown, where the element tells it."""
        for embed in cases:
            name = place_of(embed)
            image = self.images.get(element[name]) if element and name in element else None
            if image is not None and image.table == embed.table:
                return embed
        return None

    def _row(self, embed: Embed, element: Any, parent: Image | None, path: tuple[str, ...]) -> Iterator[Witness]:
        name = place_of(embed)
        if embed.value is not None:
            if embed.value != name or element is None:
                return
            element = {name: element}
        if element is None:
            return
        image = None
        if name is not None:
            if element[name] is None:
                return  # a merged relation without a row
            image = self._image(embed.table, () if embed.value else embed.fields, element, element[name])
            address = tuple(image.row[column] for column in embed.child_columns)
            if parent is not None:
                joined = tuple(parent.row[column] for column in embed.parent_columns)
                assert address == joined, f"{path}: {image} does not belong to {parent}"
                assert self.log.conditions.hold(embed.when, parent.row), f"{path}: {parent} has no such relation"
            assert self.log.conditions.hold(embed.where, image.row), f"{path}: {image} is not to be shown"
            yield Witness(path, address, image.key, element[name])
        if embed.value is None:
            yield from self._below(embed.embed, element, image, path)

    def _image(self, table: str, fields: tuple[Field, ...], element: dict[str, Any], number: int) -> Image:
        image = self.images.get(number)
        assert image is not None, f"{element} never was a row"
        assert image.table == table, f"{element} never was a row of {table}"
        wrong = [one.name for one in fields if element[one.name] != image.row[one.column]]
        assert not wrong, f"{element} differs from {image} in {wrong}"
        return image


def _partition(image: Image) -> int:
    return Event(image.table, image.key, None).partition
