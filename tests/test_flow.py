"""What a user sees: rows in, documents out, through the whole pure path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncsvc.flow import Flow
from syncsvc.mapping import load
from syncsvc.mapping.model import Embed, Field, OrderTerm, Root, Table
from tests.routing.tables import APPLICATION, MEETING, USER, Database, applications, change, fields, key
from tests.routing.tables import meetings as meetings_pipeline
from tests.routing.tables import pipeline as pipeline_of

FEED = Path(__file__).parents[1] / "pipelines" / "feed.yaml"


@pytest.fixture
def database() -> Database:
    """Meetings, applications and users, all empty."""
    return Database(Flow(meetings_pipeline()))


def meeting(number: int, *shown: dict[str, Any], title: str = "first") -> dict[str, Any]:
    """A document with these applications."""
    return {"_id": number, "title": title, "applications": list(shown), "total": len(shown)}


def application(number: int, user: dict[str, Any] | None = None, rank: int | None = None) -> dict[str, Any]:
    """An element of a document."""
    return {"id": number, "rank": rank, "user": user}


ANN = {"id": 7, "name": "Ann"}


def test_a_child_that_comes_before_its_parent_waits_for_it(database: Database) -> None:
    """No order is assumed between two tables: without its meeting an application shows nowhere, with it, in it."""
    database.put(APPLICATION, id=1, meeting_id=1, user_id=None, rank=None)
    assert database.documents() == []

    database.put(MEETING, id=1, title="first")
    assert database.documents() == [meeting(1, application(1))]


def test_a_parent_deleted_before_its_children_takes_the_document_away(database: Database) -> None:
    """Children without a root show nowhere; a root that is inserted again finds those that are left."""
    database.put(MEETING, id=1, title="first")
    database.put(APPLICATION, id=1, meeting_id=1, user_id=None, rank=None)
    database.put(APPLICATION, id=2, meeting_id=1, user_id=None, rank=None)
    database.delete(MEETING, id=1)
    assert database.documents() == []

    database.delete(APPLICATION, id=1)
    assert database.documents() == []

    database.put(MEETING, id=1, title="again")
    assert database.documents() == [meeting(1, application(2), title="again")]


def test_a_parent_deleted_after_its_children_takes_the_document_away(database: Database) -> None:
    """The other order of the same deletes."""
    database.put(MEETING, id=1, title="first")
    database.put(APPLICATION, id=1, meeting_id=1, user_id=None, rank=None)
    database.delete(APPLICATION, id=1)
    assert database.documents() == [meeting(1)]

    database.delete(MEETING, id=1)
    assert database.documents() == []


def test_a_child_that_moves_is_in_one_document_at_a_time(database: Database) -> None:
    """A → B → A → C: each move takes the application out of where it was."""
    for number in (1, 2, 3):
        database.put(MEETING, id=number, title="first")
    for place in (1, 2, 1, 3):
        database.put(APPLICATION, id=9, meeting_id=place, user_id=None, rank=None)
        found = [document["_id"] for document in database.documents() if document["applications"]]
        assert found == [place]


def test_moves_that_are_read_at_once_end_at_the_last_place(database: Database) -> None:
    """The same moves in one batch."""
    for number in (1, 2, 3):
        database.put(MEETING, id=number, title="first")
    for place in (1, 2, 1, 3):
        database.put(APPLICATION, id=9, meeting_id=place, user_id=None, rank=None)

    assert database.documents() == [meeting(1), meeting(2), meeting(3, application(9))]


def test_a_shared_key_that_becomes_null_takes_the_child_out(database: Database) -> None:
    """NULL joins nothing; a value brings the row back."""
    database.put(MEETING, id=1, title="first")
    for place, shown in ((1, 1), (None, 0), (1, 1)):
        database.put(APPLICATION, id=1, meeting_id=place, user_id=None, rank=None)
        assert [document["total"] for document in database.documents()] == [shown]


def test_a_looked_up_row_follows_a_foreign_key_that_changes_between_null_and_a_value(database: Database) -> None:
    """NULL shows null, a value shows its row."""
    database.put(MEETING, id=1, title="first")
    database.put(USER, **ANN)
    for user, shown in ((None, None), (7, ANN), (None, None), (7, ANN)):
        database.put(APPLICATION, id=1, meeting_id=1, user_id=user, rank=None)
        assert database.documents() == [meeting(1, application(1, shown))]


def test_the_same_user_shows_in_several_applications_of_one_meeting(database: Database) -> None:
    """References are counted: the user stays while one application still refers to it."""
    database.put(MEETING, id=1, title="first")
    database.put(USER, **ANN)
    for number in (1, 2):
        database.put(APPLICATION, id=number, meeting_id=1, user_id=7, rank=None)
    assert database.documents() == [meeting(1, application(1, ANN), application(2, ANN))]

    database.delete(APPLICATION, id=1)
    database.put(USER, id=7, name="Anna")
    assert database.documents() == [meeting(1, application(2, {"id": 7, "name": "Anna"}))]


def test_a_deleted_user_shows_as_null_until_it_is_inserted_again(database: Database) -> None:
    """A dangling foreign key is no error; the row is shown when it is there."""
    database.put(MEETING, id=1, title="first")
    database.put(USER, **ANN)
    database.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=None)
    database.documents()
    database.delete(USER, id=7)
    assert database.documents() == [meeting(1, application(1))]

    database.put(USER, id=7, name="Eve")
    assert database.documents() == [meeting(1, application(1, {"id": 7, "name": "Eve"}))]


def test_a_renamed_author_reaches_every_post_however_old() -> None:
    """The pipeline of `pipelines/feed.yaml`, from the file: one change of a looked-up row, all its documents."""
    database = Database(Flow(load(FEED)))
    for number in range(1, 21):
        database.put(
            "meetup.post", id=number, author_id=1, title=f"post {number}", body="…", created_at=1_700_000_000_000
        )
    database.put("meetup.author", id=1, name="Ann", bio=None)
    assert {document["author"]["name"] for document in database.documents()} == {"Ann"}

    database.put("meetup.author", id=1, name="Anna", bio="writes")
    found = [document["author"] for document in database.documents()]
    assert found == [{"id": 1, "name": "Anna", "bio": "writes"}] * 20


@pytest.mark.parametrize(
    ("descending", "ids"),
    [
        pytest.param(False, [3, 2, 4, 1], id="ascending: NULL first, as MySQL sorts"),
        pytest.param(True, [1, 2, 4, 3], id="descending: NULL last; the second column breaks ties"),
    ],
)
def test_a_list_is_sorted_as_order_by_does(descending: bool, ids: list[int]) -> None:
    """Order is kept under inserts in any order."""
    order = (OrderTerm("rank", descending), OrderTerm("id"))
    database = Database(Flow(meetings_pipeline(applications(*order))))
    database.put(MEETING, id=1, title="first")
    for number, rank in ((4, 5), (1, 9), (2, 5), (3, None)):
        database.put(APPLICATION, id=number, meeting_id=1, user_id=None, rank=rank)

    assert [element["id"] for element in database.documents()[0]["applications"]] == ids


def test_a_list_stays_sorted_when_an_element_changes_or_goes() -> None:
    """The place of an element follows its columns."""
    database = Database(Flow(meetings_pipeline(applications(OrderTerm("rank"), OrderTerm("id")))))
    database.put(MEETING, id=1, title="first")
    for number in (1, 2, 3):
        database.put(APPLICATION, id=number, meeting_id=1, user_id=None, rank=number)
    database.put(APPLICATION, id=1, meeting_id=1, user_id=None, rank=9)
    database.delete(APPLICATION, id=2)

    assert [element["id"] for element in database.documents()[0]["applications"]] == [3, 1]


def test_a_renamed_field_shows_under_its_new_name_only() -> None:
    """`{column: name}` in the mapping; the column's own name does not show."""
    shown = (Field("id", "number"), Field("rank", "place"))
    database = Database(Flow(meetings_pipeline(applications(shown=shown))))
    database.put(MEETING, id=1, title="first")
    database.put(APPLICATION, id=5, meeting_id=1, user_id=None, rank=2)

    assert database.documents()[0]["applications"] == [{"number": 5, "place": 2, "user": None}]


