"""What a connector tells of tables: which of it empties a table, what is passed over, and what is kept raw."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import fastavro
import pytest

from syncsvc.errors import UsageFault
from syncsvc.flow import Record
from syncsvc.routing import records, stamp
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.schema_changes import SchemaChanges, channels
from syncsvc.routing.senders import Senders
from syncsvc.state.memory import MemoryStore
from tests.routing.tables import APPLICATION, MEETING, TABLES, USER, meetings

PLAN = compile_plan(meetings(partitions=2))


AVRO: dict[str, Any] = {
    "type": "record", "name": "io.debezium.connector.mysql.SchemaChangeValue", "fields": [
        {"name": "source", "type": {"type": "record", "name": "Source", "fields": [
            {"name": "ts_ms", "type": "long"}, {"name": "snapshot", "type": ["string", "null"], "default": "false"},
            {"name": "file", "type": "string"}, {"name": "pos", "type": "long"}, {"name": "row", "type": "int"},
        ]}},
        {"name": "databaseName", "type": ["null", "string"]}, {"name": "ddl", "type": ["null", "string"]},
        {"name": "tableChanges", "type": {"type": "array", "items": {"type": "record", "name": "Change", "fields": [
            {"name": "type", "type": "string"}, {"name": "id", "type": "string"},
            {"name": "table", "type": ["null", "string"]},
        ]}}},
    ],
}  # fmt: skip


def channel(state: MemoryStore | None = None, *, end: int = 0, prefix: str = "shop") -> SchemaChanges:
    """The channel of a topic prefix, opened on a state."""
    return SchemaChanges(
        PLAN, prefix, 0, sender=3, end=end, state=state or MemoryStore(), schemas=lambda number: json.dumps(AVRO)
    )


def told(
    ddl: str, *changes: tuple[str, str], database: str = "shop", snapshot: Any = "false", pos: int = 2629
) -> dict[str, Any]:
    """An event as Debezium 3.5 wrote it for MariaDB; `changes` are `(type, table)`."""
    source = {
        "version": "3.5.0.Final", "connector": "mariadb", "name": "shop", "ts_ms": 1795486931000, "snapshot": snapshot,
        "db": database, "sequence": None, "table": "b", "server_id": 1, "gtid": "0-1-13", "file": "binlog.000001",
        "pos": pos, "row": 0, "thread": None, "query": None,
    }  # fmt: skip
    listed = [{"type": kind, "id": '"{}"."{}"'.format(*name.split(".")), "table": None} for kind, name in changes]
    return {
        "source": source, "ts_ms": 1795486931425, "databaseName": database, "schemaName": None, "ddl": ddl,
        "tableChanges": listed,
    }  # fmt: skip


def barred(stage: SchemaChanges, *values: bytes | None) -> list[tuple[str, int]]:
    """`(table, position)` of the barriers that come of records with these values, checked to go to every partition."""
    stage.fold([Record(offset, b"{}", value) for offset, value in enumerate(values)])
    batches = stage.outbox.take()
    found = [list(_barriers(batches.get(partition, []))) for partition in range(2)]
    assert found[0] == found[1]
    return found[0]


def _barriers(batch: list[tuple[bytes, bytes]]) -> Iterator[tuple[str, int]]:
    for key, value in batch:
        if value[1] == records.BARRIER:
            assert key == b""
            table, stamped, cursor = records.parse_barrier(value)
            assert cursor == b""
            yield PLAN.tables[table], int.from_bytes(stamped[14:22], "big")


def encoded(event: dict[str, Any]) -> bytes:
    """The value of a record."""
    return json.dumps(event).encode()


DROP = told("DROP TABLE `shop`.`user`", ("DROP", USER))


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "with its schema"])
def test_a_dropped_table_bars_its_older_rows_everywhere(wrapped: bool) -> None:
    """Every keyed partition is told the place of the drop, whichever form the JSON converter writes."""
    event = {"schema": {"type": "struct", "fields": []}, "payload": DROP} if wrapped else DROP
    stage = channel()

    assert barred(stage, encoded(event)) == [(USER, 2629)]
    tally = stage.take_tally()
    assert (tally.consumed, tally.applied, tally.skipped) == ({"ddl": 1}, 1, {})
    assert tally.barriers == {(USER, "drop"): 1}
    assert tally.newest_ms == 1795486931000


def test_events_in_avro_are_read_as_those_in_json() -> None:
    """The converter is the same for all topics of a connector; without a registry the surroundings are to blame."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(AVRO), DROP)
    framed = b"\0\0\0\0\x05" + body.getvalue()

    assert barred(channel(), framed, encoded(DROP)) == [(USER, 2629)] * 2
    with pytest.raises(UsageFault, match="SYNCSVC_SCHEMA_REGISTRY_URL"):
        SchemaChanges(PLAN, "shop", 0, sender=3, end=0, state=MemoryStore()).fold([Record(0, b"{}", framed)])


