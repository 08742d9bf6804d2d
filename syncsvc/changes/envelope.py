"""
Bytes of a Debezium record -> `Change`: the one place that knows the envelope.

Comes after `columns`, which says how each column is read, and before `routing`, which gets the changes.  One typed
decoder a table checks and builds the row in a single pass over the bytes, skipping what nobody asked for.  Both forms
of the JSON converter are read, with and without the schema around the value.  Refuses what it cannot read with a
`DecodeError`: a missing column is an error, a null is only ever a null of the source, nothing is guessed.

A record without a value (a tombstone) is not for this module; the caller knows what it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType, defstruct

from syncsvc.changes import column_text, columns
from syncsvc.changes.change import LAST_OF_TABLE, Change, Row, Source
from syncsvc.changes.columns import Converter
from syncsvc.changes.position import SNAPSHOT, STREAMED, binlog, position
from syncsvc.changes.values import NotHeld
from syncsvc.errors import Problem, UsageFault
from syncsvc.mapping.model import Table

_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `(?P<place>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


class DecodeError(Exception):
    """A record that cannot be read; it never will be, whoever tries.  Carries no content of the row."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        #: `change.missing_column`, `.bad_value`, `.bad_json`, `.bad_avro`, `.unknown_op`, `.no_row` or `.bad_envelope`.
        self.code = code
        #: For a person; names the column.
        self.what = what


_NOWHERE = Source()


