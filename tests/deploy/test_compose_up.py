"""docker-compose.yml, run: from an empty machine to documents that follow their rows."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

from syncsvc.devstack.server import free_port
from tests.deploy.engine import build, compose, needs_engine

pytestmark = [pytest.mark.servers, needs_engine, pytest.mark.timeout(600)]
#: The services of the plain file, without those of profiles.
ROAD = ("mysql", "kafka", "connect", "mongodb", "apply", "register", "worker")
SECONDS = 60.0


class Road:
    """A project of the compose file with ports of its own."""

    def __init__(self, folder: Path) -> None:
        first = free_port()
        self.ports = {name: free_port() for name in ("MYSQL_PORT", "KAFKA_PORT", "CONNECT_PORT", "MONGO_PORT")}
        lines = [f"{name}={port}" for name, port in self.ports.items()] + [f"WORKER_PORTS={first}-{first + 3}"]
        self._file = folder / "env"
        self._file.write_text("\n".join(lines))
        self._project = f"syncsvc-{uuid.uuid4().hex[:8]}"

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """`docker compose …`; what it printed."""
        place = ("--project-name", self._project, "--env-file", str(self._file), "--profile", "*")
        return compose(*place, *arguments, check=check).stdout

    def services(self) -> dict[str, list[dict[str, Any]]]:
        """`{service: its containers}`, those that have ended too."""
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self("ps", "--all", "--format", "json").splitlines():
            container = json.loads(line)
            found.setdefault(container["Service"], []).append(container)
        return found

    def meetings(self) -> list[dict[str, Any]]:
        """The documents, as a reader on the host sees them."""
        # Not by mongosh in the container: asked again and again, its start alone would fill a core.
        with pymongo.MongoClient("127.0.0.1", self.ports["MONGO_PORT"], directConnection=True) as client:
            return list(client["meetup"]["meetings"].find().sort("_id"))

    def offsets(self) -> int:
        """Grows with every document that is written."""
        return sum(meeting["_sync"]["v"][1] for meeting in self.meetings())

    def sql(self, statement: str) -> None:
        """Changes a row, as its application would."""
        command = f'MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root meetup -e "{statement}"'
        self("exec", "-T", "mysql", "sh", "-c", command)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory, version: str) -> Iterator[Road]:
    """Everything but what shows lag, up; taken away with its volumes at the end."""
    build(f"syncsvc:{version}")
    made = Road(tmp_path_factory.mktemp("compose"))
    try:
        made("up", "--wait", *ROAD)
        yield made
    finally:
        made("down", "--volumes", "--timeout", "5", check=False)


def soon(condition: Any, missing: str) -> None:
    """Waits until it holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, missing
        time.sleep(0.2)


def test_up_ends_with_everything_healthy_and_the_one_shots_done(road: Road) -> None:
    """`up --wait` returns when workers have their partitions; it did not fail, so all of it is there."""
    services = road.services()

    assert {name: [one["ExitCode"] for one in services[name]] for name in ("apply", "register")} == {
        "apply": [0], "register": [0],
    }  # fmt: skip
    for name in ("mysql", "kafka", "connect", "mongodb", "worker"):
        assert [one["Health"] for one in services[name]] == ["healthy"] * len(services[name]), name
    assert len(services["worker"]) == 2


def test_the_first_rows_are_documents(road: Road) -> None:
    """The meetup example: two meetings, with applications and their users."""
    soon(lambda: len(road.meetings()) == 2, "the first copy shows no meetings")
    first, second = road.meetings()

    assert first["title"] == "River walk"
    assert [application["user"]["name"] for application in first["applications"]] == ["Ada", "Björn"]
    assert second["application_count"] == 2
    assert second["applications"][0]["user"]["name"] == "카밀"


def test_a_changed_row_changes_its_document(road: Road) -> None:
    """Through the binlog, Debezium, Kafka and a worker; a user's new name reaches the meeting."""
    road.sql("UPDATE user SET name='Ada L.' WHERE id=1")

    soon(lambda: road.meetings()[0]["applications"][0]["user"]["name"] == "Ada L.", "the new name does not come")


def test_the_load_changes_documents_and_workers_leave_when_told(road: Road) -> None:
    """Changes at a steady rate by a user who may only write rows; a worker that is stopped leaves with exit code 0."""
    before = road.offsets()
    road("up", "--wait", "load")
    try:
        soon(lambda: road.offsets() > before, "no document changes under load")
    finally:
        road("stop", "load")

    began = time.monotonic()
    road("stop", "worker")
    assert time.monotonic() - began < SECONDS
    assert [one["ExitCode"] for one in road.services()["worker"]] == [0, 0]


def test_a_second_up_changes_nothing_and_goes_on(road: Road) -> None:
    """Topics, collections and connector are as they should be; the workers are back where they were."""
    road.sql("UPDATE meeting SET title='River run' WHERE id=1")
    road("up", "--wait", *ROAD)

    logs = road("logs", "--no-log-prefix", "--tail", "25", "register")
    assert not [line for line in logs.splitlines() if line.startswith(("+  ", "!  "))]
    soon(lambda: road.meetings()[0]["title"] == "River run", "what changed while no worker was there does not come")
    with urllib.request.urlopen(f"http://{road('port', 'worker', '6066').strip()}/ready", timeout=5) as answer:
        assert answer.status == 200
