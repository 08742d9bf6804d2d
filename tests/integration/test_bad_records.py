"""One record or document that cannot be used holds back its own key and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.conftest import MakeStage
from tests.integration.meetup import APPLICATION, MEETING, TABLES, USER, Event, Row
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until
from tests.integration.worker import Worker


def running(make_stage: MakeStage, seed: int) -> tuple[Stage, Worker]:
    """A stage whose first copy is shown, and its worker."""
    stage = make_stage(seed, meetings=60)
    stage.begin()
    worker = stage.worker()
    worker.start()
    stage.settle()
    return stage, worker


def held_back(stage: Stage, numbers: set[int], before: dict[Any, Row]) -> dict[int, Row]:
    """What the collection must show while the documents `numbers` stand still as they were `before`."""
    wanted = {number: row for number, row in stage.meetup.documents().items() if number not in numbers}
    return wanted | {number: before[number] for number in numbers if number in before}


def reasons(stage: Stage) -> dict[str, set[str]]:
    """`{kind: reasons}` of everything parked."""
    found: dict[str, set[str]] = {}
    for entry in stage.parked():
        found.setdefault(entry["kind"], set()).add(entry["reason"])
    return found


def envelope(event: Event, **changed: Any) -> Event:
    """The event with parts of its envelope replaced."""
    return event._replace(value=json.dumps({**json.loads(event.value or b""), **changed}).encode())


def check_counters(stage: Stage, worker: Worker) -> dict[tuple[str, str], float]:
    """Nothing disappeared: consumed = applied + skipped + parked, and consumed is all there is in the topics."""
    counted = worker.counters()
    sent = dict.fromkeys(TABLES, 0)
    for (topic, _), end in stage.logs.ends().items():
        table = topic.removeprefix(f"{stage.name}.")
        if table in sent:
            sent[table] += end
    for table in TABLES:
        became = {what: counted.get((what, table), 0) for what in ("applied", "skipped", "parked")}
        assert counted["consumed", table] == sent[table]
        assert counted["consumed", table] == sum(became.values()), f"{table}: {became}"
    return counted


def test_records_that_cannot_be_read_hold_back_their_own_documents_and_nothing_else(make_stage: MakeStage) -> None:
    """
    Invalid JSON, an unknown op, a missing column: the documents of these rows stand still, all others follow, each
    record is listed with its place, the counters add up, and a later image of each row heals its documents.
    """
    stage, worker = running(make_stage, 61)
    meetup, before = stage.meetup, stage.shown()
    moved = next(row for row in meetup.rows[APPLICATION].values() if row["meeting_id"] == 1)
    whole = meetup.set(MEETING, 3, title="lost with its column")[0]
    short = {name: value for name, value in meetup.rows[MEETING][3].items() if name != "title"}

    stage.logs.publish([Event(MEETING, b'{"id":2}', b'{"op": "u", "after": {"id"')])
    stage.logs.publish([envelope(whole, after=short)])
    stage.logs.publish([envelope(event, op="x") for event in meetup.set(APPLICATION, moved["id"], status="lost")])
    # Between two topics there is no order: the meetings' own changes come when their documents stand still already.
    wait_until(lambda: sum(entry["kind"] == "document" for entry in stage.parked()) == 3, stage.tails)
    stage.logs.publish(event for number in range(1, 11) for event in meetup.set(MEETING, number, capacity=number))
    stage.logs.publish(event for number in range(1, 11) for event in meetup.set(USER, number, city="Moved"))

    # Meetings 2 and 3 got a later image meanwhile, the application did not.
    stage.settle(lambda: held_back(stage, {1}, before))
    assert reasons(stage)["record"] == {"change.unknown_op"}
    counted = check_counters(stage, worker)
    assert counted["parked", MEETING] == 2
    assert counted["parked", APPLICATION] == 1

    stage.logs.publish(meetup.set(APPLICATION, moved["id"], status="found"))
    stage.settle()
    assert stage.parked() == []
    check_counters(stage, worker)
    stage.check_reader()


def test_a_record_whose_row_is_unknown_is_kept_and_everything_flows(make_stage: MakeStage) -> None:
    """
    Without a readable key nobody knows which row an unreadable record is of: it is listed with what was received,
    counted, and holds nothing back.  A readable value under a bad key or none is applied as usual.
    """
    stage, worker = running(make_stage, 62)
    kept = stage.meetup.set(MEETING, 4, title="under a bad key")[0]._replace(key=b"\xff\xfe")

    stage.logs.publish([kept])
    stage.settle()
    stage.logs.publish([Event(MEETING, b"\xff\xfe", b"not json"), Event(USER, None, b"{}")])  # type: ignore[arg-type]
    stage.change(50)
    stage.settle()

    found = {entry["table"]: entry for entry in stage.parked()}
    assert found[MEETING]["value"] == b"not json"
    assert found[MEETING]["key"] == b"\xff\xfe"
    assert found[MEETING]["where"].startswith(f"{stage.name}.{MEETING}[")
    assert found[USER]["reason"] == "change.bad_envelope"
    counted = check_counters(stage, worker)
    assert (counted["parked", MEETING], counted["parked", USER]) == (1, 1)


@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "killed"])
def test_a_record_healed_before_its_router_commits_is_not_listed_for_ever(make_stage: MakeStage, killed: bool) -> None:
    """
    The bad record and the row's next image come within one step of the router, and the documents are whole before
    that step is durable: nothing stays parked, also when the router is killed there and sends both again.
    """
    stage, worker = running(make_stage, 67)
    worker.leave()
    worker.environment["SYNCSVC_ROUTER_COMMIT_MS"] = "2000"
    worker.start()
    worker.ready()

    stage.logs.publish([Event(MEETING, b'{"id":6}', b"not json"), *stage.meetup.set(MEETING, 6, title="whole")])
    wait_until(lambda: stage.shown()[6]["title"] == "whole", stage.tails)
    if killed:
        worker.kill()
        worker.start()
    stage.settle()
    assert stage.parked() == []


def test_a_row_held_back_before_a_restart_is_held_back_after_it(make_stage: MakeStage) -> None:
    """
    What is parked is state like any other: a killed worker's successor shows the same documents, and still heals
    them.
    """
    stage, worker = running(make_stage, 63)
    before = stage.shown()
    stage.logs.publish([Event(MEETING, b'{"id":5}', b"not json")])
    stage.settle(lambda: held_back(stage, {5}, before))
    wait_until(stage.parked, lambda: "nothing is parked")

    worker.kill(forget=True)
    worker.start()
    later = [row["id"] for row in stage.meetup.rows[APPLICATION].values() if row["meeting_id"] == 5]
    stage.logs.publish(event for number in later for event in stage.meetup.set(APPLICATION, number, status="later"))
    stage.settle(lambda: held_back(stage, {5}, before))

    stage.logs.publish(stage.meetup.set(MEETING, 5, title="whole again"))
    stage.settle()
    assert stage.parked() == []


def test_a_document_too_large_for_mongodb_parks_while_others_flow(make_stage: MakeStage) -> None:
    """
    A meeting grows past 16 MB: it stands still as it last fitted, everything else follows; when it has shrunk, a
    retry shows it.
    """
    stage, _ = running(make_stage, 64)
    number, first = 7, stage.meetup.applications + 1000
    row = {"meeting_id": number, "user_id": 1, "applied_at": 0}

    for extra in range(19):
        stage.logs.publish(stage.meetup.set(APPLICATION, first + extra, **row, status="x" * 900_000))
    wait_until(lambda: reasons(stage).get("document") == {"document.too_large"}, stage.tails)
    stage.change(100)
    last = stage.shown()
    stage.settle(lambda: held_back(stage, {number}, last))

    stage.logs.publish(event for extra in range(4) for event in stage.meetup.delete(APPLICATION, first + extra))
    stage.settle(lambda: held_back(stage, {number}, last))
    told = stage.command("parked", "retry", stage.parked()[0]["_id"])
    assert told.returncode == 0, told.stderr
    stage.settle()
    assert stage.parked() == []
    stage.check_reader()


def test_a_document_that_mongodb_refuses_parks_until_it_is_retried(make_stage: MakeStage) -> None:
    """
    A validator on the collection refuses one document: it parks, the others of the same transaction are written, its
    state goes on folding; once the validator is gone a retry writes it as it is by then.
    """
    stage, _ = running(make_stage, 65)
    before = stage.shown()
    stage.database.command("collMod", "meetings", validator={"title": {"$ne": "forbidden"}})

    titles = {number: "forbidden" if number == 8 else "allowed" for number in range(1, 21)}
    stage.logs.publish(
        event for number, title in titles.items() for event in stage.meetup.set(MEETING, number, title=title)
    )
    stage.settle(lambda: held_back(stage, {8}, before))
    (entry,) = stage.parked()
    assert (entry["kind"], entry["reason"]) == ("document", "document.refused")

    again = stage.command("parked", "retry", entry["_id"])
    assert again.returncode == 1, "a retry while the cause is there must say that it parked again"
    stage.database.command("collMod", "meetings", validator={})
    stage.logs.publish(stage.meetup.set(MEETING, 8, capacity=8))
    stage.settle(lambda: held_back(stage, {8}, before))
    told = stage.command("parked", "retry", entry["_id"])
    assert told.returncode == 0, told.stderr
    stage.settle()
    assert stage.parked() == []
    stage.check_reader()


@pytest.mark.parametrize("kept", [True, False], ids=["cache kept", "cache lost"])
def test_a_refused_document_stays_parked_for_the_next_owner(make_stage: MakeStage, kept: bool) -> None:
    """
    The parking of a document is in the transaction that left it out, so that a kill right after it does not forget
    it.
    """
    stage, worker = running(make_stage, 66)
    before = stage.shown()
    stage.database.command("collMod", "meetings", validator={"title": {"$ne": "forbidden"}})
    stage.logs.publish(stage.meetup.set(MEETING, 9, title="forbidden"))
    wait_until(stage.parked, stage.tails)
    worker.kill(forget=not kept)

    stage.database.command("collMod", "meetings", validator={})
    worker.start()
    stage.logs.publish(stage.meetup.set(MEETING, 9, capacity=9))
    stage.settle(lambda: held_back(stage, {9}, before))

    told = stage.command("parked", "retry", stage.parked()[0]["_id"])
    assert told.returncode == 0, told.stderr
    stage.settle()