def test_a_count_is_the_number_of_elements_shown(database: Database) -> None:
    """Nothing shows 0, not a missing field."""
    database.put(MEETING, id=1, title="first")
    counts = [database.documents()[0]["total"]]
    for number in (1, 2):
        database.put(APPLICATION, id=number, meeting_id=1, user_id=None, rank=None)
        counts.append(database.documents()[0]["total"])
    database.delete(APPLICATION, id=1)

    assert [*counts, database.documents()[0]["total"]] == [0, 1, 2, 1]


def test_a_list_of_more_than_a_thousand_elements_keeps_its_order(database: Database) -> None:
    """Array indexes beyond those kept ready are made as they are needed."""
    database.put(MEETING, id=1, title="first")
    for number in range(1, 1101):
        database.put(APPLICATION, id=number, meeting_id=1, user_id=None, rank=None)

    assert [element["id"] for element in database.documents()[0]["applications"]] == list(range(1, 1101))


ORDER, LINE, PRODUCT = "shop.order", "shop.line", "shop.product"
COMPOSITE = {
    ORDER: Table(ORDER, ("branch", "number"), {"branch": "varchar(300)", "number": "int", "note": "varchar(9)"}),
    LINE: Table(
        LINE, ("branch", "number", "line"),
        {"branch": "varchar(300)", "number": "bigint", "line": "int", "vendor": "int null", "code": "varchar(9) null"},
    ),
    PRODUCT: Table(PRODUCT, ("vendor", "code"), {"vendor": "int", "code": "varchar(9)", "name": "varchar(9)"}),
}  # fmt: skip