class TableDecoder:
    """Reads the records of one table's topic.  Not for use by several threads at once."""

    def __init__(self, table: Table, wanted: Sequence[str]) -> None:
        """
        Args:
            table: the contract: type texts of the columns, names of the key.
            wanted: columns of the rows to make, in this order; each must be declared in `table.columns`.

        Raises:
            UsageFault: `change.undeclared_column` or `change.refused_type`, all of them.
        """
        _check(table, (*wanted, *table.key))
        row, self._values = _row_type(table, tuple(wanted))
        key_row, self._key_values = _row_type(table, table.key)
        #: What a value and a key must be, for those who read them from something else than JSON (`avro`).
        self.envelope_type, self.key_type = _envelope_type(row), key_row
        self._envelope = msgspec.json.Decoder(self.envelope_type).decode
        self._without_former = msgspec.json.Decoder(_envelope_type(row, former=msgspec.Raw)).decode
        #: Both forms of a key: bare, and inside a schema.  A bare key cannot hold an object, so one form at most fits.
        self._wrapped: Any = defstruct("Wrapped", [("payload", key_row)], gc=False)
        self._keys: list[Any] = [msgspec.json.Decoder(key_row), msgspec.json.Decoder(self._wrapped)]
        self._file: str | None = None
        self._binlog: tuple[str, int] | None = None

    def decode(self, value: bytes) -> Change:
        """
        The change that a record tells.

        Args:
            value: the record's value; not empty.

        Raises:
            DecodeError: see its codes.
        """
        try:
            envelope = self._envelope(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            try:
                envelope = self._without_former(value)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise unreadable(error, "the value") from None
        return self.change(envelope if envelope.payload is UNSET else envelope.payload)

    def change(self, envelope: Any) -> Change:
        """The change that an envelope tells, which is of the type `envelope_type`; errors as of `decode`."""
        op, before, after, source = envelope.op, envelope.before, envelope.after, envelope.source
        old: Row | None
        new: Row | None
        if op == "d":
            if before is None:
                raise DecodeError("change.no_row", "a delete without the row before it")
            old, new = self._former(before), None
        elif op == "u" or op == "c" or op == "r":
            if after is None:
                raise DecodeError("change.no_row", f'op "{op}" without the row after it')
            old = None if before is None or op != "u" else self._former(before)
            new = self._values(after)
        elif op == "t":
            old = new = None
        else:
            raise _unknown(op)
        last = op == "r" and source.snapshot in LAST_OF_TABLE
        if source.file != self._file:  # the last file's name is kept taken apart: it is the same for long
            self._file, self._binlog = source.file, binlog(source.file)
        if self._binlog is None:
            return Change(op, old, new, b"", source.ts_ms or 0, "", last)
        base, number = self._binlog
        place = b""
        if source.pos is not None:
            place = position(number, source.pos, source.row or 0, SNAPSHOT if op == "r" else STREAMED)
        return Change(op, old, new, place, source.ts_ms or 0, base, last)

    def _former(self, row: Any) -> Row | None:
        """
        A row as it was before its change; None where it holds what no document can.

        The change that corrects or deletes a bad row carries it once more, and must not be kept back by it.
        """
        if isinstance(row, msgspec.Raw):
            return None
        try:
            return self._values(row)
        except DecodeError:
            return None

    def decode_key(self, key: bytes) -> Row:
        """
        Values of the table's key, in the order of `table.key`, equal to the row's values of these columns.

        Raises:
            DecodeError: see its codes.
        """
        first: DecodeError | None = None
        for decoder in self._keys:
            try:
                found = decoder.decode(key)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                first = first or unreadable(error, "the key")
                continue
            if decoder is not self._keys[0]:
                self._keys.reverse()  # the form that fits is tried first the next time
            return self.key(found.payload if isinstance(found, self._wrapped) else found)
        assert first is not None
        raise first

    def key(self, found: Any) -> Row:
        """Values of a key, which is of the type `key_type`; errors as of `decode_key`."""
        return self._key_values(found)


def _check(table: Table, names: Sequence[str]) -> None:
    problems = []
    for name in dict.fromkeys(names):
        text = table.columns.get(name)
        why = "it is not among the declared columns" if text is None else columns.refusal(text)
        if why:
            code = "change.undeclared_column" if text is None else "change.refused_type"
            problems.append(Problem(code, f"{table.name}.{name}", why, "correct the table's columns in the mapping"))
    if problems:
        raise UsageFault.of(problems)


def _row_type(table: Table, names: Sequence[str]) -> tuple[type[Any], Callable[[Any], Row]]:
    """A struct with exactly these columns, in this order, and the function that makes a row of it."""
    fields, converters, wire_names = [], [], {}
    for index, name in enumerate(names):
        text = table.columns[name]
        how = columns.column(text)
        present = name in table.key or not column_text.nullable(text)
        fields.append((f"c{index}", how.wire if present else how.wire | None))
        wire_names[f"c{index}"] = name  # a column's name need not be a name in Python
        if how.convert is not None:
            converters.append((index, how.convert))
    return defstruct("Row", fields, rename=wire_names, gc=False), _reader(names, converters)


def _envelope_type(row: type[Any], former: Any = None) -> type[Any]:
    """
    The envelope of a row type; with a schema around it, the same envelope stands in its `payload`.

    Args:
        former: type of the row before the change, where it is another.
    """
    fields: list[tuple[str, Any, Any]] = [
        ("op", str, ""),
        ("before", former or row | None, None),
        ("after", row | None, None),
        ("source", Source, _NOWHERE),
    ]
    inner = defstruct("Payload", fields, gc=False)
    return defstruct("Envelope", [*fields, ("payload", inner | UnsetType, UNSET)], gc=False)


def _reader(names: Sequence[str], converters: Sequence[tuple[int, Converter]]) -> Callable[[Any], Row]:
    """A function from a row struct to the tuple of its values, converted where a column needs it."""
    astuple = msgspec.structs.astuple
    if not converters:
        return astuple

    def read(row: Any) -> Row:
        found = list(astuple(row))
        index = 0
        try:
            for index, convert in converters:
                wire = found[index]
                if wire is not None:
                    found[index] = convert(wire)
        except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            why = str(error) if isinstance(error, NotHeld) else "not a value of its type"
            raise DecodeError("change.bad_value", f'column "{names[index]}": {why}') from None
        return tuple(found)

    return read


def _unknown(op: str) -> DecodeError:
    if not op:
        return DecodeError("change.bad_envelope", 'no "op": this is not a Debezium change event')
    return DecodeError("change.unknown_op", "the op is none of c, u, d, r, t")


def unreadable(error: Exception, what: str) -> DecodeError:
    """The decoder's complaint as ours: which column, never its content."""
    if not isinstance(error, msgspec.ValidationError):
        return DecodeError("change.bad_json", f"{what} is not JSON in UTF-8")
    complaint = _COMPLAINT.fullmatch(str(error))
    text, place = (complaint["what"], complaint["place"] or "$") if complaint else (str(error), "$")
    missing = _MISSING.fullmatch(text)
    if missing:
        return DecodeError("change.missing_column", f'{what} has no column "{missing[1]}" at {place}')
    if place in ("$", "$.payload"):
        return DecodeError("change.bad_envelope", f"{what} is not an object of the connector")
    return DecodeError("change.bad_value", f"{what} at {place}: {text.replace('`', '')}")
