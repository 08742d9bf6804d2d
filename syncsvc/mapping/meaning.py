"""
What a mapping means, as a short hash: equal hashes, equal documents at equal addresses.

A generation remembers the hash it was made with; a pipeline whose hash differs under the same generation is refused,
because state and documents that exist were made by other rules.  Counts: source topics, target, the keyed topic's
partitions, every relation, field (with its order and name), sort order, condition, computed value and option, and key
and types of the columns in use.
Does not count: comments, layout, the order of tables and columns, columns nothing uses, the generation's number, the
freshness objective, `source_partitions`, the file's path.
"""

from __future__ import annotations

import hashlib
import json

from syncsvc.expressions import Expression
from syncsvc.mapping.model import Computed, Embed, Field, Pipeline, View

#: Number of the form hashed below; raised when it changes, so that hashes of two forms never look equal.  What a
#: mapping may say and does not say is left out, so a new key of the language changes no hash of mappings without it.
FORM = 1

_Json = dict[str, object]


def text_hash(pipeline: Pipeline) -> str:
    """First 16 hex digits of the SHA-256 of the canonical JSON of what `pipeline` means."""
    meaning: _Json = {
        "form": FORM,
        "pipeline": pipeline.name,
        "target": [pipeline.publish, pipeline.collection],
        "topic_prefix": pipeline.topic_prefix,
        "partitions": pipeline.partitions,
        **_documents(pipeline),
        "tables": _tables(pipeline),
    }
    if pipeline.views:
        meaning["views"] = [[view.collection, _documents(view)] for view in pipeline.views]
    if pipeline.write != "replace":
        meaning["write"] = pipeline.write
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _documents(kind: Pipeline | View) -> _Json:
    root = kind.root
    return {
        "root": [root.table, root.key, _fields(root.fields), *_said(where=_text(root.where))],
        "embed": [_embed(embed) for embed in kind.embed],
        "computed": _computed(kind.computed),
    }


def used_columns(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    """`{table: columns}` that keys, relations, fields, orders, expressions and options name."""
    used: dict[str, set[str]] = {name: set(table.key) for name, table in pipeline.tables.items()}
    kinds: tuple[Pipeline | View, ...] = (pipeline, *pipeline.views)
    for kind in kinds:
        root = kind.root
        of_root = used.setdefault(root.table, set())
        of_root.update(root.key, (field.column for field in root.fields), _names(root.where), _of_row(kind.computed))
        _collect(kind.embed, root.table, used)
    return {name: frozenset(columns) for name, columns in used.items()}


def _collect(embeds: tuple[Embed, ...], parent: str, used: dict[str, set[str]]) -> None:
    for embed in embeds:
        child = used.setdefault(embed.table, set())
        child.update(embed.child_columns, embed.identity, (field.column for field in embed.fields))
        child.update(term.column for term in embed.order_by)
        child.update(_names(embed.where), _of_row(embed.computed), () if embed.map_by is None else (embed.map_by,))
        used.setdefault(parent, set()).update(embed.parent_columns, _names(embed.when))
        _collect(embed.embed, embed.table, used)


def _names(expression: Expression | None) -> frozenset[str]:
    return expression.names if expression is not None else frozenset()


def _of_row(computed: tuple[Computed, ...]) -> set[str]:
    return {name for value in computed if value.of_row for name in value.expression.names}


def _tables(pipeline: Pipeline) -> _Json:
    used = used_columns(pipeline)
    return {
        name: [
            table.key,
            {column: text for column, text in table.columns.items() if column in used[name]},
            *_said(topic_prefix=table.topic_prefix if table.topic_prefix != pipeline.topic_prefix else None),
        ]
        for name, table in pipeline.tables.items()
    }


def _embed(embed: Embed) -> list[object]:
    order = [[term.column, term.descending] for term in embed.order_by]
    relation = [embed.name, embed.kind, embed.table, embed.on, embed.to, embed.identity, order]
    said = _said(
        where=_text(embed.where),
        when=_text(embed.when),
        limit=embed.limit,
        value=embed.value,
        map_by=embed.map_by,
        merge=embed.merge,
        required=embed.required,
        # To restrict is up to the source: here it is the same as to leave them.
        on_parent_delete="cascade" if embed.on_parent_delete == "cascade" else None,
        computed=_computed(embed.computed),
    )
    return [*relation, _fields(embed.fields), [_embed(inner) for inner in embed.embed], *said]


def _said(**options: object) -> list[_Json]:
    """`[{option: value}]` of what is said; [] where nothing is."""
    said = {name: value for name, value in options.items() if value}
    return [said] if said else []


def _computed(computed: tuple[Computed, ...]) -> list[list[object]]:
    found: list[list[object]] = []
    for value in computed:
        counted = value.expression.counted
        if counted is not None and not value.of_row:
            found.append(["count", value.name, counted])
        else:
            found.append(["computed", value.name, value.expression.text, value.of_row])
    return found


def _text(expression: Expression | None) -> str | None:
    return expression.text if expression is not None else None


def _fields(fields: tuple[Field, ...]) -> list[list[str]]:
    return [[field.column, field.name] for field in fields]
