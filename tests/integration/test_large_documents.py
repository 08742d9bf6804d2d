"""Documents near MongoDB's 16 MB: one that is too large holds back itself alone, also across restarts."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import MakeStage
from tests.integration.meetup import APPLICATION, Row
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until

NUMBER = 7
#: Rows of some 900 kB: 19 of them are too much.
ROWS, SIZE = 19, 900_000


def grow(stage: Stage) -> range:
    """One meeting grows over the limit; numbers of the rows that do it."""
    first = stage.meetup.applications + 1000
    added = range(first, first + ROWS)
    for number in added:
        values = {"meeting_id": NUMBER, "user_id": 1, "applied_at": number, "status": "x" * SIZE}
        stage.logs.publish(stage.meetup.set(APPLICATION, number, **values))
    return added


def others(stage: Stage, held: dict[Any, Row]) -> dict[int, Row]:
    """What the collection must show while the one document stands still."""
    return {**stage.meetup.documents(), NUMBER: held[NUMBER]}


def test_a_worker_that_comes_back_to_a_document_that_is_too_large_works_on(make_stage: MakeStage) -> None:
    """
    It is parked with a clear reason and stays so: killed or asked to leave, the next worker starts once, writes every
    other document and does not try that one again.  When it has shrunk, a retry writes it.
    """
    stage = make_stage(91, meetings=60)
    stage.begin()
    worker = stage.worker()
    worker.start()
    stage.settle()
    added = grow(stage)
    wait_until(stage.parked, stage.tails)
    (entry,) = stage.parked()
    assert (entry["kind"], entry["reason"]) == ("document", "document.too_large")
    assert "16 MiB" in entry["what"]
    held = stage.shown()

    worker.kill(forget=True)  # the next one reads its state again, the large rows with it
    stage.change(50)
    worker.start()
    stage.settle(lambda: others(stage, held))
    assert worker.leave() == 0
    stage.change(50)
    worker.start()
    stage.settle(lambda: others(stage, held))
    assert [again["_id"] for again in stage.parked()] == [entry["_id"]]
    assert worker.page("/ready")

    stage.logs.publish(event for number in added[:8] for event in stage.meetup.delete(APPLICATION, number))
    stage.settle(lambda: others(stage, held))
    told = stage.command("parked", "retry", entry["_id"])
    assert told.returncode == 0, told.stderr
    stage.settle()
    assert stage.parked() == []
    stage.check_reader()


def test_a_list_with_a_limit_never_grows_too_large(make_stage: MakeStage) -> None:
    """The declared way out: the first rows in the list's order are shown, all are counted, and nothing parks."""
    limit = 5
    stage = make_stage(92, meetings=20)
    text, order = stage.mapping.read_text(), "    order_by: [applied_at desc, id]\n"
    assert order in text
    stage.mapping.write_text(text.replace(order, f"{order}    limit: {limit}\n"))
    stage.logs.make(stage.logs.sources, stage.source_partitions)
    stage.logs.publish(stage.meetup.snapshot())

    def limited() -> dict[int, Row]:
        found = stage.meetup.documents()
        for document in found.values():
            document["applications"] = document["applications"][:limit]
        return found

    stage.worker().start()
    stage.settle(limited)
    added = grow(stage)
    stage.settle(limited)
    assert stage.shown()[NUMBER]["application_count"] >= ROWS
    # Those behind the limit move up.
    stage.logs.publish(event for number in added[-3:] for event in stage.meetup.delete(APPLICATION, number))
    stage.settle(limited)
    assert stage.parked() == []
