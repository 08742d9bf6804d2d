"""
Rows as the server prints them -> records as the connector would send them: JSON of a snapshot event, and of its key.

The other half of `changes`, for commands that read single rows.  Values are written by `cases.wire`, which proves each
by reading it again; here stands only what SQL prints otherwise than a person would write it.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Mapping

from syncsvc.cases import wire
from syncsvc.changes import geometry
from syncsvc.errors import CheckFailed, UsageFault
from syncsvc.mapping import column_types
from syncsvc.mapping.document import Scalar
from syncsvc.mapping.findings import Place
from syncsvc.mapping.model import Table
from syncsvc.source.printed import Printed

#: `{column: value as printed}` of one row.
Row = Mapping[str, Printed | None]
_NOWHERE = Place(1, 1)
_ZERO_DATE = re.compile(r"[0-9]{4}-(?:00-[0-9]{2}|[0-9]{2}-00)\b.*")
_FILE, _POSITION = "snapshot.000001", 4


def snapshot_event(table: Table, row: Row) -> tuple[bytes, bytes]:
    """
    `(key, value)` of the record of a row that a snapshot reads.

    Raises:
        CheckFailed: `source.value`, a value that the declared type cannot hold; says which, not what.
    """
    after = {column: _sent(table, column, value) for column, value in row.items()}
    database, _, name = table.name.partition(".")
    source = {"db": database, "table": name, "snapshot": "true", "file": _FILE, "pos": _POSITION, "row": 0, "ts_ms": 0}
    value = {"before": None, "after": after, "source": source, "op": "r"}
    return _json({column: after[column] for column in table.key}), _json(value)


def key_event(table: Table, words: Mapping[str, str]) -> bytes:
    """
    The key of a record, from what a person wrote for each column of it.

    Raises:
        UsageFault: `key.bad_value`.
    """
    sent: dict[str, object] = {}
    for column in table.key:
        column_type, text = table.columns[column], words[column]
        try:
            sent[column] = wire.encoded(column_type, Scalar(_NOWHERE, text, "text"))
        except (ValueError, UnicodeError, OverflowError) as error:
            raise UsageFault(
                code="key.bad_value",
                where=f"--key, {table.name}.{column}",
                what=f"{json.dumps(text, ensure_ascii=False)} is no value of {column_type}: {error}",
                fix="write it as the database prints it; bytes as 0x00ff",
            ) from None
    return _json(sent)


def _sent(table: Table, column: str, printed: Printed | None) -> object:
    if printed is None:
        return None
    column_type = table.columns[column]
    base = re.split(r"[( ]", column_type, maxsplit=1)[0]
    try:
        if base == "json":  # also a number or a text: it is JSON already, whatever it holds
            return _text(printed)
        if base in geometry.SHAPES:  # the server puts the reference system in front of the shape
            raw = _bytes(printed)
            return {"srid": int.from_bytes(raw[:4], "little") or None, "wkb": base64.b64encode(raw[4:]).decode()}
        if base == "vector":
            return list(struct.unpack(f"<{len(_bytes(printed)) // 4}f", _bytes(printed)))
        if base in ("date", "datetime", "timestamp") and _ZERO_DATE.fullmatch(_text(printed)):
            return None if column_types.nullable(column_type) else _epoch(base)
        return wire.encoded(column_type, Scalar(_NOWHERE, _written(base, printed), "text"))
    except (ValueError, OverflowError, struct.error):
        raise CheckFailed(
            code="source.value",
            where=f"{table.name}.{column}",
            what=f"the row has a value that {column_type} cannot hold",
            fix="correct the column's type in tables, or the value; compare with  syncsvc validate --live",
        ) from None


def _epoch(base: str) -> object:
    """What the connector makes of a zero date in a column that is never null."""
    return "1970-01-01T00:00:00Z" if base == "timestamp" else 0


def _written(base: str, printed: Printed) -> str:
    """The value as `cases.wire` reads it."""
    if base == "bit":
        return str(int.from_bytes(printed if isinstance(printed, bytes) else printed.encode("latin-1"), "big"))
    return f"0x{printed.hex()}" if isinstance(printed, bytes) else printed


def _bytes(printed: Printed) -> bytes:
    return printed if isinstance(printed, bytes) else printed.encode("utf-8")


def _text(printed: Printed) -> str:
    return printed if isinstance(printed, str) else printed.decode("utf-8")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