def orders() -> Database:
    """Orders with their lines by (branch, number), each line with its product by (vendor, code)."""
    both, product = ("branch", "number"), ("vendor", "code")
    looked_up = Embed("product", "one", PRODUCT, product, product, product, (), fields("name"))
    identity = (*both, "line")
    order = tuple(OrderTerm(column) for column in identity)
    lines = Embed("lines", "many", LINE, both, both, identity, order, fields("line"), (looked_up,))
    return Database(Flow(pipeline_of(Root(ORDER, both, fields("note")), lines, tables=COMPOSITE)))


def test_keys_of_several_columns_join_by_all_of_them() -> None:
    """The `_id` is a document of the key's columns; an INT and a BIGINT column join by value."""
    database = orders()
    database.put(ORDER, branch="a", number=1, note="x")
    database.put(ORDER, branch="a", number=11, note="y")
    database.put(PRODUCT, vendor=1, code="1", name="nut")
    database.put(LINE, branch="a", number=1, line=2, vendor=1, code="1")
    database.put(LINE, branch="a", number=1, line=1, vendor=1, code="2")

    assert database.documents() == [
        {
            "_id": {"branch": "a", "number": 1},
            "note": "x",
            "lines": [{"line": 1, "product": None}, {"line": 2, "product": {"name": "nut"}}],
        },
        {"_id": {"branch": "a", "number": 11}, "note": "y", "lines": []},
    ]


def test_a_key_of_several_columns_with_one_null_joins_nothing() -> None:
    """As in SQL: NULL equals nothing, not even NULL."""
    database = orders()
    database.put(ORDER, branch="a", number=1, note="x")
    database.put(PRODUCT, vendor=1, code="1", name="nut")
    database.put(LINE, branch="a", number=1, line=1, vendor=1, code=None)

    assert database.documents()[0]["lines"] == [{"line": 1, "product": None}]


