"""Several kinds of documents from one pass over the same tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncsvc.flow import Flow
from syncsvc.mapping.model import Embed, OrderTerm, Pipeline, Root, View
from syncsvc.routing.plan import compile_plan
from tests.routing.tables import APPLICATION, MEETING, USER, Database, fields, meetings

MEETING_OF = Embed("meeting", "one", MEETING, ("meeting_id",), ("id",), ("id",), (), fields("title"))
APPLIED = Embed(
    "applications", "many", APPLICATION, ("user_id",), ("id",), ("id",), (OrderTerm("id"),), fields("id"), (MEETING_OF,)
)


def views(partitions: int = 3) -> Pipeline:
    """Meetings with applications and users; users with applications and meetings; applications alone."""
    return replace(
        meetings(partitions=partitions),
        views=(
            View("users", Root(USER, ("id",), fields("name")), (APPLIED,)),
            View("applications", Root(APPLICATION, ("id",), fields("rank"))),
        ),
    )


@pytest.mark.parametrize(
    "first_copy",
    [pytest.param(None, id="streamed"), pytest.param({MEETING: 1, APPLICATION: 2, USER: 1}, id="copied")],
)
@pytest.mark.parametrize("partitions", [1, 4])
def test_every_view_follows_the_same_rows(first_copy: dict[str, int] | None, partitions: int) -> None:
    """A change is read once and shows in each collection that is made from its table."""
    database = Database(Flow(views(partitions), first_copy=first_copy))
    flow = database._flow
    database.put(MEETING, id=1, title="first")
    database.put(USER, id=7, name="Ann")
    database.put(APPLICATION, id=1, meeting_id=1, user_id=7, rank=3)
    database.put(APPLICATION, id=2, meeting_id=1, user_id=8, rank=1)

    assert [len(document["applications"]) for document in database.documents()] == [2]
    assert flow.documents_of("users") == [
        {"_id": 7, "name": "Ann", "applications": [{"id": 1, "meeting": {"title": "first"}}]}
    ]
    assert flow.documents_of("applications") == [{"_id": 1, "rank": 3}, {"_id": 2, "rank": 1}]

    database.put(MEETING, id=1, title="second")
    database.put(APPLICATION, id=1, meeting_id=1, user_id=8, rank=3)
    database.delete(APPLICATION, id=2)

    assert [document["title"] for document in database.documents()] == ["second"]
    assert flow.documents_of("users") == [{"_id": 7, "name": "Ann", "applications": []}]
    assert flow.documents_of("applications") == [{"_id": 1, "rank": 3}]


def test_a_table_of_several_views_is_routed_by_one_router() -> None:
    """The work of reading, comparing and remembering a row is done once, however many views show it."""
    plan = compile_plan(views())

    assert [(role.table, role.root) for role in plan.roles_of(APPLICATION)] == [
        (APPLICATION, False),
        (APPLICATION, False),
        (APPLICATION, True),
    ]
    assert [view.collection for view in plan.views] == ["shop", "users", "applications"]
    assert plan.tables == (APPLICATION, MEETING, USER)


def test_each_view_is_a_pipeline_of_its_own_for_those_who_look_at_one() -> None:
    """`verify` and `plan` go through them one by one, each with exactly the tables it is made from."""
    whole, users, alone = views().each()

    assert (whole.collection, whole.root.table, whole.views) == ("shop", MEETING, ())
    assert (users.collection, users.root.table, set(users.tables)) == ("users", USER, {USER, APPLICATION, MEETING})
    assert (alone.collection, set(alone.tables)) == ("applications", {APPLICATION})
