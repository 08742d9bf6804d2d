"""
`docs/events.md`, made of the code that writes the events.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
EVENTS = ROOT / "syncsvc" / "telemetry" / "events.py"
#: Keys that stand before the fields of every event.
HEAD = ("time", "level", "event")

#: When modules other than the class write one, below or beside it.
ELSEWHERE = {
    "certificates_not_reloaded": "A mounted certificate for Kafka changed and cannot be used; the last good one stays.",
    "exporter_credentials_changed": "A secret of `syncsvc lag-exporter` changed: it leaves, to be started again.",
    "exporter_started": "`syncsvc lag-exporter` serves its metrics.",
    "look_failed": "`syncsvc lag-exporter` could not ask Kafka or MongoDB; it looks again.",
    "looking_again": "`syncsvc lag-exporter` has its answers again.",
    "presence_failed": "Workers could not be told of each other; the page shows old figures as old.",
    "status_failed": "The state for the page could not be gathered; it is tried again.",
}

INTRODUCTION = """\
# Events

What a worker writes to stderr: one line an event, JSON with `SYNCSVC_LOG_FORMAT=json` (the default), `key=value` with
`text`.  Every line begins with `time`, `level` and `event`; the fields follow in the order given here, those without a
value left out.  Fields are places, counts and codes: never a key or the content of a row, never a secret.

Levels are promises.  `error`: a person must act, data is held or the process leaves.  `warning`: it will heal, but
look.  `info`: start, stop, partitions coming and going, nothing per record.  `debug`: per batch.

A line with `logger` and `message` in place of `event` is one of a library; of its errors only type and place are shown,
because drivers quote values of rows in theirs.  `failed` carries the same of an error that is not ours: `error`,
`what`, `at`, `cause`; of one of ours its `problems`, each with `code`, `where`, `what` and `fix`.

This page is made from the code (`make pages`).

| event | level | fields | when |
|---|---|---|---|
"""


class Event(NamedTuple):
    """One event as the code writes it."""

    name: str
    level: str
    fields: tuple[str, ...]
    when: str


def events() -> list[Event]:
    """All events of the package, by name."""
    found = list(_of_the_class())
    for path in sorted((ROOT / "syncsvc").rglob("*.py")):
        found += _written_directly(path)
    return sorted(found)


def page() -> str:
    """The text of the page."""
    rows = (
        f"| `{event.name}` | {event.level} | {' '.join(f'`{name}`' for name in event.fields)} | {event.when} |"
        for event in events()
    )
    return INTRODUCTION + "\n".join(rows) + "\n"


def _of_the_class() -> Iterator[Event]:
    (klass,) = (node for node in ast.parse(EVENTS.read_text()).body if getattr(node, "name", "") == "Events")
    assert isinstance(klass, ast.ClassDef)
    for method in klass.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            (said,) = (node for node in ast.walk(method) if isinstance(node, ast.Call) and _called(node) == "_say")
            level, name = said.args
            assert isinstance(level, ast.Attribute)
            assert isinstance(name, ast.Constant)
            fields = tuple(keyword.arg or "…" for keyword in said.keywords)
            yield Event(str(name.value), level.attr.lower(), fields, _sentence(method))


def _written_directly(path: Path) -> Iterator[Event]:
    """`LOG.warning("name", extra={"fields": shown})`; the fields are the keys of `shown`, a literal like `{…}`."""
    tree = ast.parse(path.read_text())
    literals = {
        target.id: node.value
        for node in ast.walk(tree) if isinstance(node, ast.Assign)
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip
    for node in ast.walk(tree):
        extra = next((word.value for word in getattr(node, "keywords", ()) if word.arg == "extra"), None)
        if path == EVENTS or not isinstance(node, ast.Call) or not isinstance(extra, ast.Dict):
            continue
        (fields,), name = extra.values, node.args[0]
        shown = literals[fields.id] if isinstance(fields, ast.Name) else fields
        assert isinstance(name, ast.Constant)
        assert isinstance(node.func, ast.Attribute)
        keys = ("error", "problems", "what", "at", "cause")  # as `explain` gives them
        if isinstance(shown, ast.Dict):
            keys = tuple(str(key.value) for key in shown.keys if isinstance(key, ast.Constant))
        yield Event(str(name.value), node.func.attr, keys, ELSEWHERE[str(name.value)])


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _sentence(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return " ".join((ast.get_docstring(function) or "").split())
