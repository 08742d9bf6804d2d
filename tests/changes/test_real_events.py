"""What real servers and the real connector send: every type reads as inserted, from the snapshot and the stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import bson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from bson import Binary, Decimal128, Int64

from syncsvc.changes.connector import connector_config
from syncsvc.changes.envelope import TableDecoder
from syncsvc.devstack import cache, children, connect, connectors, kafka, mariadb, mysql, sqlserver
from syncsvc.mapping.model import Table
from tests.changes.test_connector import pipeline

pytestmark = pytest.mark.servers

WAIT_SECONDS = 60.0
FIRST, STREAMED = 0, 100  # of the ids: rows there before the connector, and rows made while it runs


@dataclass(frozen=True)
class Case:
    """One column: its type, and what is inserted with what it must become; every column may be NULL too."""

    #: As declared to the decoder; without ` as …` also the type of the column.
    text: str
    #: `{SQL: value}`, at most four.
    values: dict[str, object]


def moment(*parts: int) -> datetime:
    """A moment in UTC."""
    return datetime(*parts, tzinfo=UTC)


NINES = "9" * 30
UUID = "123e4567e89b12d3a456426655440000"
CASES = [
    Case("tinyint", {"-128": -128, "127": 127, "0": 0}),
    Case("tinyint unsigned", {"0": 0, "255": 255}),
    Case("smallint", {"-32768": -32768, "32767": 32767}),
    Case("smallint unsigned", {"65535": 65535}),
    Case("mediumint", {"-8388608": -8388608, "8388607": 8388607}),
    Case("mediumint unsigned", {"16777215": 16777215}),
    Case("int", {"-2147483648": -(2**31), "2147483647": 2**31 - 1}),
    Case("int(10) unsigned zerofill", {"0": Int64(0), "4294967295": Int64(2**32 - 1)}),
    Case("bigint", {"-9223372036854775808": Int64(-(2**63)), "9223372036854775807": Int64(2**63 - 1)}),
    Case("bigint unsigned", {"0": Int64(0), "100": Int64(100), "9223372036854775807": Int64(2**63 - 1)}),
    Case(
        "bigint unsigned as decimal",
        {"18446744073709551615": Decimal128(str(2**64 - 1)), "10": Decimal128("10"), "0": Decimal128("0")},
    ),
    Case("tinyint(1)", {"0": False, "1": True}),
    Case("boolean", {"false": False, "true": True}),
    Case("tinyint(1) as int", {"-7": -7, "1": 1}),
    Case("decimal(34,4)", {f"-{NINES}.9999": Decimal128(f"-{NINES}.9999"), "100": Decimal128("100.0000")}),
    Case("decimal(65,30) as text", {"0": "0." + "0" * 30, "9" * 35: "9" * 35 + "." + "0" * 30}),
    Case("float", {"0.1": 0.1, "16777217": 16777200.0, "3.4028234e38": 3.40282e38, "123456.789": 123457.0}),
    Case("float(10,3)", {"1.234": 1.234, "16777.217": 16777.217}),
    Case("double", {"0.1": 0.1, "1.7976931348623157e308": 1.7976931348623157e308, "5": 5.0, "-2.5e-308": -2.5e-308}),
    Case("char(5)", {"''": "", "'abcde'": "abcde", "'ß'": "ß"}),
    Case("varchar(20)", {"''": "", "'😀 '": "😀 ", "'x\\0y'": "x\0y"}),
    Case("varchar(20) character set latin1", {"'äß'": "äß"}),
    Case("text", {"''": "", "'😀'": "😀"}),
    Case("longtext", {"repeat('ä', 70000)": "ä" * 70_000}),
    Case("enum('a','it''s','c,d')", {"'a'": "a", "'it''s'": "it's", "'c,d'": "c,d"}),
    Case("set('a','b','c')", {"''": [], "'b,a'": ["a", "b"], "'c'": ["c"]}),
    Case(
        "json",
        {
            """'{"a": [1, 2.5, null, true, "x"], "n": 18446744073709551615}'""": {
                "a": [1, 2.5, None, True, "x"], "n": Decimal128(str(2**64 - 1)),
            },
            "'[5.0, 1e-7, 1e15, 1e19, 1e20, 1.5e300, 1e23]'": [
                5.0, 1e-7, 10**15, Decimal128(str(10**19)), 1e20, 1.5e300, 1e23,
            ],
            "'[]'": [],
            "'\"s\"'": "s",
        },
    ),
    Case("binary(4)", {"x'01'": b"\x01\0\0\0", "x'ffffffff'": b"\xff" * 4, "x'20202020'": b"    "}),
    Case("binary(16) as uuid", {f"x'{UUID}'": Binary(bytes.fromhex(UUID), 4)}),
    Case("varbinary(8)", {"x''": b"", "x'ff00'": b"\xff\0"}),
    Case("blob", {"x''": b"", "x'ff00'": b"\xff\0"}),
    Case("bit(1)", {"b'0'": False, "b'1'": True}),
    Case("bit(12)", {"0": Int64(0), "4095": Int64(4095), "258": Int64(258)}),
    Case("bit(64) as bytes", {"18446744073709551615": b"\xff" * 8, "258": b"\0" * 6 + b"\x01\x02"}),
    Case("date", {"'1000-01-01'": moment(1000, 1, 1), "'9999-12-31'": moment(9999, 12, 31)}),
    Case("date", {"'0017-01-02'": moment(17, 1, 2), "'2024-02-29'": moment(2024, 2, 29)}),
    Case("datetime", {"'1000-01-01'": moment(1000, 1, 1), "'9999-12-31 23:59:59'": moment(9999, 12, 31, 23, 59, 59)}),
    Case("datetime(3)", {"'1969-12-31 23:59:59.999'": moment(1969, 12, 31, 23, 59, 59, 999_000)}),
    Case("datetime(6) as micros", {"'1969-12-31 23:59:59.999999'": Int64(-1), "'1970-01-01 00:00:01'": Int64(10**6)}),
    Case("datetime(6) as date", {"'2024-02-29 12:00:00.123999'": moment(2024, 2, 29, 12, 0, 0, 123_000)}),
    Case("timestamp", {"'1970-01-01 00:00:01'": moment(1970, 1, 1, 0, 0, 1), "'2024-02-29'": moment(2024, 2, 29)}),
    Case("timestamp", {"'2038-01-19 03:14:07'": moment(2038, 1, 19, 3, 14, 7)}),
    Case("timestamp(3)", {"'2024-06-01 12:00:00.5'": moment(2024, 6, 1, 12, 0, 0, 500_000)}),
    Case("timestamp(6) as micros", {"'1970-01-01 00:00:01.000001'": Int64(1_000_001)}),
    Case("time", {"'-838:59:59'": Int64(-3_020_399_000_000), "'838:59:59'": Int64(3_020_399_000_000)}),
    Case("time(6)", {"'00:00:00.000001'": Int64(1), "'-00:00:01.5'": Int64(-1_500_000)}),
    Case("year", {"1901": 1901, "2155": 2155, "2000": 2000}),
    Case("varchar(9) default 'zzz'", {"null": None, "'a'": "a"}),
]  # fmt: skip
ROWS = 1 + max(len(case.values) for case in CASES)


def declared(case: Case) -> str:
    """The type text for the decoder."""
    return case.text.partition(" default")[0]


def columns() -> dict[str, str]:
    """`{column: type text}` of the one table."""
    return {"id": "int"} | {f"c{number}": declared(case) for number, case in enumerate(CASES)}


def inserts(first: int) -> list[str]:
    """A row for each value of the columns, shorter lists repeated, and one of NULLs."""
    rows = []
    for row in range(ROWS):
        literals = [list(case.values)[row % len(case.values)] if row < ROWS - 1 else "NULL" for case in CASES]
        rows.append(f"INSERT INTO every VALUES ({first + row}, {', '.join(literals)})")
    return rows


def expected(row: int) -> tuple[object, ...]:
    """Values of the columns behind the id."""
    if row == ROWS - 1:
        return (None,) * len(CASES)
    return tuple(list(case.values.values())[row % len(case.values)] for case in CASES)


def create() -> str:
    """The table."""
    types = [case.text.partition(" as ")[0] for case in CASES]
    return f"CREATE TABLE every (id INT PRIMARY KEY, {', '.join(f'c{n} {text} NULL' for n, text in enumerate(types))})"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Kafka and a Connect worker, and what starts further servers."""
    nursery = children.Nursery()
    store = cache.Cache(nursery, lambda text: None)
    folder = tmp_path_factory.mktemp("servers")
    try:
        broker = kafka.Kafka(store, folder / "kafka")
        broker.start()
        worker = connect.Connect(store, folder / "connect", broker.bootstrap)
        worker.start()
        yield store, folder, broker, worker
    finally:
        nursery.close()


