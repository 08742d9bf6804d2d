"""Invariant 6: what is stored and sent is numbered, and its bytes do not change behind a number."""

from __future__ import annotations

import bson
import pytest

from syncsvc.assembly import layout
from syncsvc.assembly.joiner import RETRY_DOCUMENT, control
from syncsvc.errors import Drift, UsageFault
from syncsvc.flow import Record
from syncsvc.mapping.model import OrderTerm
from syncsvc.routing import memory, records, slot, stamp
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.records import Keyed, Outbox
from syncsvc.routing.senders import Senders
from syncsvc.writing.document import versioned
from tests.assembly.bench import Bench
from tests.routing.tables import APPLICATION, MEETING, USER, applications, meetings

PLAN = compile_plan(meetings(applications(OrderTerm("rank", True), OrderTerm("id"))))
ROW_OF_APPLICATION = (7, 4, 9, 2)  # id, meeting_id, user_id, rank
#: 1000 ms, binlog "bin" (as a checksum), position.
STAMP = stamp.stamp("bin", b"P" * 17, 1000)
STAMPED = "0000000003e8" "aa275aed" + "50" * 17
ENCODED = slot.Encoder(PLAN.roles[1], PLAN.columns[APPLICATION])(ROW_OF_APPLICATION, STAMP, b"")


def sent(kind: int, payload: bytes) -> str:
    """The value of a record that sender 3 sends because of offset 41, in hex."""
    outbox = Outbox(3)
    outbox.at(41, 1000)
    outbox.send(0, b"", kind, payload)
    return outbox.take()[0][0][1].hex()


#: format 2, kind, sender 3, place 42, index 0, 1000 ms
HEADER = "02{:02x}0003000000000000002a0000000000000000000003e8"
DELIVERED = [Keyed(2, b"\x15\x09", b"SLOT"), Keyed(2, b"\x15\x0a", None)]


@pytest.mark.parametrize(
    ("kind", "payload", "stored"),
    [
        pytest.param(records.PUT, records.row_payload(1, b"\x15\x07", b"SLOT"), "00010002" "1507" "534c4f54", id="put"),
        pytest.param(records.REMOVE, records.row_payload(1, b"\x15\x07"), "00010002" "1507", id="remove"),
        pytest.param(records.POISON, records.row_payload(1, b"\x15\x07", b"t"), "00010002" "1507" "74", id="poison"),
        pytest.param(records.SUBSCRIBE, records.partition_payload(2), "0002", id="subscribe"),
        pytest.param(records.UNSUBSCRIBE, records.partition_payload(2), "0002", id="unsubscribe"),
        pytest.param(
            records.ANSWER, records.delivery_payload(42, True, DELIVERED),
            "000000000000002a01" "00020002" "1509" "00000005" "534c4f54" "00020002" "150a" "00000000", id="answer",
        ),
        pytest.param(records.ROW, records.delivery_payload(42, False, []), "000000000000002a00", id="row"),
        pytest.param(
            records.BARRIER, records.barrier_payload(3, STAMP, b"S\1"), "0003" + STAMPED + "5301", id="barrier"
        ),
    ],
)  # fmt: skip
def test_records_of_the_keyed_topic_have_format_2(kind: int, payload: bytes, stored: str) -> None:
    """Two versions of syncsvc talk through this topic during a rolling update."""
    assert sent(kind, payload) == HEADER.format(kind) + stored


def test_marks_and_decisions_have_format_2() -> None:
    """A mark stands behind every index of its place; a person has no place."""
    outbox = Outbox(3)
    outbox.send_mark(2, 42, 1)
    mark = "02070003000000000000002affffffff000000000000000001"

    assert {p: [(k, v.hex()) for k, v in batch] for p, batch in outbox.take().items()} == {
        0: [(b"", mark)],
        1: [(b"", mark)],
    }
    assert control(RETRY_DOCUMENT, b"A", 1000)[1].hex() == "0209ffff00000000000000000000000000000000000003e801"


@pytest.mark.parametrize(
    "value", [pytest.param(b"\3" * 40, id="a newer format"), pytest.param(b"\1", id="too short"), None]
)
def test_a_record_of_another_format_is_refused(value: bytes | None) -> None:
    """Exit 3 with the way out; never a guess."""
    with pytest.raises(Drift) as fault:
        Bench().joiner.fold([Record(5, b"", value)])  # type: ignore[arg-type]

    assert fault.value.problems[0].code == "records.foreign_format"


