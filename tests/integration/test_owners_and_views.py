"""Collections that are not ours alone, and several that come from one pass over the tables."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import MakeStage
from tests.integration.meetup import APPLICATION, USER, Row
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until

VIEWS = """\
views:
  people:
    root: {table: meetup.user, key: id, fields: [name, city, edition]}
    embed:
      applied: {many: meetup.meeting_application, on: user_id, fields: [id, meeting_id, edition]}
"""


def test_fields_of_the_application_survive_everything(make_stage: MakeStage) -> None:
    """
    `write: merge`: the first copy, changes, a killed worker; what the application wrote into a document stays, and a
    document that only the application knows is left alone.
    """
    stage = make_stage(93, meetings=40)
    text = stage.mapping.read_text()
    stage.mapping.write_text(text.replace("publish: direct\n", "publish: direct\nwrite: merge\n"))
    theirs = {number: {"note": f"theirs {number}", "likes": number} for number in range(1, 21)}
    stage.collection.insert_many({"_id": number, **fields} for number, fields in theirs.items())
    stage.collection.insert_one({"_id": "theirs alone", "note": "no meeting"})
    stage.begin()

    def shared() -> dict[Any, Row]:
        found: dict[Any, Row] = {"theirs alone": {"_id": "theirs alone", "note": "no meeting"}}
        for number, document in stage.meetup.documents().items():
            found[number] = {**document, **theirs.get(number, {})}
        return found

    worker = stage.worker()
    worker.start()
    stage.settle(shared)
    stage.collection.update_one({"_id": 3}, {"$set": {"likes": 1000}})
    theirs[3]["likes"] = 1000
    stage.change(100)
    worker.kill(forget=True)
    worker.start()
    stage.settle(lambda: {number: document for number, document in shared().items() if _kept(stage, number)})
    assert stage.parked() == []


def _kept(stage: Stage, number: Any) -> bool:
    """A meeting that was deleted takes its document along; nobody else is touched."""
    return number == "theirs alone" or number in stage.meetup.documents()


def test_views_of_one_pipeline_follow_the_same_changes(make_stage: MakeStage) -> None:
    """Meetings with their applications, and users with theirs: one reading of the topics, two collections."""
    stage = make_stage(94, meetings=40)
    text = stage.mapping.read_text()
    stage.mapping.write_text(text.replace("tables:\n", f"{VIEWS}tables:\n", 1))
    stage.begin()
    people = stage.database["people"]

    def wanted() -> dict[int, Row]:
        users, applications = stage.meetup.rows[USER], stage.meetup.rows[APPLICATION]
        return {
            number: {
                "_id": number, **{name: user[name] for name in ("name", "city", "edition")},
                "applied": [
                    {name: row[name] for name in ("id", "meeting_id", "edition")}
                    for _, row in sorted(applications.items())
                    if row["user_id"] == number
                ],
            }
            for number, user in users.items()
        }  # fmt: skip

    def shown() -> dict[int, Row]:
        return {document["_id"]: document for document in people.find({}, {"_sync": 0})}

    worker = stage.worker()
    worker.start()
    stage.settle()
    wait_until(lambda: shown() == wanted(), stage.tails)
    stage.change(150)
    worker.kill()
    worker.start()
    stage.settle()
    wait_until(lambda: shown() == wanted(), stage.tails)
