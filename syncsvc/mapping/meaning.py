"""
What a mapping means, as a short hash: equal hashes, equal documents at equal addresses.

A generation remembers the hash it was made with; a pipeline whose hash differs under the same generation is refused,
because state and documents that exist were made by other rules.  Counts: source topics, target, the keyed topic's
partitions, every relation, field (with its order and name), sort order, and key and types of the columns in use.
Does not count: comments, layout, the order of tables and columns, columns nothing uses, the generation's number, the
freshness objective, `source_partitions`, the file's path.
"""

from __future__ import annotations

import hashlib
import json

from syncsvc.mapping.model import Embed, Field, Pipeline

#: Number of the form hashed below; raised when it changes, so that hashes of two forms never look equal.
FORM = 1

_Json = dict[str, object]


def text_hash(pipeline: Pipeline) -> str:
    """First 16 hex digits of the SHA-256 of the canonical JSON of what `pipeline` means."""
    meaning = {
        "form": FORM,
        "pipeline": pipeline.name,
        "target": [pipeline.publish, pipeline.collection],
        "topic_prefix": pipeline.topic_prefix,
        "partitions": pipeline.partitions,
        "root": [pipeline.root.table, pipeline.root.key, _fields(pipeline.root.fields)],
        "embed": [_embed(embed) for embed in pipeline.embed],
        "computed": [["count", count.name, count.of] for count in pipeline.computed],
        "tables": _tables(pipeline),
    }
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def used_columns(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    """`{table: columns}` that keys, relations, fields and orders name."""
    used: dict[str, set[str]] = {name: set(table.key) for name, table in pipeline.tables.items()}
    root = pipeline.root
    used.setdefault(root.table, set()).update(root.key, (field.column for field in root.fields))
    _collect(pipeline.embed, root.table, used)
    return {name: frozenset(columns) for name, columns in used.items()}


def _collect(embeds: tuple[Embed, ...], parent: str, used: dict[str, set[str]]) -> None:
    for embed in embeds:
        child = used.setdefault(embed.table, set())
        child.update(embed.child_columns, embed.identity, (field.column for field in embed.fields))
        child.update(term.column for term in embed.order_by)
        used.setdefault(parent, set()).update(embed.parent_columns)
        _collect(embed.embed, embed.table, used)


def _tables(pipeline: Pipeline) -> _Json:
    used = used_columns(pipeline)
    return {
        name: [table.key, {column: text for column, text in table.columns.items() if column in used[name]}]
        for name, table in pipeline.tables.items()
    }


def _embed(embed: Embed) -> list[object]:
    order = [[term.column, term.descending] for term in embed.order_by]
    relation = [embed.name, embed.kind, embed.table, embed.on, embed.to, embed.identity, order]
    return [*relation, _fields(embed.fields), [_embed(inner) for inner in embed.embed]]


def _fields(fields: tuple[Field, ...]) -> list[list[str]]:
    return [[field.column, field.name] for field in fields]
