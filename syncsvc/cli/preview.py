"""
`syncsvc preview`: a document rendered from the live source by the code that renders it in production.

With `--diff` it is compared with the stored one, and the exit code is the verdict: 1 when they differ.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncsvc.cli import one_document, output, target
from syncsvc.cli.one_document import Collection, File, KeyText
from syncsvc.cli.output import Format, Output
from syncsvc.errors import CheckFailed

if TYPE_CHECKING:
    from rich.tree import Tree

    from syncsvc.mapping.model import Pipeline
    from syncsvc.source.keys import Key
    from syncsvc.source.preview import Preview

Diff = Annotated[bool, typer.Option("--diff", help="Compare with the stored document (SYNCSVC_MONGO_URI).")]
#: Of one document.  Each takes some 2 kB and a quarter of a millisecond here: these are 2 GB and minutes.
LARGEST_ROWS = 1_000_000
Rows = Annotated[int, typer.Option("--rows", min=1, max=LARGEST_ROWS, help="Most rows to read.")]

VERSION = "_sync"  # ours, not the join's
MOST_SHOWN = 60  # characters of one value on a terminal; JSON has all


def preview(
    file: File,
    key: KeyText,
    collection: Collection = None,
    diff: Diff = False,
    rows: Rows = 10_000,
    format_: Output = Format.TABLE,
) -> int:
    """Render a document from the live source (SYNCSVC_SOURCE_DSN), writing nothing."""
    from syncsvc import settings
    from syncsvc.source import keys, servers
    from syncsvc.source import preview as rendering

    loaded, number = one_document.chosen(file, collection)
    pipeline, given = loaded.each()[number], settings.read()
    wanted = keys.read(pipeline, key)
    with servers.connected([pipeline], given) as opened:
        found = rendering.preview(pipeline, opened, wanted, rows)
    if not diff:
        _show(found, format_)
        return 0 if found.document is not None else CheckFailed.exit_code
    with contextlib.closing(target.open_mongo(given)) as mongo:
        stored = _stored(mongo.database[pipeline.target_collection], found.key)
    different = _differences(pipeline, found.document, stored)
    _show_differences(pipeline, wanted, different, format_)
    return CheckFailed.exit_code if different else 0


def _stored(collection: Any, key: Key) -> dict[str, Any] | None:
    """The stored document without its version."""
    from bson.codec_options import CodecOptions

    aware: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
    found: dict[str, Any] | None = collection.with_options(codec_options=aware).find_one({"_id": key.identity})
    if found is not None:
        found.pop(VERSION, None)
    return found


def _differences(
    pipeline: Pipeline, rendered: dict[str, Any] | None, stored: dict[str, Any] | None
) -> list[tuple[str, Any, Any]]:
    """`(path, rendered, stored)`: the first place of each field that differs, or () for a document that is missing."""
    from syncsvc.verify.difference import ABSENT, first_difference

    if rendered is None or stored is None:
        return [] if rendered is stored else [("", rendered or ABSENT, stored or ABSENT)]
    names = list(rendered)
    if pipeline.write == "replace":  # else the other fields are the application's
        names += [name for name in stored if name not in rendered]
    pairs = ((name, rendered.get(name, ABSENT), stored.get(name, ABSENT)) for name in names)
    places = (first_difference(one, other, name) for name, one, other in pairs)
    return [place for place in places if place is not None]


def _show(found: Preview, format_: Format) -> None:
    if format_ is Format.JSON:
        output.show_json({"document": _extended(found.document), "rows": found.rows})
        return
    if found.document is None:
        print("no document: the row is there, but a filter or a required row keeps it out")
        return
    output.console().print(_tree(found.document))
    output.console(stderr=True).print(
        "from " + ", ".join(f"{count} of {table}" for table, count in found.rows.items()), style="dim"
    )


def _show_differences(pipeline: Pipeline, key: Key, found: list[tuple[str, Any, Any]], format_: Format) -> None:
    shown = []
    for path, one, other in found:
        rendered, stored = _told(one), _told(other)
        if rendered == stored:  # the types differ: 5 as 32 bits is not 5 as 64
            rendered, stored = _told(one, canonical=True), _told(other, canonical=True)
        shown.append({"path": path, "rendered": rendered, "stored": stored})
    if format_ is Format.JSON:
        output.show_json({"equal": not found, "differences": shown})
    elif not found:
        print(f"{pipeline.target_collection} {key}: equal")
    else:
        print(f"{pipeline.target_collection} {key}: DIFFERENT")
        rows = [(place["path"] or "(all)", _cut(place["rendered"]), _cut(place["stored"])) for place in shown]
        output.show_table(("at", "rendered", "stored"), rows)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _told(value: Any, *, canonical: bool = False) -> str:
    from syncsvc.verify.difference import ABSENT

    return repr(ABSENT) if value is ABSENT else _json(value, canonical=canonical)


def _extended(value: Any) -> Any:
    """Extended JSON, relaxed, as values that `json` writes."""
    import json

    return json.loads(_json(value))


def _json(value: Any, *, canonical: bool = False) -> str:
    from bson import json_util

    options = json_util.CANONICAL_JSON_OPTIONS if canonical else json_util.RELAXED_JSON_OPTIONS
    return json_util.dumps(value, json_options=options, ensure_ascii=False)


def _tree(document: dict[str, Any]) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(f"_id: {_json(document['_id'])}"))
    _grow(tree, {name: value for name, value in document.items() if name != "_id"})
    return tree


def _grow(tree: Tree, value: dict[str, Any] | list[Any]) -> None:
    from rich.text import Text

    pairs = value.items() if isinstance(value, dict) else ((f"[{place}]", item) for place, item in enumerate(value))
    for name, inner in pairs:
        if isinstance(inner, dict | list) and inner:
            _grow(tree.add(Text(str(name))), inner)
        else:
            tree.add(Text(f"{name}: {_json(inner)}"))
