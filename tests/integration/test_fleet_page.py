"""The page of any worker shows all of them, and tells the truth about one that died."""

from __future__ import annotations

import functools
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from syncsvc.devstack.mongod import Mongod
from tests.integration.conftest import MakeStage
from tests.integration.meetup import MEETING, Event
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until
from tests.integration.worker import Worker

TOKEN = "a-token-for-the-page-of-tests"


def fleet(worker: Worker) -> dict[str, Any]:
    """What a worker says of all; {} while it says nothing."""
    return json.loads(worker.page("/api/fleet") or "{}")


def pipeline(worker: Worker) -> dict[str, Any]:
    """The stage's pipeline as a worker shows it."""
    return next(iter(fleet(worker).get("pipelines", [])), {})


def started(stage: Stage, name: str, **environment: str) -> Worker:
    """One more worker, with a name."""
    worker = stage.worker()
    worker.environment = {"SYNCSVC_INSTANCE": name, **environment}
    worker.start()
    return worker


def records(worker: Worker) -> list[dict[str, Any]]:
    """Parked records as a worker shows them."""
    return [one for one in pipeline(worker).get("parked_list", []) if one["kind"] == "record"]


def whole(worker: Worker, *owners: str) -> bool:
    """Whether a worker shows every partition with one of these owners, caught up."""
    found = pipeline(worker)
    return bool(found) and set(found["owners"]) == set(owners) and found["freshness_seconds"] == 0 == found["lag"]


def test_two_workers_show_the_same_fleet_and_the_death_of_one(make_stage: MakeStage) -> None:
    """
    Either page shows both workers and every partition with its owner.  When one is killed, the other's page takes it
    for silent within seconds, never calls its partitions fresh while nobody has them, and shows them with their new
    owner afterwards.  One that leaves on request is forgotten at once.
    """
    stage = make_stage(71, meetings=40)
    stage.begin()
    first, second = started(stage, "first"), started(stage, "second")
    for worker in (first, second):
        shown_by = functools.partial(whole, worker, "first", "second")
        wait_until(shown_by, lambda: f"{pipeline(first)}\n{pipeline(second)}\n{stage.tails()}")
        assert len(pipeline(worker)["owners"]) == len(stage.fences())
        html = worker.page("/")
        assert "first" in html
        assert "second" in html

    second.kill()
    lied = []

    def silent() -> bool:
        found = fleet(first)
        for shown in found.get("pipelines", []):
            if None in shown["owners"] and shown["freshness_seconds"] is not None:
                lied.append(shown)
        return [one["alive"] for one in found.get("workers", []) if one["instance"] == "second"] == [False]

    wait_until(silent, lambda: f"{fleet(first)}")
    assert "no sign of life" in first.page("/")
    wait_until(lambda: whole(first, "first"), lambda: f"{pipeline(first)}{stage.tails()}")
    assert lied == []

    third = started(stage, "third")
    wait_until(lambda: whole(first, "first", "third"), lambda: f"{pipeline(first)}{stage.tails()}")
    assert third.leave() == 0

    def forgotten() -> bool:
        workers = [one["instance"] for one in fleet(first).get("workers", [])]
        return bool(workers) and "third" not in workers

    wait_until(forgotten, lambda: f"{fleet(first)}")


@pytest.mark.parametrize("action", ["retry", "skip"])
def test_a_parked_record_is_decided_about_through_the_page(
    make_stage: MakeStage, tmp_path: Path, action: str
) -> None:
    """
    With the token: a skipped record lets its documents go on; a retried one that still cannot be read stays parked,
    and the answer says so without its content.  Without the token both are refused.
    """
    (tmp_path / "token").write_text(TOKEN)
    stage = make_stage(72, meetings=20)
    stage.begin()
    worker = started(stage, "first", SYNCSVC_HTTP_TOKEN_FILE=str(tmp_path / "token"))
    stage.settle()
    secret = "Somebody-private"
    stage.logs.publish([Event(MEETING, b'{"id":2}', f'{{"op": "x", "after": {{"title": "{secret}"}}}}'.encode())])
    wait_until(lambda: records(worker), stage.tails)
    (key,) = records(worker)
    assert secret not in worker.page("/") + json.dumps(fleet(worker))

    assert _decide(stage, worker, key["handle"], action, token="not-the-token-of-this")[0] == 403
    status, answer = _decide(stage, worker, key["handle"], action)

    if action == "skip":
        assert (status, answer["ok"]) == (200, True), answer
        wait_until(lambda: not stage.parked(), lambda: f"{stage.parked()}")
        wait_until(lambda: pipeline(worker)["parked"] == 0, lambda: f"{pipeline(worker)}")
    else:
        assert (status, answer["code"]) == (409, "parked.still_unreadable")
        assert secret not in json.dumps(answer)
        assert stage.parked()


def _decide(stage: Stage, worker: Worker, handle: str, action: str, token: str = TOKEN) -> tuple[int, dict[str, Any]]:
    fields = {"pipeline": stage.name, "generation": "1", "handle": handle, "action": action}
    request = urllib.request.Request(
        f"http://127.0.0.1:{worker.port}/parked", urllib.parse.urlencode(fields).encode(),
        {"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, json.loads(body) if error.code != 403 else {}


def test_the_page_tells_when_mongodb_is_away(make_stage: MakeStage, mongod: Mongod) -> None:
    """Nothing is known of the others then, and the page says since when; it comes back by itself."""
    stage = make_stage(73, meetings=20)
    stage.begin()
    worker = started(stage, "first")
    stage.settle()
    mongod.kill()
    wait_until(lambda: "MongoDB does not answer" in worker.page("/"), lambda: worker.page("/"))
    mongod.start()
    wait_until(lambda: "MongoDB does not answer" not in (worker.page("/") or "MongoDB does not answer"), stage.tails)
