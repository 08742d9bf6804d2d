"""
Two states of a document as one line of JSON each: what changed stands out, what did not is left out.

An ellipsis stands for what is the same in both, with a number for left-out elements of a list.  Elements of a list are
matched by their `id`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.text import Text

#: Fields that say which row it is; shown although they did not change.
NAMES = ("_id", "id")
#: So many fields of something wholly new are shown; the name of whom it is about always.
FIRST_FIELDS = 2
SAME, NO_DOCUMENT = "dim", "dim italic"
_ABSENT = object()


def line(document: Mapping[str, Any] | None, other: Mapping[str, Any] | None, style: str) -> Text:
    """
    One line for a document, compared with its other state.

    Args:
        style: of what the other state does not have; a rich style.
    """
    if document is None:
        return Text("no document", NO_DOCUMENT)
    text = Text()
    if other is None:
        _whole(text, _public(document), style)
    else:
        _compared(text, _public(document), _public(other), style)
    return text


def _public(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("_") or name == "_id"}


def _compared(text: Text, value: Any, other: Any, style: str) -> None:
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        _object(text, _changed_fields(value, other), other, style)
    elif isinstance(value, list) and isinstance(other, list):
        _list(text, value, other, style)
    else:
        _whole(text, value, style)


def _changed_fields(value: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any] | None]:
    """The fields to show; None for a run of equal ones."""
    for hidden, fields in groupby(value.items(), lambda field: _hidden(field[0], field[1], other)):
        if hidden:
            yield None
        else:
            yield from fields


def _hidden(name: str, value: Any, other: Mapping[str, Any]) -> bool:
    return name not in NAMES and other.get(name, _ABSENT) == value


def _object(text: Text, shown: Iterator[tuple[str, Any] | None], other: Mapping[str, Any], style: str) -> None:
    text.append("{", SAME)
    for number, field in enumerate(shown):
        text.append(", " if number else "", SAME)
        if field is None:
            text.append("…", SAME)
            continue
        name, value = field
        text.append(f'"{name}": ', SAME)
        before = other.get(name, _ABSENT)
        if value == before:
            text.append(_json(value), SAME)
        else:
            _compared(text, value, before, style)
    text.append("}", SAME)


def _list(text: Text, value: Sequence[Any], other: Sequence[Any], style: str) -> None:
    before = {_identity(element): element for element in other}
    text.append("[", SAME)
    parts = groupby(value, lambda element: before.get(_identity(element), _ABSENT) == element)
    for number, (same, group) in enumerate(parts):
        text.append(", " if number else "", SAME)
        elements = list(group)
        if same:
            text.append(f"… {len(elements)}", SAME)
            continue
        for place, element in enumerate(elements):
            text.append(", " if place else "", SAME)
            _compared(text, element, before.get(_identity(element), _ABSENT), style)
    text.append("]", SAME)


def _identity(element: Any) -> Any:
    return element.get("id") if isinstance(element, Mapping) else element


def _whole(text: Text, value: Any, style: str) -> None:
    """Something the other state does not have; long ones are cut."""
    if isinstance(value, Mapping):
        names = list(value)[:FIRST_FIELDS]
        names += [name for name in value if name not in names and isinstance(value[name], (Mapping, list))]
        text.append("{", style)
        for name in names:
            text.append(f'"{name}": ', style)
            _whole(text, value[name], style)
            text.append(", " if name != names[-1] else "", style)
        text.append(", …}" if len(names) < len(value) else "}", style)
    elif isinstance(value, list):
        text.append(f"[… {len(value)}]" if value else "[]", style)
    else:
        text.append(_json(value), style)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_odd)


def _odd(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