async def records(bootstrap: str, topic: str, count: int) -> list[tuple[bytes, bytes]]:
    """The first `count` keys and values of a topic with one partition; waits until they are there."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        metadata_max_age_ms=300,
    )
    await consumer.start()
    found: list[tuple[bytes, bytes]] = []
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while topic not in await consumer.topics():
            assert time.monotonic() < deadline, f"no topic {topic}"
            await asyncio.sleep(0.2)
        consumer.assign([TopicPartition(topic, 0)])
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records"
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [(record.key, record.value) for record in batch]
    finally:
        await consumer.stop()
    return found


@pytest.mark.parametrize("server", [mariadb.MariaDb, mysql.MySql], ids=["mariadb", "mysql"])
async def test_every_type_reads_as_it_was_inserted(stack, server):
    """
    Least, greatest, usual and null values, read by the snapshot and from the stream: equal to what was inserted, of
    the same BSON type, and the same in both.  The key equals the row's column; the stream comes after the snapshot.
    """
    store, folder, broker, worker = stack
    database: sqlserver.SqlServer = server(store, folder / server.kind)
    database.start()
    database.execute("SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'", create(), *inserts(FIRST))
    config = connector_config(
        name=server.kind, kind=server.kind,
        pipelines=[pipeline("meetup.every", prefix=server.kind, source_partitions=1)],
        host="127.0.0.1", port=database.port, user=sqlserver.SERVICE_USER, password=sqlserver.PASSWORD,
        kafka_bootstrap=broker.bootstrap, server_id=5400,
    )  # fmt: skip
    with contextlib.ExitStack() as ending:
        ending.callback(database.stop)
        ending.callback(connectors.delete, worker.url, server.kind)
        connectors.register(worker.url, server.kind, config)
        await records(broker.bootstrap, f"{server.kind}.meetup.every", ROWS)
        database.execute("SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'", *inserts(STREAMED))
        database.execute(f"UPDATE every SET id = {2 * STREAMED} WHERE id = {STREAMED}", "TRUNCATE every")
        found = await records(broker.bootstrap, f"{server.kind}.meetup.every", 2 * ROWS + 4)

    names = columns()
    decoder = TableDecoder(Table("meetup.every", ("id",), names), list(names))
    changes = [decoder.decode(value) for _, value in found[: 2 * ROWS + 1] if value]
    for number, change in enumerate(changes[: 2 * ROWS]):
        row = number % ROWS
        assert change.op == ("r" if number < ROWS else "c")
        assert change.after is not None
        for case, value, wanted in zip(CASES, change.after[1:], expected(row), strict=True):
            assert (case.text, type(value), value) == (case.text, type(wanted), wanted)
        assert decoder.decode_key(found[number][0]) == change.after[:1]
        assert change.after[0] == (STREAMED if number >= ROWS else FIRST) + row
        assert bson.encode(dict(zip(names, change.after, strict=True)))
    positions = [change.position for change in changes]
    assert max(positions[:ROWS]) < min(positions[ROWS:])
    assert positions == sorted(positions)
    assert changes[-1].op == "d"  # a changed key is a delete and an insert at one place
