"""
What a person writes after `--key`, as the key of a root row: for SQL, and as the `_id` of the document.

A key of one column is written as it is (`42`, `d001`), one of several columns as JSON: `{"a": 1, "b": "d1"}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncsvc.changes.envelope import TableDecoder
from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Pipeline
from syncsvc.routing.slot import folds_of, key_of
from syncsvc.source import events


@dataclass(frozen=True, slots=True)
class Key:
    """A root key."""

    #: `{column: text}` as a person wrote it.
    words: Mapping[str, str]
    #: Values of the key's columns, as the core has them.
    values: tuple[Any, ...]
    #: The key of the document's address.
    canonical: bytes

    @property
    def identity(self) -> Any:
        """The document's `_id`."""
        return self.values[0] if len(self.values) == 1 else dict(zip(self.words, self.values, strict=True))

    def __str__(self) -> str:
        return next(iter(self.words.values())) if len(self.words) == 1 else json.dumps(dict(self.words))


def read(pipeline: Pipeline, text: str) -> Key:
    """
    The key that a person wrote.

    Raises:
        UsageFault: `key.bad_form`, `key.bad_value`.
    """
    return of_words(pipeline, words(text, pipeline.tables[pipeline.root.table].key))


def of_words(pipeline: Pipeline, given: Mapping[str, str]) -> Key:
    """The key of a root row by `{column: text}`, in the order of the key; errors as of `read`."""
    return of_record(pipeline, given, events.key_event(pipeline.tables[pipeline.root.table], given))


def of_record(pipeline: Pipeline, words: Mapping[str, str], record_key: bytes) -> Key:
    """
    The key that a record of the root table has.

    Args:
        pipeline: whose root it is.
        words: for people, see `Key`.
        record_key: as the connector sends it.
    """
    table = pipeline.tables[pipeline.root.table]
    values = TableDecoder(table, table.key).decode_key(record_key)
    address = key_of(table.key, pipeline.root.key, folds_of(table))(values)
    assert address is not None  # no part of a key is null
    return Key(words, values, address)


def words(text: str, columns: tuple[str, ...]) -> dict[str, str]:
    """
    `{column: text}` of a key as a person writes it, in the order of its columns.

    Raises:
        UsageFault: `key.bad_form`.
    """
    try:
        # Numbers keep their digits: 1.10 is not 1.1 for a text, and no float is exact.
        given = json.loads(text, parse_float=str, parse_int=str) if text.lstrip().startswith("{") else None
    except ValueError:
        given = None
    if isinstance(given, dict) and set(given) == set(columns):
        if all(isinstance(value, str) for value in given.values()):
            return {column: given[column] for column in columns}
    elif len(columns) == 1:
        return {columns[0]: text}
    example = json.dumps(dict.fromkeys(columns, "…"), ensure_ascii=False)
    raise UsageFault(
        code="key.bad_form",
        where=f"--key {text}",
        what=f"the key has the columns {', '.join(columns)}, each of which needs a value",
        fix=f"write  --key '{example}'",
    )
