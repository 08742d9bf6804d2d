"""
The decoder of a table's topic, whatever form its records have: the one entry to stage 1.

JSON with and without schemas and Avro may follow each other in one topic: a converter can be changed while the log
stays.  Each record is told apart by its first byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from syncsvc.changes.avro import MAGIC, AvroTableDecoder, Schemas
from syncsvc.changes.change import Change, Row
from syncsvc.changes.envelope import TableDecoder
from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Table


class Decoder(Protocol):
    """What reads the records of one table's topic; errors are those of `TableDecoder`."""

    def decode(self, value: bytes) -> Change:
        """The change that a record tells; `value` is not empty."""

    def decode_key(self, key: bytes) -> Row:
        """Values of the table's key, in the order of `table.key`; `key` is not empty."""


def decoder_for(table: Table, wanted: Sequence[str], schemas: Schemas | None = None) -> Decoder:
    """
    A decoder of a table's records.

    Args:
        table: the contract: type texts of the columns, names of the key.
        wanted: columns of the rows to make, in this order.
        schemas: gives an Avro schema by its number; None: no registry is set, and a record in Avro is a `UsageFault`
            (`change.no_registry`), because it is the surroundings that are wrong and not the record.

    Raises:
        UsageFault: `change.undeclared_column` or `change.refused_type`, all of them.
    """
    return _EachByItsForm(table, wanted, schemas or no_registry)


class _EachByItsForm:
    """Asks the first byte of each record."""

    def __init__(self, table: Table, wanted: Sequence[str], schemas: Schemas) -> None:
        self._json = TableDecoder(table, wanted)
        self._avro = AvroTableDecoder(table, wanted, schemas, self._json)

    def decode(self, value: bytes) -> Change:
        return self._avro.decode(value) if value[0] == MAGIC else self._json.decode(value)

    def decode_key(self, key: bytes) -> Row:
        return self._avro.decode_key(key) if key[0] == MAGIC else self._json.decode_key(key)


def no_registry(number: int) -> str:
    """In place of a registry where none is set."""
    raise UsageFault(
        code="change.no_registry",
        where=f"schema {number}",
        what="the topic has records in Avro, and no schema registry is set",
        fix="set SYNCSVC_SCHEMA_REGISTRY_URL, or give the connector the JSON converter",
    )