def test_a_delivery_is_read_as_it_was_written() -> None:
    """Rows with slots, rows without, and empty slots are told apart."""
    rows = [*DELIVERED, Keyed(3, b"", b"")]
    value = bytes(records.HEADER_BYTES) + records.delivery_payload(7, True, rows)

    assert records.parse_delivery(value) == (7, True, rows)


def test_barriers_are_read_as_they_were_written() -> None:
    """A barrier without a cursor begins; with one it goes on."""
    head = bytes(records.HEADER_BYTES)

    assert records.parse_barrier(head + records.barrier_payload(3, STAMP)) == (3, STAMP, b"")
    assert records.parse_barrier(head + records.barrier_payload(3, STAMP, b"S\1")) == (3, STAMP, b"S\1")


def test_a_slot_is_flag_stamp_references_order_and_elements() -> None:
    """A good row: where it was written, its user's key, the bytes it is sorted by, and BSON elements."""
    assert ENCODED.hex() == "00" + STAMPED + "000215090005eafdff1507" + bson.encode({"id": 7, "rank": 2})[4:-1].hex()
    assert slot.parse(ENCODED, 1) == (
        None,
        STAMP,
        (b"\x15\x09",),
        b"",
        b"\xea\xfd\xff\x15\x07",
        bson.encode({"id": 7, "rank": 2})[4:-1],
    )


def test_a_reference_that_is_null_takes_no_bytes() -> None:
    """And is not the same as an empty key."""
    encoded = slot.Encoder(PLAN.roles[1], PLAN.columns[APPLICATION])((7, 4, None, 2), STAMP, b"")

    assert encoded.hex().startswith("00" + STAMPED + "ffff0005")
    assert slot.parse(encoded, 1).references == (None,)


def test_the_slot_of_a_root_carries_its_id() -> None:
    """In place of an order: writes and deletes need it when the row is all there is."""
    identity = bson.encode({"_id": 4})
    elements = bson.encode({"_id": 4, "title": "x"})[4:-1]

    encoded = slot.Encoder(PLAN.roles[0], PLAN.columns[MEETING])((4, "x"), STAMP, b"")
    assert encoded.hex() == "00" + STAMPED + "000e" + identity.hex() + elements.hex()


def test_a_poisoned_slot_keeps_the_last_good_row_behind_it() -> None:
    """Poison on poison names the newer record; without a good row there is nothing behind it."""
    poisoned = slot.poisoned(b"t[0]@2", slot.poisoned(b"t[0]@1", ENCODED))

    assert poisoned.hex() == "010006" + b"t[0]@2".hex() + ENCODED.hex()
    assert (slot.poison_of(poisoned), slot.unpoisoned(poisoned)) == (b"t[0]@2", ENCODED)
    assert slot.parse(poisoned, 1)[1:] == slot.parse(ENCODED, 1)[1:]
    assert slot.unpoisoned(slot.poisoned(b"x", None)) is None
    assert slot.parse(slot.poisoned(b"x", None), 2) == (b"x", stamp.UNKNOWN, (None, None), b"", b"", b"")


def test_a_list_sorted_by_a_very_long_text_is_sorted_by_its_beginning() -> None:
    """A LONGTEXT in `order_by` holds more than a slot's order can; it must not stop the partition."""
    role = PLAN.roles[1]
    encode = slot.Encoder(role, ("id", "meeting_id", "user_id", "rank"))
    order = slot.parse(encode((7, 4, 9, "x" * 100_000), STAMP, b""), 1).order  # type: ignore[arg-type]

    assert len(order) == 0x7FFF


def test_a_memory_is_a_stamp_an_end_and_addresses() -> None:
    """An address for each role, none where the row is nowhere; the end only in tables where somebody asks for it."""
    encoded = memory.encode(STAMP, b"", (b"\0\x15\x04", None))
    with_end = memory.encode(STAMP, stamp.UNKNOWN, (b"\0\x15\x04", None))

    assert encoded.hex() == STAMPED + "00030015040000"
    assert memory.decode(encoded, ended=False) == (STAMP, b"", (b"\0\x15\x04", None))
    assert with_end.hex() == STAMPED + "00" * stamp.BYTES + "00030015040000"
    assert memory.decode(with_end, ended=True) == (STAMP, stamp.UNKNOWN, (b"\0\x15\x04", None))
    assert memory.decode(encoded, ended=False).live
    assert not memory.Memory(STAMP, b"", (None,)).live
    assert memory.key(b"\x15\x07") == b"m\x15\x07"


