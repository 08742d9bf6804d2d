"""
`syncsvc parked`: what is held back and why, and what to do with it.

A parked record or document never shows its content, only its place and the reason, unless `--show-values` asks for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncsvc.cli import output, pipelines, target
from syncsvc.cli.output import Format, Output
from syncsvc.errors import CheckFailed

if TYPE_CHECKING:
    from syncsvc.mongo.client import Mongo
    from syncsvc.settings import Settings

app = typer.Typer(help="Records and documents that are held back until a person decides.")

MOST_LISTED = 1000
_HEADINGS = ("id", "kind", "reason", "where", "at")
_OWN = ("targets", "identity", "address")  # what retry and skip need, as bytes
_VALUES = ("key", "value")

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="As `parked list` shows them.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `parked list` shows it.")]
Name = Annotated[str | None, typer.Option("--pipeline", help="Only of this pipeline.")]
Mappings = Annotated[list[Path] | None, typer.Option("--file", "-f", help="Mapping file; needed to retry a record.")]
Wait = Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait until it is done.")]
ShowValues = Annotated[bool, typer.Option("--show-values", help="Also show the raw record; it is data.")]


@app.command("list")
def list_(pipeline: Name = None, format_: Output = Format.TABLE) -> None:
    """List what is parked, oldest first."""
    from syncsvc.mongo import names

    wanted = {} if pipeline is None else {"pipeline": pipeline}
    with _mongo() as (mongo, _):
        entries = mongo.database[names.PARKED]
        found = list(entries.find(wanted).sort("at", 1).limit(MOST_LISTED))
        # Counted only where the list is full: it may be long.
        total = len(found) if len(found) < MOST_LISTED else entries.count_documents(wanted)
    shown = [_shown(entry, show_values=False) for entry in found]
    if format_ is Format.JSON:
        output.show_json({"parked": shown, "total": total})
    elif shown:
        output.show_table(_HEADINGS, [[entry[name] for name in _HEADINGS] for entry in shown])
        if total > len(shown):
            print(f"\nthe oldest {len(shown)} of {total}; with --pipeline only those of one")
    else:
        print("nothing is parked")


@app.command()
def show(identity: Id, show_values: ShowValues = False, format_: Output = Format.TABLE) -> None:
    """Show one entry: why it is parked, where it came from, what it holds back."""
    from syncsvc.wiring import decisions

    with _mongo() as (mongo, _):
        shown = _shown(decisions.entry(mongo, identity), show_values=show_values)
    if format_ is Format.JSON:
        output.show_json(shown)
    else:
        output.show_table(("", ""), shown.items())


@app.command()
def retry(ids: Ids, file: Mappings = None, wait: Wait = 30.0, format_: Output = Format.TABLE) -> None:
    """Try again: render the document from its state, or read the record once more."""
    from syncsvc.wiring import decisions
    from syncsvc.wiring.connections import engine_settings

    declared = pipelines.load(file or [])
    with _mongo() as (mongo, given):
        entries = [decisions.entry(mongo, identity) for identity in ids]
        for found in entries:
            decisions.retry(mongo, engine_settings(given), found, declared)
        _await(mongo, entries, wait, format_, "retried")


@app.command()
def skip(ids: Ids, wait: Wait = 30.0, format_: Output = Format.TABLE) -> None:
    """Go on without it: a record's rows show their last good form, a document waits for its next change."""
    from syncsvc.wiring import decisions
    from syncsvc.wiring.connections import engine_settings

    with _mongo() as (mongo, given):
        entries = [decisions.entry(mongo, identity) for identity in ids]
        for found in entries:
            decisions.skip(mongo, engine_settings(given), found)
        _await(mongo, entries, wait, format_, "skipped")


@contextlib.contextmanager
def _mongo() -> Iterator[tuple[Mongo, Settings]]:
    from syncsvc import settings

    given = settings.read()
    with contextlib.closing(target.open_mongo(given)) as mongo:
        yield mongo, given


def _await(mongo: Mongo, entries: list[Any], wait_seconds: float, format_: Format, done: str) -> None:
    """Wait for each entry to go, and say so; CheckFailed when one is still there."""
    from syncsvc.wiring import decisions

    waiting = [found["_id"] for found in entries if not decisions.settled(mongo, found, wait_seconds)]
    if waiting:
        raise CheckFailed(
            code="parked.pending",
            where=", ".join(waiting),
            what=f"the decision is in the log, but no worker has acted on it within {wait_seconds:g} s",
            fix="nothing has to be sent again: start a worker, or look at  syncsvc status",
        )
    if format_ is Format.JSON:
        output.show_json({done: [found["_id"] for found in entries]})
    else:
        for found in entries:
            print(f"{done}  {found['_id']}")


def _shown(found: Mapping[str, Any], *, show_values: bool) -> dict[str, Any]:
    """An entry for people: the document's `_id` and all places; raw values only on demand."""
    import bson

    shown = {"id": found["_id"], **{name: value for name, value in found.items() if name not in ("_id", *_OWN)}}
    shown["at"] = f"{shown['at']:%Y-%m-%d %H:%M:%S} UTC"
    if found.get("identity"):
        shown["document"] = str(bson.decode(found["identity"])["_id"])
    if "targets" in found:
        shown["holds_back"] = len(found["targets"])
    for name in _VALUES:
        if name in shown:
            shown[name] = _text(shown[name]) if show_values else _size(shown[name])
    return shown


def _size(value: bytes | None) -> str | None:
    return None if value is None else f"({len(value)} bytes; --show-values)"


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()
