"""docker-compose.yml, run: from an empty machine to documents that follow their rows."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml

from syncsvc.devstack.server import free_port
from tests.deploy.engine import ROOT, build, compose, needs_engine

pytestmark = [pytest.mark.servers, needs_engine, pytest.mark.timeout(900)]
#: The services of the plain file, without those of profiles.
ROAD = ("mysql", "kafka", "connect", "mongodb", "apply", "register", "worker")
#: Longest wait for anything; reached only when something is broken.
SECONDS = 120.0
#: As stop_grace_period of the file: after it, a worker is killed.
GRACE_SECONDS = 60.0


class Road:
    """A project of the compose file with ports of its own."""

    def __init__(self, folder: Path) -> None:
        first = free_port()
        self.ports = {f"{name}_PORT": free_port() for name in ("MYSQL", "KAFKA", "CONNECT", "MONGO", "PROMETHEUS")}
        lines = [f"{name}={port}" for name, port in self.ports.items()] + [f"WORKER_PORTS={first}-{first + 3}"]
        self._file = folder / "env"
        self._file.write_text("\n".join(lines))
        self._project = f"syncsvc-{uuid.uuid4().hex[:8]}"

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """`docker compose …`; what it printed."""
        place = ("--project-name", self._project, "--env-file", str(self._file), "--profile", "*")
        return compose(*place, *arguments, check=check).stdout

    def up(self, *services: str) -> None:
        """Starts services and waits until they are healthy; fails with what the containers said last."""
        try:
            self("up", "--wait", *services)
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{self('logs', '--tail', '25', check=False)}") from None

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

    def prometheus(self, path: str) -> Any:
        """What Prometheus answers under /api/v1; None while it does not."""
        url = f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}/api/v1/{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def scraped(self) -> dict[str, int]:
        """`{job: targets whose last scrape was good}`."""
        targets = (self.prometheus("targets?state=active") or {"activeTargets": []})["activeTargets"]
        return dict(Counter(target["labels"]["job"] for target in targets if target["health"] == "up"))

    def rules(self, health: str = "") -> set[str]:
        """Names of the rules that Prometheus has, or only those whose last evaluation was `ok` or `err`."""
        groups = (self.prometheus("rules") or {"groups": []})["groups"]
        return {rule["name"] for group in groups for rule in group["rules"] if health in ("", rule["health"])}

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
        made.up(*ROAD)
        yield made
    finally:
        made("down", "--volumes", "--timeout", "5", check=False)


def written_rules() -> list[dict[str, Any]]:
    """Every rule of the file that compose mounts."""
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


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


def test_prometheus_scrapes_every_worker_and_its_rules_are_evaluated(road: Road) -> None:
    """Profile `obs` without Grafana: both workers by their name, the lag exporter, and every rule of alerts.yml."""
    road.up("lag-exporter", "prometheus")
    try:
        wanted = {"syncsvc": 2, "lag-exporter": 1, "prometheus": 1}
        soon(lambda: road.scraped() == wanted, f"Prometheus does not scrape {wanted}")
        lag = "query?query=count%20by%20(pipeline)%20(syncsvc_consumer_lag_messages)"
        soon(lambda: len((road.prometheus(lag) or {"result": []})["result"]) == 2, "no lag of two pipelines")
        assert road.rules() == {rule.get("alert", rule.get("record")) for rule in written_rules()}
        soon(lambda: road.rules("ok") == road.rules(), "not every rule is evaluated without an error")
    finally:
        road("stop", "lag-exporter", "prometheus")


def test_the_load_changes_documents_and_workers_leave_when_told(road: Road) -> None:
    """Changes at a steady rate by a user who may only write rows; a worker that is stopped leaves with exit code 0."""
    before = road.offsets()
    road.up("load")
    try:
        soon(lambda: road.offsets() > before, "no document changes under load")
    finally:
        road("stop", "load")

    began = time.monotonic()
    road("stop", "worker")
    assert time.monotonic() - began < GRACE_SECONDS
    assert [one["ExitCode"] for one in road.services()["worker"]] == [0, 0]


def test_a_second_up_changes_nothing_and_goes_on(road: Road) -> None:
    """Topics, collections and connector are as they should be; the workers are back where they were."""
    road.sql("UPDATE meeting SET title='River run' WHERE id=1")
    road.up(*ROAD)

    logs = road("logs", "--no-log-prefix", "--tail", "25", "register")
    assert not [line for line in logs.splitlines() if line.startswith(("+  ", "!  "))]
    soon(lambda: road.meetings()[0]["title"] == "River run", "what changed while no worker was there does not come")
    with urllib.request.urlopen(f"http://{road('port', 'worker', '6066').strip()}/ready", timeout=5) as answer:
        assert answer.status == 200