def test_a_stamp_is_time_binlog_and_position() -> None:
    """Four bytes tell a binlog from others; a source without positions is older than nothing."""
    assert STAMP.hex() == STAMPED
    assert (len(STAMP), stamp.ts_ms(STAMP)) == (stamp.BYTES, 1000)
    assert stamp.stamp("bin", b"", 1000).hex() == "0000000003e8" + "00" * 21
    later = stamp.stamp("bin", b"Q" * 17, 1000)
    assert stamp.older(STAMP, later)
    assert not stamp.older(later, STAMP)
    assert not stamp.older(STAMP, STAMP)
    assert not stamp.older(stamp.UNKNOWN, later)
    assert not stamp.older(stamp.stamp("other", b"P" * 17, 1000), later)
    assert not stamp.older(stamp.stamp("bin", b"P" * 17, 2000), later)  # a new incarnation of the binlog


def test_what_waited_for_its_locks_was_written_where_it_stands() -> None:
    """Servers without commit times log when a statement began: an older change may be the younger by the clock."""
    first, behind = stamp.stamp("bin", b"P" * 17, 50_000), stamp.stamp("bin", b"Q" * 17, 1_000)
    assert stamp.earlier(first, behind)
    assert not stamp.earlier(behind, first)
    assert not stamp.older(first, behind)  # to lose a change for good takes both
    anew = stamp.stamp("bin", b"P" * 17, 62_000)
    assert not stamp.earlier(anew, behind)
    assert stamp.earlier(behind, stamp.stamp("other", b"A" * 17, 2_000))


def test_state_keys_are_kind_address_role_and_identity() -> None:
    """And their letters are part of the stored format."""
    assert layout.row_key(layout.SLOT, b"\0\x15\x04", 1, b"\x15\x07").hex() == "5300150400011507"
    kinds = (
        layout.SLOT, layout.SUBSCRIBER, layout.LOCAL, layout.HOLDER, layout.HIGH_WATER, layout.WALK, layout.PENDING,
        layout.PARKED, layout.ROUND, layout.COPIED, layout.CURSOR, layout.FLOOR,
    )  # fmt: skip
    assert b"".join(kinds) == b"SBLRHWPXMECF"
    assert (layout.FORMAT, records.FORMAT) == (3, 2)


def test_a_document_ends_with_its_version() -> None:
    """`_sync: {v: [generation, offset], at}`; equal to what a BSON encoder makes."""
    written = versioned(bson.encode({"_id": 4})[4:-1], 2, 17, 1000)
    decoded = bson.decode(written)

    assert decoded["_sync"]["v"] == [2, 17]
    assert decoded["_sync"]["at"].timestamp() == 1
    assert written == bson.encode({"_id": 4, "_sync": {"v": [2, bson.Int64(17)], "at": decoded["_sync"]["at"]}})


def test_a_plan_numbers_nodes_and_roles_in_the_order_of_the_mapping() -> None:
    """The numbers are in every stored key, so the same mapping always gives the same."""
    assert [(role.number, role.table, role.node) for role in PLAN.roles] == [
        (0, MEETING, 0),
        (1, APPLICATION, 0),
        (2, USER, 1),
    ]
    assert PLAN.roles[1].references == ((1, ("user_id",), None),)
    assert (PLAN.depth, PLAN.rounds) == (1, 3)
    assert PLAN.columns[APPLICATION] == ("id", "meeting_id", "user_id", "rank")


def test_a_list_in_the_order_of_its_key_carries_no_order() -> None:
    """The state keeps rows in that order anyway."""
    plan = compile_plan(meetings())

    assert plan.roles[1].order_by == ()
    assert not plan.views[0].level.branches[0].ordered


def test_senders_are_numbered_by_table_and_partition_and_then_the_keyed_partitions() -> None:
    """The same in every process: receivers remember what they had of each number."""
    senders = Senders({"b": 3, "a": 2}, 4)

    assert [senders.router("a", 1), senders.router("b", 0), senders.router("b", 2)] == [1, 2, 4]
    assert (senders.routers, senders.joiner(0), senders.joiner(3)) == (5, 5, 8)


def test_more_partitions_than_there_are_sender_numbers_are_refused() -> None:
    """0xffff is a person's."""
    with pytest.raises(UsageFault, match="too_many_partitions"):
        Senders({"a": 65_000}, 600)