def test_long_text_keys_that_share_a_beginning_are_kept_apart() -> None:
    """Keys are compared whole, however long; one may be the beginning of another."""
    database, branches = orders(), ["b" * 299, "b" * 300, "b" * 299 + "ä"]
    for number, branch in enumerate(branches):
        database.put(ORDER, branch=branch, number=1, note=str(number))
        database.put(LINE, branch=branch, number=1, line=number, vendor=None, code=None)

    found = {document["_id"]["branch"]: document["lines"][0]["line"] for document in database.documents()}
    assert found == {branch: number for number, branch in enumerate(branches)}


def test_the_first_copy_shows_nothing_until_every_table_is_there() -> None:
    """No reader sees a half-joined copy; what streams in behind it is shown at once."""
    flow = Flow(meetings_pipeline(), first_copy={MEETING: 1, APPLICATION: 1, USER: 1})
    flow.put(MEETING, key(id=1), change("r", None, {"id": 1, "title": "first"}, pos=1))
    row = {"id": 1, "meeting_id": 1, "user_id": 7, "rank": None}
    flow.put(APPLICATION, key(id=1), change("r", None, row, pos=1))
    flow.settle()
    assert flow.documents == []

    flow.put(USER, key(id=7), change("r", None, ANN, pos=1))
    flow.settle()
    assert flow.documents == [meeting(1, application(1, ANN))]

    flow.put(MEETING, key(id=2), change("c", None, {"id": 2, "title": "first"}, pos=2))
    flow.settle()
    assert flow.documents == [meeting(1, application(1, ANN)), meeting(2)]


def test_a_record_that_cannot_be_decoded_is_kept_and_stops_its_document(database: Database) -> None:
    """The document stands still, other documents go on; a later image of the row heals it."""
    flow = database._flow
    database.put(MEETING, id=1, title="first")
    database.put(MEETING, id=2, title="first")
    database.documents()
    flow.put(MEETING, key(id=1), b'{"op": "u"')
    database.put(APPLICATION, id=1, meeting_id=1, user_id=None, rank=None)
    database.put(APPLICATION, id=2, meeting_id=2, user_id=None, rank=None)

    assert database.documents() == [meeting(1), meeting(2, application(2))]
    assert [record.place for record in flow.parked] == ["shop.shop.meeting[0]@2"]

    database.put(MEETING, id=1, title="second")
    assert database.documents()[0] == meeting(1, application(1), title="second")


def test_an_unreadable_row_of_an_object_holds_back_its_document_alone() -> None:
    """A row that was never read has no key in the object: its document parks, whole, until the row is read."""
    lines = Embed(
        "lines", "many", APPLICATION, ("meeting_id",), ("id",), ("meeting_id", "id"), (), fields("rank"), map_by="id"
    )
    tables = {
        MEETING: Table(MEETING, ("id",), {"id": "int", "title": "varchar(20)"}),
        APPLICATION: Table(APPLICATION, ("meeting_id", "id"), {"meeting_id": "int", "id": "int", "rank": "int null"}),
    }
    flow = Flow(pipeline_of(Root(MEETING, ("id",), fields("title")), lines, tables=tables))
    flow.put(MEETING, key(id=1), change("c", None, {"id": 1, "title": "first"}, pos=1))
    flow.put(MEETING, key(id=2), change("c", None, {"id": 2, "title": "other"}, pos=2))
    flow.put(APPLICATION, key(meeting_id=1, id=7), b"garbled")
    flow.settle()
    assert [document["_id"] for document in flow.documents] == [2]

    row = {"meeting_id": 1, "id": 7, "rank": 3}
    flow.put(APPLICATION, key(meeting_id=1, id=7), change("u", row, row, pos=3))
    flow.settle()
    assert flow.documents[0] == {"_id": 1, "title": "first", "lines": {"7": {"rank": 3}}}
