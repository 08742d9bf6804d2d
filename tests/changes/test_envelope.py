"""Records of a source topic: what a change is made of, and the code of everything that cannot be read."""

from __future__ import annotations

import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from syncsvc.changes import position
from syncsvc.changes.envelope import DecodeError, TableDecoder
from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Table
from tests.changes import wire

MEETING = wire.table(id="int unsigned", title="varchar(200)", price="decimal(12,2) null", open="tinyint(1)")
COLUMNS = ("title", "id", "price", "open")
ROW = {"id": 7, "title": "tea", "price": "4.50", "open": 1, "not_asked_for": {"x": [1]}}
VALUES = ("tea", Int64(7), Decimal128("4.50"), True)


@pytest.fixture
def decoder():
    """Reads four columns of `meetup.meeting`, in an order of its own."""
    return TableDecoder(MEETING, COLUMNS)


@pytest.mark.parametrize("schema", [False, True], ids=["bare", "with schema"])
@pytest.mark.parametrize(
    ("op", "before", "after", "values"),
    [
        pytest.param("c", None, ROW, (None, VALUES), id="an insert has a row after"),
        pytest.param("r", None, ROW, (None, VALUES), id="a snapshot row too"),
        pytest.param("u", ROW | {"title": "tee"}, ROW, (("tee", *VALUES[1:]), VALUES), id="an update has both"),
        pytest.param("u", None, ROW, (None, VALUES), id="an update may lack the row before"),
        pytest.param("d", ROW, None, (VALUES, None), id="a delete has a row before"),
    ],
)
def test_a_change_has_the_rows_of_its_op(decoder, schema, op, before, after, values):
    """Values in the order asked for; one decoder reads both forms of the converter."""
    found = decoder.decode(wire.record(op, after, before, schema=schema))

    assert (found.op, found.before, found.after) == (op, *values)
    assert [type(value) for value in found.after or found.before] == [type(value) for value in VALUES]


def test_a_change_knows_when_and_where_it_happened(decoder):
    """Commit time of the source, not of the connector; position of the event in the binlog."""
    found = decoder.decode(wire.record("c", ROW, file="mysql-bin.000010", pos=99, row=3))

    assert found.ts_ms == 1_732_290_000_000
    assert found.file_base == "mysql-bin"
    assert found.position == position.position(10, 99, 3, position.STREAMED)


def test_a_snapshot_row_comes_before_the_event_at_its_place(decoder):
    """A row read in a window has the place of the event that closed the window, and must not win over it."""
    read = decoder.decode(wire.record("r", ROW, pos=500, snapshot="incremental"))
    streamed = decoder.decode(wire.record("u", ROW, pos=500))

    assert read.position < streamed.position


@pytest.mark.parametrize("snapshot", ["first", "last", "false", True, False, None])
def test_any_form_of_the_snapshot_mark_is_read(decoder, snapshot):
    """Debezium writes it as text, as a bool or not at all, depending on version and settings."""
    assert decoder.decode(wire.record("r", ROW, snapshot=snapshot)).after == VALUES


@pytest.mark.parametrize(
    ("source", "base"),
    [({"file": None}, ""), ({"file": "binlog"}, ""), ({"file": ""}, ""), ({"pos": None}, "mariadb-bin")],
)
def test_without_a_place_there_is_no_position(decoder, source, base):
    """Empty, so that nobody compares it."""
    found = decoder.decode(wire.record("c", ROW, **source))

    assert (found.position, found.file_base) == (b"", base)


@pytest.mark.parametrize(
    ("value", "code", "named"),
    [
        pytest.param(b'{"op":"c"', "change.bad_json", "value", id="cut off"),
        pytest.param(b"\xff", "change.bad_json", "value", id="not JSON"),
        pytest.param(b'{"op":"c","after":{"title":"\xff"}}', "change.bad_json", "value", id="not UTF-8"),
        pytest.param(b'{"x":' + b"[" * 100_000, "change.bad_json", "value", id="nested without end"),
        pytest.param(b"[1]", "change.bad_envelope", "object", id="not an object"),
        pytest.param(b'{"id":1,"title":"tea"}', "change.bad_envelope", "op", id="a row without an envelope"),
        pytest.param(wire.record("m"), "change.unknown_op", "c, u, d, r", id="an op of another connector"),
        pytest.param(wire.record("c", None, ROW), "change.no_row", "after", id="insert without a row"),
        pytest.param(wire.record("u", None, ROW), "change.no_row", "after", id="update without a row"),
        pytest.param(wire.record("d", ROW, None), "change.no_row", "before", id="delete without a row"),
        pytest.param(wire.record("c", {"id": 1, "title": "secret"}), "change.missing_column", '"price"', id="missing"),
        pytest.param(wire.record("c", ROW | {"id": "secret"}), "change.bad_value", "$.after.id", id="wrong type"),
        pytest.param(wire.record("c", ROW | {"id": None}), "change.bad_value", "$.after.id", id="null in the key"),
        pytest.param(wire.record("c", ROW | {"price": "secret"}), "change.bad_value", "$.after.price", id="no decimal"),
        pytest.param(wire.record("c", ROW | {"price": "9" * 35}), "change.bad_value", '"price"', id="too many digits"),
        pytest.param(wire.record("c", ROW, pos="secret"), "change.bad_value", "$.source.pos", id="a place of text"),
    ],
)
def test_what_cannot_be_read_has_a_code_and_names_the_column(decoder, value, code, named):
    """The content of the row is never in the message: it may be someone's private data."""
    with pytest.raises(DecodeError) as caught:
        decoder.decode(value)

    assert caught.value.code == code
    assert named in caught.value.what
    assert "secret" not in str(caught.value)
    assert "999" not in str(caught.value)


