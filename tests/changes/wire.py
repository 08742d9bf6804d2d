"""What the connector sends, written by hand: the other side of `syncsvc.changes`, for its tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from syncsvc.mapping.model import Table

SOURCE = {
    "version": "3.5.2.Final", "connector": "mariadb", "name": "meetup", "ts_ms": 1_732_290_000_000, "snapshot": "false",
    "db": "meetup", "sequence": None, "ts_us": 1_732_290_000_000_000, "ts_ns": 1_732_290_000_000_000_000,
    "table": "meeting", "server_id": 1, "gtid": "0-1-42", "file": "mariadb-bin.000002", "pos": 342, "row": 0,
    "thread": None, "query": None,
}  # fmt: skip


def table(**columns: str) -> Table:
    """`meetup.meeting` with these columns, keyed by the first."""
    return Table("meetup.meeting", (next(iter(columns)),), columns)


def record(
    op: str,
    after: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    *,
    schema: bool = False,
    **source: Any,
) -> bytes:
    """The value of a record, in the bare form or with a schema around it; `source` replaces parts of the source."""
    payload = {
        "before": before, "after": after, "source": SOURCE | source, "transaction": None, "op": op,
        "ts_ms": 1_732_290_000_456, "ts_us": 1_732_290_000_456_000, "ts_ns": 1_732_290_000_456_000_000,
    }  # fmt: skip
    return _text({"schema": SCHEMA, "payload": payload} if schema else payload)


def key(values: Mapping[str, Any], *, schema: bool = False) -> bytes:
    """The key of a record."""
    return _text({"schema": SCHEMA, "payload": values} if schema else values)


def encoded(raw: bytes) -> str:
    """Bytes as the JSON converter writes them."""
    return base64.b64encode(raw).decode()


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


SCHEMA = {
    "type": "struct", "optional": False, "name": "meetup.meetup.meeting.Envelope", "version": 2,
    "fields": [{"type": "struct", "optional": True, "field": "payload", "fields": [{"type": "int32", "field": "id"}]}],
}  # fmt: skip
