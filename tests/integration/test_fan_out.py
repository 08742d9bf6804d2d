"""
A row that very many documents show is changed: they follow in small steps, and nobody else waits for the last of them.

`SYNCSVC_BIG=1` takes 200,000 documents in place of 20,000.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.integration.conftest import MakeStage
from tests.integration.meetup import APPLICATION, MEETING, TABLES, USER, Event, Meetup, Row
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until

BIG = os.environ.get("SYNCSVC_BIG") == "1"
HOLDERS = 200_000 if BIG else 20_000
#: Documents that do not show the row.
OTHERS = 50
#: Events that a producer takes before they are on their way.
AT_ONCE = 50_000
#: Longest wait for a condition: the first copy of the large one takes its time.
SECONDS = 900.0 if BIG else 90.0
STAR, QUIET = 1, 2


class Crowd(Meetup):
    """Meetings with one application each, nearly all of one user; one step of history a row."""

    def __init__(self, holders: int, others: int) -> None:
        super().__init__(0, meetings=1)
        self.rows = {table: {} for table in TABLES}
        for number in (STAR, QUIET):
            self._keep(USER, number, {"name": f"user {number}", "city": "Graz"})
        for number in range(1, holders + others + 1):
            user = STAR if number <= holders else QUIET
            self._keep(MEETING, number, {"title": "first", "capacity": number})
            self._keep(
                APPLICATION, number, {"meeting_id": number, "user_id": user, "status": "in", "applied_at": number}
            )

    def documents(self) -> dict[int, Row]:
        """As `Meetup.documents`, with one look at each row."""
        found = {}
        for number, meeting in self.rows[MEETING].items():
            application = self.rows[APPLICATION][number]
            shown = {name: value for name, value in meeting.items() if name != "id"}
            applications = [{**application, "user": self.rows[USER][application["user_id"]]}]
            found[number] = {"_id": number, **shown, "applications": applications, "application_count": 1}
        return found


def renamed(stage: Stage, name: str) -> int:
    """Documents that show a user of that name."""
    return stage.collection.count_documents({"applications.user.name": name})


def order_of(stream: Any, last: Any) -> Iterator[int]:
    """Numbers of the documents that were written, in the order in which a reader saw them, up to the number `last`."""
    while (change := stream.next())["documentKey"]["_id"] != last:
        yield change["documentKey"]["_id"]


def test_a_row_shown_by_very_many_documents_is_renamed_while_others_go_on(make_stage: MakeStage) -> None:
    """
    Changes of other documents that come behind the renaming are visible before it is through; the worker is killed in
    the middle of it, the next one goes on where it stood, and every document shows the new name.
    """
    stage = make_stage(81, meetings=1)
    crowd = stage.meetup = Crowd(HOLDERS, OTHERS)
    stage.logs.make(stage.logs.sources, stage.source_partitions)
    snapshot = crowd.snapshot()
    while some := list(islice(snapshot, AT_ONCE)):
        stage.logs.publish(some)
    worker = stage.worker()
    worker.start()
    wait_until(lambda: stage.copied() and stage.quiet(), stage.tails, SECONDS)
    assert renamed(stage, "user 1") == HOLDERS

    others = range(HOLDERS + 1, HOLDERS + OTHERS + 1)
    watched: list[dict[str, Any]] = [{"$project": {"documentKey": 1}}]
    with stage.collection.watch(watched, max_await_time_ms=1000) as stream:
        stage.logs.publish(crowd.set(USER, STAR, name="renamed"))
        stage.logs.publish(event for number in others for event in crowd.set(MEETING, number, title="second"))
        wait_until(lambda: renamed(stage, "renamed") >= HOLDERS // 20, stage.tails, SECONDS)
        worker.kill()
        half = renamed(stage, "renamed")
        assert half < HOLDERS, "the worker was killed too late: the test shows nothing"

        worker.start()
        wait_until(lambda: stage.quiet() and renamed(stage, "renamed") == HOLDERS, stage.tails, SECONDS)
        stage.collection.insert_one({"_id": "the end"})
        written = list(order_of(stream, "the end"))
        stage.collection.delete_one({"_id": "the end"})

    walked = [place for place, number in enumerate(written) if number <= HOLDERS]
    seen = [place for place, number in enumerate(written) if number > HOLDERS]
    assert {written[place] for place in seen} == {*others}
    assert max(seen) < max(walked), "the others waited for the last of them"
    # What was durable at the kill is not written again.
    assert len(walked) == HOLDERS
    assert stage.shown() == crowd.documents()
    assert stage.parked() == []


def test_the_events_of_a_crowd_are_those_of_its_rows() -> None:
    """The test's own database says what it should: a snapshot of every row, and one document a meeting."""
    crowd = Crowd(3, 2)
    events = list(crowd.snapshot())

    assert all(isinstance(event, Event) for event in events)
    assert len(events) == 2 + 5 + 5
    assert [document["applications"][0]["user"]["id"] for document in crowd.documents().values()] == [1, 1, 1, 2, 2]
