"""
What one level of a document shows for a row: fields, computed values, relations in each of their forms.

The shapes of the mapping language once more, on plain values and without SQL (`oracle` reads the rows).  A second
opinion on purpose, like `values`: it shares no line with `assembly`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncsvc.expressions import ComputeError, Expression, evaluate
from syncsvc.mapping import model
from syncsvc.verify.rows import Row
from syncsvc.verify.values import Unheld, held


@dataclass(frozen=True, slots=True)
class Element:
    """What a row shows."""

    shown: dict[str, Any]
    #: `{list: how many rows it has, those behind its limit counted}`, for everything in this level.
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attached:
    """What a relation adds to the level of its parent."""

    element: Element
    #: True: the parent must not be shown.
    forbids: bool = False


def by_name(embeds: Iterable[model.Embed]) -> list[list[model.Embed]]:
    """Relations of a level; those that share a name are the cases of one."""
    found: dict[str, list[model.Embed]] = {}
    for embed in embeds:
        found.setdefault(embed.name, []).append(embed)
    return list(found.values())


def of_row(
    row: Row, fields: Iterable[model.Field], computed: Sequence[model.Computed], relations: Iterable[Attached]
) -> Element | None:
    """The level of one row, None when a required row is missing; what no document can hold stands there as `Unheld`."""
    shown = {shown.name: row[shown.column] for shown in fields}
    shown |= {value.name: result(value.expression, row) for value in computed if value.of_row}
    sizes: dict[str, int] = {}
    for attached in relations:
        if attached.forbids:
            return None
        shown |= attached.element.shown
        sizes |= attached.element.sizes
    for value in computed:
        if not value.of_row:
            counted = value.expression.counted
            shown[value.name] = sizes[counted] if counted in sizes else result(value.expression, shown)
    return Element(shown, sizes)


def result(expression: Expression, level: Mapping[str, Any]) -> Any:
    """The value over a row or a level; `Unheld` where there is none, also because a name stands for such a value."""
    for name in sorted(expression.names):
        if isinstance(unheld := level.get(name), Unheld):
            return unheld
    try:
        return evaluate(expression, level)
    except ComputeError as error:
        return Unheld(error.what)


def attached(embed: model.Embed, rows: Sequence[tuple[Row, Element | None]], key_type: str) -> Attached:
    """
    What a relation shows for one parent.

    Args:
        rows: those that belong to the parent, in the list's order; None: a row that must not be shown.
        key_type: of the column `map_by`.

    Raises:
        UnheldError: the column `map_by` has a value that no document can hold.
    """
    if embed.kind == "many":
        return Attached(_list(embed, rows, key_type))
    element = rows[0][1] if rows else None
    if element is None:
        return Attached(Element(absent(embed)), forbids=embed.required)
    if embed.merge:
        return Attached(element)
    return Attached(Element({embed.name: _one_value(embed, element)}))


def _list(embed: model.Embed, rows: Sequence[tuple[Row, Element | None]], key_type: str) -> Element:
    there = [(row, element) for row, element in rows if element is not None]
    if embed.map_by is None:
        shown = [_one_value(embed, element) for _, element in there[: embed.limit]]
        return Element({embed.name: shown}, {embed.name: len(there)})
    keyed: dict[str, Any] = {}
    for row, element in there:
        if row[embed.map_by] is not None:
            keyed.setdefault(_key_text(held(row[embed.map_by]), key_type), _one_value(embed, element))
    return Element({embed.name: dict(list(keyed.items())[: embed.limit])}, {embed.name: len(keyed)})


def _one_value(embed: model.Embed, element: Element) -> Any:
    return element.shown if embed.value is None else element.shown[embed.value]


def _key_text(value: Any, key_type: str) -> str:
    if isinstance(value, datetime):
        if key_type.startswith("date") and not key_type.startswith("datetime"):
            return value.date().isoformat()
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


def absent(embed: model.Embed) -> dict[str, Any]:
    """What stands in the parent's level where there is no row."""
    if embed.kind == "many":
        return {embed.name: [] if embed.map_by is None else {}}
    if not embed.merge:
        return {embed.name: None}
    found: dict[str, Any] = {shown.name: None for shown in embed.fields}
    for below in by_name(embed.embed):
        found |= absent(below[0])
    return found | {value.name: None for value in embed.computed}
