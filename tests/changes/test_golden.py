"""Golden events of real servers: every type, from snapshot and stream, in every form of the wire, without a server."""

from __future__ import annotations

import bson
import pytest

from syncsvc.changes.decoding import decoder_for
from syncsvc.mapping.model import Table
from tests.changes import golden_events, recording
from tests.changes.cases import CASES, Case

LOST_IN_AVRO = "zzz"  # the converter of the recording puts a column's default where NULL was


def cases_of(kind: str) -> list[Case]:
    """The columns of a server's table."""
    return [case for case in CASES if case.only in ("", kind)]


def expected(cases: list[Case], row: int) -> list[object]:
    """Values of the columns behind the id."""
    if row == recording.rows(cases) - 1:
        return [None] * len(cases)
    return [list(case.values.values())[row % len(case.values)] for case in cases]


@pytest.mark.parametrize("form", recording.FORMS)
@pytest.mark.parametrize("kind", recording.SERVERS)
def test_every_type_reads_as_it_was_inserted(kind, form):
    """
    Least, greatest, usual and null values, as inserted, of the same BSON type; the same from snapshot and stream.

    One exception, and it is the converter's: NULL in a column with a default, in Avro (see `connector`).
    """
    records, schemas = golden_events.read(kind, form)
    cases = cases_of(kind)
    names = {"id": "int"} | {f"c{number}": case.text for number, case in enumerate(cases)}
    decoder = decoder_for(Table("meetup.every", ("id",), names), list(names), schemas.__getitem__)
    count = recording.rows(cases)

    assert len(records) == 2 * count
    for number, (key, value) in enumerate(records):
        change = decoder.decode(value)
        first = recording.STREAMED if number >= count else recording.FIRST
        assert change.op == ("c" if number >= count else "r")
        assert change.after is not None
        assert change.after[0] == first + number % count
        assert decoder.decode_key(key) == change.after[:1]
        for case, found, wanted in zip(cases, change.after[1:], expected(cases, number % count), strict=True):
            if form == "avro" and case.default and wanted is None:
                wanted = LOST_IN_AVRO
            assert (case.text, type(found), found) == (case.text, type(wanted), wanted)
        assert bson.encode(dict(zip(names, change.after, strict=True)))


@pytest.mark.parametrize("kind", recording.SERVERS)
def test_all_forms_tell_the_same_change(kind):
    """Position and time included: from one binlog, three connectors read the same events."""
    cases = cases_of(kind)
    names = {"id": "int"} | {f"c{number}": case.text for number, case in enumerate(cases) if not case.default}
    streamed = []
    for form in recording.FORMS:
        records, schemas = golden_events.read(kind, form)
        decoder = decoder_for(Table("meetup.every", ("id",), names), list(names), schemas.__getitem__)
        streamed.append([decoder.decode(value) for _, value in records[recording.rows(cases) :]])

    assert streamed[0] == streamed[1] == streamed[2]
    assert all(change.position for change in streamed[0])
