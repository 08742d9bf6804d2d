"""Avro in the frame of Confluent's registry: the same changes as from JSON, and an error for all that does not fit."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import fastavro
import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.changes.avro import AvroTableDecoder, schema_numbers
from syncsvc.changes.decoding import decoder_for
from syncsvc.changes.envelope import DecodeError
from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Table
from tests.changes import wire

ROW = {
    "type": "record", "name": "Value", "fields": [
        {"name": "id", "type": "long"},
        {"name": "title", "type": ["null", "string"], "default": None},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "_2nd_choice", "type": "int"},
        {"name": "not_asked_for", "type": "double"},
    ],
}  # fmt: skip
ENVELOPE = {
    "type": "record", "name": "Envelope", "namespace": "meetup.meeting", "fields": [
        {"name": "before", "type": ["null", ROW], "default": None},
        {"name": "after", "type": ["null", "Value"], "default": None},
        {"name": "source", "type": {"type": "record", "name": "Source", "fields": [
            {"name": "file", "type": "string"}, {"name": "pos", "type": "long"}, {"name": "row", "type": "int"},
            {"name": "ts_ms", "type": "long"},
        ]}},
        {"name": "op", "type": "string"},
    ],
}  # fmt: skip
KEY = {"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]}
SCHEMAS = {1: json.dumps(KEY), 2: json.dumps(ENVELOPE), 3: '{"type": "no type"}', 4: "not JSON"}
MEETING = Table(
    "meetup.meeting", ("id",),
    {"id": "bigint", "title": "varchar(20) null", "price": "decimal(12,2)", "2nd-choice": "int not null"},
)  # fmt: skip
COLUMNS = ("title", "id", "price", "2nd-choice")
SOURCE = {"file": "binlog.000007", "pos": 99, "row": 3, "ts_ms": 1000}
AFTER = {"id": 7, "title": "tea", "price": Decimal("4.50"), "_2nd_choice": 5, "not_asked_for": 0.5}


def framed(number: int, content: object, schema: object = None) -> bytes:
    """A record's key or value."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(SCHEMAS[number]), _force=True), content)
    return b"\0" + number.to_bytes(4, "big") + body.getvalue()


def value(op: str = "c", before: object = None, after: object = AFTER) -> bytes:
    """A record's value."""
    return framed(2, {"before": before, "after": after, "source": SOURCE, "op": op})


@pytest.fixture
def decoder():
    """Reads four columns of `meetup.meeting`."""
    return decoder_for(MEETING, COLUMNS, SCHEMAS.__getitem__)


def test_a_record_is_read_by_the_schema_it_names(decoder):
    """Rows, key, position and time; a decimal whose scale is in the schema is exact."""
    found = decoder.decode(value("u", before=AFTER | {"title": None}))

    assert found.after == ("tea", Int64(7), Decimal128("4.50"), 5)
    assert found.before == (None, Int64(7), Decimal128("4.50"), 5)
    assert (found.op, found.ts_ms, found.file_base) == ("u", 1000, "binlog")
    assert decoder.decode_key(framed(1, {"id": 7})) == (Int64(7),)


def test_json_and_avro_may_follow_each_other_in_one_topic(decoder):
    """A converter was changed; the log goes on."""
    row = {"id": 7, "title": "tea", "price": "4.50", "2nd-choice": 5}
    text = wire.record("c", row, file="binlog.000007", pos=99, row=3, ts_ms=1000)

    assert decoder.decode(value()) == decoder.decode(text)
    assert decoder.decode_key(wire.key({"id": 7})) == decoder.decode_key(framed(1, {"id": 7}))


def test_a_schema_is_asked_for_once():
    """And only when a record needs it."""
    asked = []

    def schemas(number: int) -> str:
        asked.append(number)
        return SCHEMAS[number]

    decoder = AvroTableDecoder(MEETING, COLUMNS, schemas)
    decoder.decode(value())
    decoder.decode(value())

    assert asked == [2]


def test_the_schemas_of_a_batch_are_known_before_it_is_read():
    """So that whoever fetches them can wait before the first record is folded."""

    class Record:
        def __init__(self, key, value):
            self.key, self.value = key, value

    batch = [Record(framed(1, {"id": 7}), value()), Record(b'{"id":7}', None), Record(None, b"\0\0")]

    assert schema_numbers(batch) == {1, 2}


def test_a_schema_that_cannot_be_had_is_no_fault_of_the_record():
    """What the lookup raises comes through as it is, and the same record is good later."""
    answers = [ConnectionError("down")]

    def schemas(number: int) -> str:
        if answers:
            raise answers.pop()
        return SCHEMAS[number]

    decoder = AvroTableDecoder(MEETING, COLUMNS, schemas)
    with pytest.raises(ConnectionError):
        decoder.decode(value())

    assert decoder.decode(value()).op == "c"


def test_without_a_registry_avro_is_a_fault_of_the_settings():
    """It ends the worker with what to set; the record is not parked."""
    with pytest.raises(UsageFault) as caught:
        decoder_for(MEETING, COLUMNS).decode(value())

    assert caught.value.problems[0].code == "change.no_registry"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"\0\0\0", "change.bad_avro", id="no number"),
        pytest.param(b"\0\0\0\0\x02", "change.bad_avro", id="no body"),
        pytest.param(value()[:-3], "change.bad_avro", id="cut off"),
        pytest.param(value() + b"x", "change.bad_avro", id="more than the schema says"),
        pytest.param(b"\0\0\0\0\x03x", "change.bad_avro", id="no schema of Avro"),
        pytest.param(b"\0\0\0\0\x04x", "change.bad_avro", id="a schema that is no JSON"),
        pytest.param(framed(1, {"id": 7}), "change.bad_envelope", id="a key where a value should be"),
        pytest.param(value(after=None), "change.no_row", id="no row"),
        pytest.param(value("x"), "change.unknown_op", id="no such op"),
    ],
)
def test_what_does_not_fit_is_an_error_with_a_code(decoder, content, code):
    """As from JSON."""
    with pytest.raises(DecodeError) as caught:
        decoder.decode(content)

    assert caught.value.code == code


@given(st.binary(max_size=60))
def test_any_bytes_are_a_change_or_an_error_of_the_record(body):
    """Nothing that stands in a topic can end the worker."""
    decoder = decoder_for(MEETING, COLUMNS, SCHEMAS.__getitem__)
    for number in (1, 2):
        with pytest.raises(DecodeError):  # six bytes of these columns do not come by chance
            decoder.decode(b"\0" + number.to_bytes(4, "big") + b"\xff" + body)
