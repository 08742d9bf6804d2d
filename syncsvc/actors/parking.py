"""
Entries of what is parked, as they stand in MongoDB: everything a person needs to see, retry or skip it.

Written and removed inside the step's own transaction, so a parked thing is never forgotten and never listed twice.
The raw record is kept in its entry and nowhere in logs, metrics or messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from syncsvc.assembly.render import Rendered
from syncsvc.routing.outcome import ParkedRecord

Entry = Mapping[str, Any]

#: Largest record that is kept whole; of a larger one its beginning: no document holds more than 16 MiB.
MOST_RAW_BYTES = 12 << 20
BEGINNING_BYTES = 64 << 10


def record_id(group: str, place: str) -> str:
    """Id of a parked record's entry: the generation and the record's place."""
    return f"{group}/record/{place}"


def document_id(group: str, address: bytes) -> str:
    """Id of a parked document's entry: the generation and its address, in hex."""
    return f"{group}/document/{address.hex()}"


def of_record(record: ParkedRecord, *, pipeline: str, generation: int, table: str, now_ms: int) -> Entry:
    """Entry of a record that could not be decoded; `cut_from`: its size in bytes, where it is not there whole."""
    size = len(record.key or b"") + len(record.value or b"")
    most = BEGINNING_BYTES if size > MOST_RAW_BYTES else size
    return {
        "pipeline": pipeline,
        "generation": generation,
        "kind": "record",
        "reason": record.code,
        "what": record.what,
        "where": record.place,
        "table": table,
        "at": datetime.fromtimestamp(now_ms / 1000, UTC),
        "key": record.key and record.key[:most],
        "value": record.value and record.value[:most],
        **({"cut_from": size} if size > MOST_RAW_BYTES else {}),
        "targets": [{"address": address, "payload": payload} for address, payload in record.targets],
    }


def of_document(
    rendered: Rendered, code: str, what: str, *, pipeline: str, generation: int, where: str, now_ms: int
) -> Entry:
    """Entry of a document that could not be rendered or written."""
    return {
        "pipeline": pipeline,
        "generation": generation,
        "kind": "document",
        "reason": code,
        "what": what,
        "where": where,
        "at": datetime.fromtimestamp(now_ms / 1000, UTC),
        "address": rendered.address,
        "identity": rendered.identity,
    }
