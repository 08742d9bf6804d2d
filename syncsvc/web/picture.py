"""
A pipeline as a picture: its tables with their relations, the keyed topic they meet in, the collections.

Drawn as SVG on the server, with classes only; the text of `desc` says the same to who cannot see it.  Names are cut
to the width of their box and whole in its title.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape as _text

from syncsvc.telemetry.shape import Place, Shape
from syncsvc.telemetry.status import PipelineStatus
from syncsvc.web import words

#: Drawing units are pixels of a picture at its own size.
TABLE_WIDTH, TABLE_HEIGHT, GAP, INDENT = 292, 48, 14, 24
TOP, KEYED_X, KEYED_WIDTH, TARGET_X, TARGET_WIDTH = 30, 490, 150, 730, 240
LINE, MOST_CHARACTERS, MOST_SMALL, MOST_TREE_LINES = 18, 32, 40, 12
#: Space below the keyed topic for what goes back into it.
BACK = 34


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def drawn(whole: PipelineStatus) -> str:
    """The picture in a region that scrolls sideways on a narrow screen; nothing when the shape is not known."""
    shape = whole.shape
    if shape is None or not shape.places:
        return ""
    name = f"{_text(whole.name)}-g{whole.generation}"
    tables, targets = _tables(shape), _targets(shape)
    height = max(tables[-1].y + TABLE_HEIGHT, targets[-1].y + targets[-1].height) + 12
    keyed = _Box(KEYED_X, TOP, KEYED_WIDTH, height - TOP - 12 - BACK)
    parts = (
        _headings(), *_flows(tables, keyed, targets), *_relations(shape, tables),
        *(_table(place, box, whole) for place, box in zip(shape.places, tables, strict=True)),
        _keyed(whole, shape, keyed), *_collections(shape, targets),
    )  # fmt: skip
    return (
        f'<h3>From the tables to the documents</h3><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Picture of {_text(whole.name)}"><svg class="picture" role="img" aria-labelledby="pt-{name} '
        f'pd-{name}" viewBox="0 0 {TARGET_X + TARGET_WIDTH + 2} {height:.0f}"><title id="pt-{name}">How '
        f'{_text(whole.name)} is made</title><desc id="pd-{name}">{_described(whole, shape)}</desc>{"".join(parts)}'
        "</svg></div>"
    )


def _tables(shape: Shape) -> list[_Box]:
    boxes = []
    for number, place in enumerate(shape.places):
        indent = INDENT * min(_depth(shape, place), 5)
        boxes.append(_Box(1 + indent, TOP + number * (TABLE_HEIGHT + GAP), TABLE_WIDTH, TABLE_HEIGHT))
    return boxes


def _depth(shape: Shape, place: Place) -> int:
    depth = 0
    while place.parent >= 0:
        place, depth = shape.places[place.parent], depth + 1
    return depth


def _targets(shape: Shape) -> list[_Box]:
    """A box for each collection, tall enough for the tree of its document."""
    boxes, y = [], float(TOP)
    for tree in _trees(shape):
        height = 34 + LINE * len(tree)
        boxes.append(_Box(TARGET_X, y, TARGET_WIDTH, height))
        y += height + GAP
    return boxes


def _trees(shape: Shape) -> list[list[str]]:
    """For each collection the lines that show where relations stand in its documents."""
    trees: list[list[str]] = []
    for place in shape.places:
        if place.kind == "root":
            trees.append([f"_id: {place.on}"])
        else:
            braces = "[ ]" if place.kind == "many" else "{ }"
            trees[-1].append("\u2003\u2003" * (_depth(shape, place) - 1) + f"{place.name} {braces}")
    return [tree if len(tree) <= MOST_TREE_LINES else [*tree[: MOST_TREE_LINES - 1], "\u2026"] for tree in trees]


def _headings() -> str:
    places = ((1, "Tables, as Debezium tells them"), (KEYED_X, "Joined by the shared key"), (TARGET_X, "Documents"))
    return "".join(f'<text class="heading" x="{x}" y="16">{said}</text>' for x, said in places)


def _flows(tables: list[_Box], keyed: _Box, targets: list[_Box]) -> Iterator[str]:
    for box in tables:
        start, y = box.x + box.width, min(max(box.middle, keyed.y + 10), keyed.y + keyed.height - 10)
        half = (start + keyed.x) / 2
        yield (
            f'<path class="flow" d="M{start} {box.middle}C{half} {box.middle} {half} {y:.0f} {keyed.x - 7} {y:.0f}"/>'
            f'<path class="head" d="M{keyed.x} {y:.0f}l-8 -4v8z"/>'
        )
    for box in targets:
        start, y = keyed.x + keyed.width, min(max(box.middle, keyed.y + 10), keyed.y + keyed.height - 10)
        half = (start + box.x) / 2
        yield (
            f'<path class="flow" d="M{start} {y:.0f}C{half} {y:.0f} {half} {box.middle} {box.x - 7} {box.middle}"/>'
            f'<path class="head" d="M{box.x} {box.middle}l-8 -4v8z"/>'
        )


def _relations(shape: Shape, tables: list[_Box]) -> Iterator[str]:
    """From each table down and to the left edge of what hangs on it."""
    for place, box in zip(shape.places, tables, strict=True):
        if place.parent >= 0:
            parent = tables[place.parent]
            x = parent.x + 11
            yield f'<path class="relation" d="M{x} {parent.y + parent.height}V{box.middle}H{box.x}"/>'


def _table(place: Place, box: _Box, whole: PipelineStatus) -> str:
    owned = [one for one in whole.partitions if one.topic == place.topic and one.stage == "router"]
    grades = [words.grade(one.freshness, whole.objective) for one in owned]
    grade = max(grades, key=words.ORDER.index, default="unknown")
    relation = f"key {place.on}" if place.kind == "root" else f"{place.kind}: {place.on}"
    many = words.plural(len(owned), "partition")
    title = f"{place.table} ({relation}), topic {place.topic}, {many}, {words.GRADES[grade]}"
    return (
        f'<g class="table"><title>{_text(title)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
        f'<circle class="{grade}" cx="{box.x + 16}" cy="{box.y + 17}" r="5"/>'
        f'<text class="name" x="{box.x + 29}" y="{box.y + 21}">{_cut(place.table)}</text>'
        f'<text class="small" x="{box.x + 29}" y="{box.y + 38}">{_cut(relation, MOST_SMALL)}</text></g>'
    )


def _keyed(whole: PipelineStatus, shape: Shape, box: _Box) -> str:
    owned = [one for one in whole.partitions if one.stage == "joiner"]
    center, relays = box.x + box.width / 2, any(place.relay for place in shape.places)
    lines = ["keyed topic", words.plural(len(owned), "partition")]
    said = "".join(
        f'<text class="{"name" if not number else "small"} middle" x="{center}" y="{box.middle + 18 * number:.0f}">'
        f"{line}</text>"
        for number, line in enumerate(lines)
    )
    low, end = box.y + box.height, box.x + box.width
    back = (
        f'<path class="flow back" d="M{end - 30} {low}v8q0 10 -10 10H{box.x + 40}q-10 0 -10 -10v-2"/>'
        f'<path class="head" d="M{box.x + 30} {low + 1}l-4 8h8z"/>'
        f'<text class="small middle" x="{center}" y="{low + 32}">lookups and answers</text>'
        if relays
        else ""
    )
    return (
        f'<g class="keyed"><title>{_text(shape.keyed_topic)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height:.0f}" rx="8"/>{said}{back}</g>'
    )


def _collections(shape: Shape, targets: list[_Box]) -> Iterator[str]:
    for name, tree, box in zip(shape.collections, _trees(shape), targets, strict=True):
        lines = "".join(
            f'<text class="small tree" x="{box.x + 16}" y="{box.y + 42 + LINE * number:.0f}">{_cut(line)}</text>'
            for number, line in enumerate(tree)
        )
        yield (
            f'<g class="target"><title>{_text(name)}</title>'
            f'<rect x="{box.x}" y="{box.y:.0f}" width="{box.width}" height="{box.height}" rx="8"/>'
            f'<text class="name" x="{box.x + 16}" y="{box.y + 22:.0f}">{_cut(name)}</text>{lines}</g>'
        )


def _cut(text: str, most: int = MOST_CHARACTERS) -> str:
    return _text(text if len(text) <= most else text[: most - 1] + "\u2026")


def _described(whole: PipelineStatus, shape: Shape) -> str:
    said = []
    for place in shape.places:
        if place.kind == "root":
            said.append(f"Each row of {place.table} is a document.")
        else:
            under = shape.places[place.parent].table
            said.append(f"{place.name}: {place.kind} of {place.table} in each {under}, where {place.on}.")
    said.append(f"All meet in the topic {shape.keyed_topic} and are written to {', '.join(shape.collections)}.")
    return _text(" ".join(said))