def test_the_barrier_stands_where_a_row_written_there_would() -> None:
    """Rows and barriers compare: what was written before the drop is older than it, what came behind is not."""
    stage = channel()
    stage.fold([Record(0, b"{}", encoded(DROP))])
    value = next(value for _, value in stage.outbox.take()[0] if value[1] == records.BARRIER)
    _, stamped, _ = records.parse_barrier(value)

    def row(pos: int) -> bytes:
        return stamp.stamp("binlog", (1).to_bytes(4, "big") + pos.to_bytes(8, "big") + b"\0\0\0\0\1", 1795486931400)

    assert stamp.older(row(2500), stamped)
    assert not stamp.older(row(3075), stamped)
    assert stamp.older(stamped, row(3075))


@pytest.mark.parametrize(
    ("ddl", "changes", "database", "emptied"),
    [
        ("DROP TABLE IF EXISTS `shop`.`user`", [("DROP", USER)], "shop", [USER]),
        ("DROP DATABASE shop", [], "shop", [APPLICATION, MEETING, USER]),  # without a change for each table
        ("drop schema if exists `shop`", [], "shop", [APPLICATION, MEETING, USER]),
        ("DROP DATABASE other", [], "other", []),
        ("CREATE TABLE shop.user (id int)", [("CREATE", USER)], "shop", [USER]),  # that one was renamed, for example
        ("CREATE TABLE IF NOT EXISTS user (id int)", [("CREATE", USER)], "shop", []),  # it may have been there
        ("CREATE OR REPLACE TABLE shop.user (id int)", [], "elsewhere", [USER]),  # with a text and nothing else
        ("/* a note */ create or replace table `user` (id int)", [], "shop", [USER]),
        ("CREATE OR REPLACE TABLE `shop` . `user` LIKE shop.other", [], "", [USER]),
        ("CREATE OR REPLACE TABLE user (id int)", [], "other", []),
        ("CREATE OR REPLACE VIEW user AS SELECT 1", [], "shop", []),
        ("DROP TABLE `shop`.`nothing`", [("DROP", "shop.nothing")], "shop", []),
        ("DROP TEMPORARY TABLE `shop`.`user`", [("DROP", USER)], "shop", []),
        ("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `shop`.`user`", [("DROP", USER)], "shop", []),
        ("ALTER TABLE shop.user ADD COLUMN m int", [("ALTER", USER)], "shop", []),
        # How a tool swaps a table for its copy: the rows are the same ones.
        ("RENAME TABLE shop.user TO shop._user_old, shop._user_new TO shop.user", [("ALTER", USER)], "shop", []),
    ],
)  # fmt: skip
def test_what_leaves_a_table_without_its_rows(
    ddl: str, changes: list[tuple[str, str]], database: str, emptied: list[str]
) -> None:
    """A drop of the table or its database, and a table made where there can be none; nothing else."""
    stage = channel()

    assert barred(stage, encoded(told(ddl, *changes, database=database))) == [(table, 2629) for table in emptied]
    tally = stage.take_tally()
    assert (tally.applied, tally.skipped) == ((1, {}) if emptied else (0, {"no_effect": 1}))


@pytest.mark.parametrize("snapshot", ["true", "first", "last", True])
def test_what_a_snapshot_tells_of_tables_is_passed_over(snapshot: Any) -> None:
    """Debezium writes a DROP for every table that it is about to read, also when it reads it again."""
    stage = channel()

    event = told("DROP TABLE IF EXISTS `shop`.`user`", ("DROP", USER), snapshot=snapshot)
    assert barred(stage, encoded(event)) == []
    assert stage.take_tally().skipped == {"snapshot": 1}


