"""
Records in Avro with the frame of Confluent's registry: a zero byte, the number of a schema, the body.

Comes beside `envelope`, for connectors with an Avro converter: the body becomes the same envelope, checked by the same
types, so a change does not tell which form it came in.  Schemas are handed in by number; who fetches them, and what
happens when that fails, is not known here.  Needs the package's extra `avro`.
"""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from syncsvc.changes import column_text
from syncsvc.changes.change import Change, Row
from syncsvc.changes.envelope import DecodeError, TableDecoder, unreadable
from syncsvc.mapping.model import Table

if TYPE_CHECKING:
    from fastavro.types import Schema as ParsedSchema

#: The schema of a number, as JSON text.  Raises what is not a `DecodeError` when it cannot be had now.
Schemas = Callable[[int], str]
MAGIC = 0
_FRAME = struct.Struct(">BI")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


class Record(Protocol):
    """What is read of a record of a topic."""

    @property
    def key(self) -> bytes | None:
        """Empty when there is none."""

    @property
    def value(self) -> bytes | None:
        """Empty for a tombstone."""


def framed(content: bytes | None) -> bool:
    """Whether these bytes begin as Avro does; JSON never begins with a zero byte."""
    return bool(content) and content[0] == MAGIC  # type: ignore[index]  # a content is there


def schema_numbers(records: Iterable[Record]) -> set[int]:
    """The numbers of all schemas that these records need, so that they can be fetched before the records are read."""
    found = set()
    for record in records:
        for content in (record.key, record.value):
            if content and content[0] == MAGIC and len(content) > _FRAME.size:
                found.add(_FRAME.unpack_from(content)[1])
    return found


class Bodies:
    """Reads the bodies of framed records, whatever they are of."""

    def __init__(self, schemas: Schemas) -> None:
        """`schemas`: gives a schema by its number; asked once for each."""
        self._schemas = schemas
        self._readers: dict[int, Callable[[io.BytesIO], Any]] = {}

    def tree(self, content: bytes, what: str) -> Any:
        """The body as dicts and plain values; raises `DecodeError` (`change.bad_avro`) and what `schemas` raises."""
        if len(content) <= _FRAME.size or content[0] != MAGIC:
            raise DecodeError("change.bad_avro", f"{what} is not Avro with the number of its schema before it")
        number = _FRAME.unpack_from(content)[1]
        read = self._readers.get(number)
        if read is None:
            read = self._readers[number] = _reader(self._schemas(number), number)
        body = io.BytesIO(content)
        body.seek(_FRAME.size)
        try:
            tree = read(body)
        except (ValueError, EOFError, IndexError, TypeError, OverflowError, MemoryError, RecursionError):
            raise DecodeError("change.bad_avro", f"{what} does not fit schema {number}") from None
        if body.read(1):
            raise DecodeError("change.bad_avro", f"{what} does not fit schema {number}")
        return tree


class AvroTableDecoder:
    """Reads the records of one table's topic; the counterpart of `TableDecoder`."""

    def __init__(
        self, table: Table, wanted: Sequence[str], schemas: Schemas, types: TableDecoder | None = None
    ) -> None:
        """
        Args:
            table: the contract, as of `TableDecoder`; `wanted` likewise.
            schemas: gives a schema by its number; asked once for each.
            types: the decoder of the same table and columns for JSON, where there is one already.

        Raises:
            UsageFault: as `TableDecoder`.
        """
        self._types = types or TableDecoder(table, wanted)
        self._tree = Bodies(schemas).tree
        columns = dict.fromkeys((*wanted, *table.key))
        #: `{name in Avro: column}` where the connector had to change a column's name.
        self._renamed = {changed: name for name in columns if (changed := _avro_name(name)) != name}
        #: `{column: form}` of the numbers that Avro may hold as a decimal.
        self._decimals = {name: form for name in columns if (form := _decimal_form(table.columns[name]))}

    def decode(self, value: bytes) -> Change:
        """As `TableDecoder.decode`; also raises what `schemas` raises."""
        tree = self._tree(value, "the value")
        if isinstance(tree, dict):
            for image in ("before", "after"):
                if tree.get(image) is not None:
                    self._fit(tree[image])
        return self._types.change(self._converted(tree, self._types.envelope_type, "the value"))

    def decode_key(self, key: bytes) -> Row:
        """As `TableDecoder.decode_key`; also raises what `schemas` raises."""
        tree = self._tree(key, "the key")
        if isinstance(tree, dict):
            self._fit(tree)
        return self._types.key(self._converted(tree, self._types.key_type, "the key"))

    def _fit(self, row: dict[str, Any]) -> None:
        """Columns under their own names, decimals in the form that JSON has for them."""
        for changed, name in self._renamed.items():
            if name not in row and changed in row:
                row[name] = row.pop(changed)
        for name, form in self._decimals.items():
            if isinstance(row.get(name), Decimal):
                row[name] = form(row[name])

    @staticmethod
    def _converted(tree: Any, kind: type[Any], what: str) -> Any:
        try:
            return msgspec.convert(tree, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            raise unreadable(error, what) from None


def _reader(schema: str, number: int) -> Callable[[io.BytesIO], Any]:
    """A function that reads a body written with this schema."""
    import fastavro

    try:
        parsed: ParsedSchema = fastavro.parse_schema(json.loads(schema))
    except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType):
        raise DecodeError("change.bad_avro", f"schema {number} is not a schema of Avro") from None
    return lambda body: fastavro.schemaless_reader(body, parsed, None)


def _avro_name(column: str) -> str:
    """The name that the connector gives a column in Avro (`field.name.adjustment.mode=avro`)."""
    name = _NOT_IN_A_NAME.sub("_", column)
    return f"_{name}" if name[:1].isdigit() else name


def _decimal_form(text: str) -> Callable[[Decimal], Any] | None:
    """What JSON holds for a decimal of a column of this type; None where a column never has one."""
    name = column_text.read(text).name
    if name == "decimal":
        return lambda value: f"{value:f}"
    return int if name in ("bigint", "serial") else None
