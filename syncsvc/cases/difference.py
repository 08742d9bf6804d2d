"""
Where documents part from what a case expects, as paths a person can follow.

What stands in the file is text; what it means depends on the value it is compared with: `12.30` equals a Decimal128 of
exactly these digits, `2024-01-31` the date of that midnight, `0x00ff` these two bytes.  Whoever wants the type told as
well writes Extended JSON: `{$numberDecimal: "12.30"}`.  The order of fields does not count, that of lists does.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import Binary, Decimal128, Int64
from bson.binary import UUID_SUBTYPE

from syncsvc.cases import wire
from syncsvc.mapping.document import Entries, Items, Node, Scalar

ABSENT = "(absent)"
MOST_SHOWN = 300  # characters of one value


@dataclass(frozen=True, slots=True)
class Difference:
    """One place."""

    #: The document's `_id`, as the file writes it.
    id: str
    #: `applications[2].user.name`; "" for a whole document.
    path: str
    expected: str
    got: str
    #: Of the document, where a pipeline has several; else "".
    collection: str = ""

    def as_dict(self) -> dict[str, str]:
        """`{id, path, expected, got}`, and `collection` where there are several."""
        shown = {"id": self.id, "path": self.path, "expected": self.expected, "got": self.got}
        return {"collection": self.collection, **shown} if self.collection else shown


def differences(expected: Sequence[Entries], documents: Sequence[dict[str, Any]]) -> list[Difference]:
    """All of them; documents are paired by `_id`."""
    found: list[Difference] = []
    left = list(documents)
    for wanted in expected:
        identity = next(value for key, value in wanted.entries if key.text == "_id")
        own = next((one for one in left if not any(_parts(identity, one.get("_id"), ""))), None)
        if own is None:
            found.append(Difference(_written(identity), "", "this document", ABSENT))
            continue
        left.remove(own)
        for path, one, other in _parts(wanted, own, ""):
            found.append(Difference(_written(identity), path, one, other))
    found += [Difference(shown(one.get("_id")), "", ABSENT, shown(one)) for one in left]
    return found


def _parts(expected: Node, got: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """`(path, expected, got)` of every place where the two part."""
    if isinstance(expected, Entries):
        exact = _extended(expected)
        if exact is not None:
            if exact != _exactly(got):
                yield path, _written(expected), shown(got)
        elif isinstance(got, dict):
            yield from _fields(expected, got, path)
        else:
            yield path, _written(expected), shown(got)
    elif isinstance(expected, Items):
        if isinstance(got, list):
            yield from _elements(expected, got, path)
        else:
            yield path, _written(expected), shown(got)
    elif not _same(expected, got):
        yield path, _written(expected), shown(got)


def _fields(expected: Entries, got: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    wanted = {key.text: value for key, value in expected.entries}
    for name, value in wanted.items():
        below = f"{path}.{name}" if path else name
        if name in got:
            yield from _parts(value, got[name], below)
        else:
            yield below, _written(value), ABSENT
    for name in got:
        if name not in wanted:
            yield f"{path}.{name}" if path else name, ABSENT, shown(got[name])


def _elements(expected: Items, got: list[Any], path: str) -> Iterator[tuple[str, str, str]]:
    for index in range(max(len(expected.items), len(got))):
        below = f"{path}[{index}]"
        if index >= len(got):
            yield below, _written(expected.items[index]), ABSENT
        elif index >= len(expected.items):
            yield below, ABSENT, shown(got[index])
        else:
            yield from _parts(expected.items[index], got[index], below)


def _same(expected: Scalar, got: Any) -> bool:
    text, kind = expected.text, expected.kind
    if got is None or kind == "nothing":
        return got is None and kind == "nothing"
    if isinstance(got, bool):
        return kind == "flag" and (text.lower() == "true") == got
    if isinstance(got, Decimal128):
        return kind != "flag" and _decimal_text(text) == str(got)
    if isinstance(got, int):
        return kind in ("whole", "number") and wire.plain(expected) == got and "." not in text
    if isinstance(got, float):
        # A double is written with a point or an exponent: 2.0 is one, 2 is a whole number.
        return kind == "number" and float(text) == got
    if isinstance(got, datetime):
        return _moment(text) == _aware(got)
    if isinstance(got, bytes):
        return text.lower() == shown(got).strip('"')
    return kind == "text" and text == got


def _decimal_text(text: str) -> str | None:
    try:
        return str(Decimal128(text))
    except (ValueError, ArithmeticError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_EXTENDED: dict[str, Callable[[str], Any]] = {
    "$numberDecimal": Decimal128,
    "$numberLong": lambda text: Int64(int(text)),
    "$numberInt": int,
    "$numberDouble": float,
    "$date": _moment,
    "$uuid": lambda text: Binary(uuid.UUID(text).bytes, UUID_SUBTYPE),
}


def _extended(node: Entries) -> tuple[str, Any] | None:
    """Type and value of Extended JSON, None for any other object."""
    if len(node.entries) != 1 or not isinstance(node.entries[0][1], Scalar):
        return None
    read = _EXTENDED.get(node.entries[0][0].text)
    try:
        return None if read is None else _exactly(read(node.entries[0][1].text))
    except (ValueError, ArithmeticError):
        return "", node


def _exactly(value: Any) -> tuple[str, Any]:
    if isinstance(value, datetime):
        value = _aware(value)
    return type(value).__name__, str(value) if isinstance(value, Decimal128) else value


def _written(node: Node) -> str:
    """An expected value in one line."""
    return _short(json.dumps(wire.plain(node), ensure_ascii=False, default=str))


def shown(value: Any) -> str:
    """A value of a document, as the file would write it."""
    return _short(json.dumps(_plain(value), ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return _aware(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        uuid_like = isinstance(value, Binary) and value.subtype == UUID_SUBTYPE
        return str(uuid.UUID(bytes=bytes(value))) if uuid_like else f"0x{value.hex()}"
    return str(value) if isinstance(value, Decimal128) else value


def _short(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