def test_a_source_that_says_nothing_of_snapshots_is_believed() -> None:
    """An absent mark is that of a streamed event, as with rows."""
    assert barred(channel(), encoded(told("DROP TABLE user", ("DROP", USER), snapshot=None))) == [(USER, 2629)]


def test_tables_dropped_together_come_as_an_event_each() -> None:
    """`DROP TABLE a, b` is two records of one place; both tables are emptied."""
    events = [told(f"DROP TABLE `{table}`", ("DROP", table)) for table in (USER, MEETING)]

    assert barred(channel(), *map(encoded, events)) == [(USER, 2629), (MEETING, 2629)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"not json", "ddl.bad_json"),
        (b"\x00\x00\x00\x00\x01\x02", "change.bad_avro"),
        (b"[]", "ddl.bad_event"),
        (b'{"op": "c"}', "ddl.bad_event"),
        (b'{"source": {"pos": "x"}}', "ddl.bad_event"),
        (b'{"payload": {"ddl": "DROP TABLE a"}}', "ddl.bad_event"),
        (b'{"source": {}, "tableChanges": [{"type": "DROP"}]}', "ddl.bad_event"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_read_is_kept_raw_and_holds_nothing_back(value: bytes, code: str) -> None:
    """With its place, for a person; the events behind it are followed."""
    stage = channel()

    assert barred(stage, value, encoded(DROP)) == [(USER, 2629)]
    (parked,) = stage.take_parked()
    assert (parked.place, parked.code, parked.value, parked.targets) == ("shop[0]@0", code, value, ())
    tally = stage.take_tally()
    assert (tally.consumed, tally.parked, tally.applied) == ({"unreadable": 1, "ddl": 1}, 1, 1)
    assert (stage.take_parked(), stage.take_healed()) == ([], [])


@pytest.mark.parametrize(
    ("ddl", "changes", "database", "tables"),
    [
        ("ALTER TABLE `shop`.`user` DROP PARTITION p0", [("ALTER", USER)], "shop", [USER]),
        ("ALTER TABLE user TRUNCATE PARTITION ALL", [], "shop", [USER]),  # without a table change
        ("ALTER TABLE Shop.USER TRUNCATE PARTITION p0", [("ALTER", USER)], "shop", [USER]),  # lower_case_table_names=1
        ("ALTER TABLE shop.user EXCHANGE PARTITION p0 WITH TABLE shop.meeting", [("ALTER", USER)], "shop",
         [MEETING, USER]),
        ("ALTER TABLE shop.old EXCHANGE PARTITION p0 WITH TABLE shop.user", [("ALTER", "shop.old")], "shop", [USER]),
    ],
)  # fmt: skip
def test_rows_that_move_with_a_partition_are_told_to_a_person(
    ddl: str, changes: list[tuple[str, str]], database: str, tables: list[str]
) -> None:
    """Nobody says which they were: parked with its tables and what to do, nothing is emptied and nothing waits."""
    stage, event = channel(), encoded(told(ddl, *changes, database=database))

    assert barred(stage, event, encoded(DROP)) == [(USER, 2629)]
    (parked,) = stage.take_parked()
    assert (parked.place, parked.code, parked.value, parked.targets) == ("shop[0]@0", "ddl.rows_unlogged", event, ())
    assert parked.what.startswith(f"{' and '.join(tables)}: rows may have gone or come with a partition")
    assert "read the table again" in parked.what
    tally = stage.take_tally()
    assert (tally.consumed, tally.applied, tally.parked, tally.skipped) == ({"ddl": 2}, 1, 1, {})


@pytest.mark.parametrize(
    ("ddl", "changes", "snapshot", "reason"),
    [
        ("ALTER TABLE shop.old DROP PARTITION p0", [("ALTER", "shop.old")], "false", "no_effect"),
        ("ALTER TABLE user DROP PARTITION p0", [], "false", "no_effect"),  # that of another database
        ("ALTER TABLE shop.user DROP COLUMN `partition`", [("ALTER", USER)], "false", "no_effect"),
        ("ALTER TABLE shop.user DROP PARTITION p0", [("ALTER", USER)], "true", "snapshot"),
    ],
)  # fmt: skip
def test_partitions_of_others_and_of_a_snapshot_are_passed_over(
    ddl: str, changes: list[tuple[str, str]], snapshot: str, reason: str
) -> None:
    """Only tables of the pipeline are anybody's concern here."""
    stage = channel()

    assert barred(stage, encoded(told(ddl, *changes, database="other", snapshot=snapshot))) == []
    assert (stage.take_parked(), stage.take_tally().skipped) == ([], {reason: 1})


def test_a_table_that_becomes_a_partition_is_emptied_and_told() -> None:
    """It is gone itself, and its rows are another table's; the event is counted once (invariant 5)."""
    ddl = "ALTER TABLE shop.user CONVERT TABLE meeting TO PARTITION p1 VALUES LESS THAN (9)"
    stage = channel()

    assert barred(stage, encoded(told(ddl, ("DROP", MEETING)))) == [(MEETING, 2629)]
    assert [one.code for one in stage.take_parked()] == ["ddl.rows_unlogged"]
    tally = stage.take_tally()
    assert (tally.consumed, tally.applied, tally.parked, tally.skipped) == ({"ddl": 1}, 0, 1, {})


def test_a_record_without_a_value_is_counted() -> None:
    """Nothing is silent (invariant 5)."""
    stage = channel()

    assert barred(stage, None) == []
    tally = stage.take_tally()
    assert (tally.consumed, tally.skipped) == ({"tombstone": 1}, {"tombstone": 1})


def test_the_end_mark_is_sent_once_and_behind_what_came_before_the_end() -> None:
    """The first copy waits for this channel as for any other: a barrier of before is in before it is over."""
    state = MemoryStore()
    stage = channel(state, end=1)
    stage.passed(0)
    assert (stage.outbox.take(), stage.marked) == ({}, False)

    stage.fold([Record(0, b"{}", encoded(DROP)), Record(1, b"{}", encoded(DROP))])
    kinds = [records.KINDS[value[1]] for _, value in stage.outbox.take()[1]]
    assert kinds == ["barrier", "mark", "barrier"]

    again = channel(state, end=1)
    again.passed(2)
    assert (again.outbox.take(), again.marked) == ({}, True)


def test_what_is_sent_depends_on_the_log_alone() -> None:
    """In one batch or record by record, before or after a crash (invariant 10)."""
    batch = [Record(offset, b"{}", encoded(told("DROP TABLE x", ("DROP", USER), pos=offset))) for offset in range(4)]
    whole, single = channel(), channel()
    whole.fold(batch)
    sent: dict[int, list[tuple[bytes, bytes]]] = {}
    for record in batch:
        single.fold([record])
        for partition, some in single.outbox.take().items():
            sent.setdefault(partition, []).extend(some)

    assert whole.outbox.take() == sent


def test_each_server_has_a_channel_of_its_own() -> None:
    """A drop told by one server does not empty the table of another; their topics are the topic prefixes."""
    tables = {**TABLES, USER: replace(TABLES[USER], topic_prefix="people")}
    declared = replace(meetings(partitions=2), tables=tables)
    plan = compile_plan(declared)
    assert channels(declared) == {"ddl:people": "people", "ddl:shop": "shop"}

    for prefix, emptied in (("shop", 0), ("people", 1)):
        stage = SchemaChanges(plan, prefix, 0, sender=0, end=9, state=MemoryStore())
        stage.fold([Record(0, b"{}", encoded(DROP))])
        assert len(stage.outbox.take()) == emptied * 2


def test_a_channel_has_sender_numbers_that_no_table_has() -> None:
    """Receivers keep what they had of each number."""
    senders = Senders({MEETING: 2, "ddl:shop": 1, USER: 1}, 3)
    numbers = [senders.router("ddl:shop", 0), senders.router(MEETING, 0), senders.router(MEETING, 1)]

    assert len({*numbers, senders.router(USER, 0), senders.joiner(0)}) == 5