def test_a_fault_inside_a_schema_is_told_as_any_other(decoder):
    """The code does not depend on the converter's settings."""
    with pytest.raises(DecodeError, match='missing_column: the value has no column "price"'):
        decoder.decode(wire.record("c", {"id": 1, "title": "tea"}, schema=True))
    with pytest.raises(DecodeError, match="bad_envelope"):
        decoder.decode(b'{"schema":null,"payload":null}')


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.from_regex(r'\{"op":"[cudr]",.*', fullmatch=True).map(str.encode)
)
def test_whatever_the_bytes_are_the_answer_is_a_decode_error(value):
    """No other exception leaves the decoder, so a bad record is parked and never ends the process."""
    decoder = TableDecoder(MEETING, COLUMNS)
    for read in (decoder.decode, decoder.decode_key):
        with pytest.raises(DecodeError):
            read(value)


def test_a_converter_that_fails_names_the_column_and_not_the_value():
    """Not even where a library's own message would quote it."""
    decoder = TableDecoder(wire.table(id="int", notes="json", day="date"), ["id", "notes", "day"])

    for row in ({"id": 1, "notes": "{secret", "day": 0}, {"id": 1, "notes": '{"secret\\u0000":1}', "day": 0}):
        with pytest.raises(DecodeError, match='bad_value: column "notes"') as caught:
            decoder.decode(wire.record("c", row))
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
    with pytest.raises(DecodeError, match='"day"'):
        decoder.decode(wire.record("c", {"id": 1, "notes": "1", "day": 10**15}))


@pytest.mark.parametrize("bad", [{"price": "9" * 35}, {"id": "one"}, {"title": 5}])
@pytest.mark.parametrize("op", ["u", "d"])
def test_a_value_that_was_bad_does_not_keep_back_what_makes_it_good(decoder, op, bad):
    """The correction of a bad row and its delete carry it once more; they are changes without a row before."""
    found = decoder.decode(wire.record(op, None if op == "d" else ROW, ROW | bad))

    assert (found.before, found.after) == (None, None if op == "d" else VALUES)


def test_null_is_refused_where_the_type_says_not_null():
    """Such a null is Debezium's, not the source's: with other settings it stands for a value that did not convert."""
    decoder = TableDecoder(wire.table(id="int", title="varchar(20) not null"), ["id", "title"])

    with pytest.raises(DecodeError, match="bad_value") as caught:
        decoder.decode(wire.record("c", {"id": 1, "title": None}))
    assert "$.after.title" in caught.value.what


def test_columns_may_be_called_anything():
    """A column's name need not be a name in Python, nor differ from the envelope's own."""
    names = ["order date", "class", "payload", "op", "schema", "ti`tle", "größe"]
    table = Table("a.b", ("payload",), dict.fromkeys(names, "int"))
    decoder = TableDecoder(table, names)
    row = {name: number for number, name in enumerate(names)}

    assert decoder.decode(wire.record("c", row)).after == tuple(range(7))
    assert decoder.decode(wire.record("c", row, schema=True)).after == tuple(range(7))
    assert decoder.decode_key(wire.key({"payload": 2})) == (2,)
    assert decoder.decode_key(wire.key({"payload": 2}, schema=True)) == (2,)


@pytest.mark.parametrize("schema", [False, True], ids=["bare", "with schema"])
def test_a_key_is_a_tuple_in_the_order_of_the_tables_key(schema):
    """Whatever the order in the record, and whatever else stands there."""
    table = Table("a.b", ("b", "a"), {"a": "int unsigned", "b": "varchar(5)", "c": "int"})
    decoder = TableDecoder(table, ["c"])

    for _ in range(2):  # the form that fits is remembered
        assert decoder.decode_key(wire.key({"a": 1, "x": 0, "b": "y"}, schema=schema)) == ("y", Int64(1))


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (b"1", "change.bad_envelope"),
        (b"{", "change.bad_json"),
        (b'{"other":1}', "change.missing_column"),
        (b'{"id":"secret"}', "change.bad_value"),
        (b'{"id":null}', "change.bad_value"),
        (b'{"schema":null,"payload":null}', "change.missing_column"),
    ],
)
def test_a_key_that_cannot_be_read_has_a_code(decoder, key, code):
    """As values do."""
    with pytest.raises(DecodeError) as caught:
        decoder.decode_key(key)

    assert caught.value.code == code
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("int unsigned", 4294967295),
        ("bigint unsigned", 2**63 - 1),
        ("bigint unsigned as decimal", 2**64 - 1),
        ("decimal(10,3)", "1.250"),
        ("date", 17_702),
        ("datetime(3)", 1_529_476_623_001),
        ("timestamp", "2018-06-20T13:37:03Z"),
        ("binary(16) as uuid", wire.encoded(bytes(16))),
        ("varchar(9)", "ä"),
    ],
)
def test_a_key_equals_the_columns_of_its_row(text, sent):
    """Same converters on both sides: a tombstone finds the row that its key names."""
    decoder = TableDecoder(wire.table(id=text), ["id"])

    assert decoder.decode_key(wire.key({"id": sent})) == decoder.decode(wire.record("c", {"id": sent})).after


def test_columns_that_cannot_be_read_are_refused_before_any_record():
    """All of them at once, each with its place and reason."""
    table = Table("a.b", ("id",), {"id": "int", "at": "datetime(6)", "shape": "polygon"})

    with pytest.raises(UsageFault) as caught:
        TableDecoder(table, ["id", "at", "shape", "nowhere"])
    assert [(problem.code, problem.where) for problem in caught.value.problems] == [
        ("change.refused_type", "a.b.at"),
        ("change.refused_type", "a.b.shape"),
        ("change.undeclared_column", "a.b.nowhere"),
    ]
