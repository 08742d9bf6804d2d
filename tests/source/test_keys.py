"""What a person gives as `--key` is a row's key for SQL, and the `_id` of its document."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary
from bson.binary import UUID_SUBTYPE

from syncsvc import mapping
from syncsvc.errors import UsageFault
from syncsvc.source import keys
from syncsvc.source.gather import Gathering

PARCELS = mapping.load_text(
    """
pipeline: parcels
source: {topic_prefix: post}
root: {table: post.parcel, key: id, fields: [weight]}
tables:
  post.parcel: {key: id, columns: {id: binary(16) as uuid, weight: int}}
""",
    "parcels.yaml",
)
SIXTEEN = bytes(range(0xF0, 0x100))
DASHED = "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff"


class Asked:
    """A cursor that keeps what it was asked for, and finds nothing."""

    def __init__(self) -> None:
        self.arguments: list[Any] = []

    def execute(self, query: str, arguments: tuple[Any, ...]) -> None:
        """One statement."""
        self.arguments += arguments

    def fetchall(self) -> list[tuple[Any, ...]]:
        """No rows."""
        return []


@pytest.mark.parametrize(
    "text", [f"0x{SIXTEEN.hex()}", DASHED, DASHED.upper(), f"UUID('{DASHED}')", f'UUID("{DASHED}")']
)
def test_a_uuid_is_taken_as_its_document_shows_it(text: str) -> None:
    """Copied from MongoDB's shell or from a client, or as the bytes of the column: the same document, the same row."""
    asked = Asked()

    key = keys.read(PARCELS, text)
    Gathering(PARCELS, {"post": asked}, 10).read(list(key.words.items()))

    assert key.identity == Binary(SIXTEEN, UUID_SUBTYPE)
    assert asked.arguments == [SIXTEEN]


@pytest.mark.parametrize("text", [DASHED[:-1], DASHED.replace("-", ""), "UUID(", f"UUID('{DASHED}"])
def test_what_is_no_uuid_is_told_with_both_ways_to_write_one(text: str) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageFault, match="0x00ff, or a UUID") as told:
        keys.read(PARCELS, text)

    assert told.value.problems[0].code == "key.bad_value"
