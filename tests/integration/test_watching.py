"""
What an operator sees of a real run: every panel of our boards has data, idle is told from broken, lag is seen from
outside.

A real Prometheus scrapes a worker and the lag exporter once a second; MariaDB, Debezium, Kafka and MongoDB are real.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncsvc.devstack import cache, children, server
from syncsvc.devstack.prometheus import Prometheus
from tests.integration.road import Road
from tests.integration.waiting import wait_until
from tests.integration.worker import ROOT

MAPPING = """\
pipeline: watched
collection: meetings
publish: direct
partitions: 2
source_partitions: 1
freshness_objective_seconds: 5
source: {topic_prefix: watched}
root: {table: shop.meeting, key: id, fields: [title]}
embed:
  applications: {many: shop.application, on: meeting_id, fields: [id, note]}
tables:
  shop.meeting: {key: id, columns: {id: int, title: varchar(50)}}
  shop.application: {key: id, columns: {id: int, meeting_id: int, note: varchar(50)}}
"""
TABLES = [
    "CREATE TABLE meeting (id INT PRIMARY KEY, title VARCHAR(50) NOT NULL)",
    "CREATE TABLE application (id INT PRIMARY KEY, meeting_id INT NOT NULL, note VARCHAR(50) NOT NULL)",
    "INSERT INTO meeting VALUES (1, 'first')",
]
GROUP = "syncsvc.watched.g1"
#: Sooner than by default, 48 s, so that silence is noticed while a test waits.
HEARTBEAT_SECONDS = 6.0
VARIABLES = {"$__rate_interval": "15s", "$namespace": ".*", "$pipeline": ".*", "$instance": ".*"}


def panels() -> list[tuple[str, str]]:
    """`(board and panel, expression)` of everything on our own boards."""
    found = []
    for path in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
        if path.stem == "debezium":  # its metrics come from the JMX exporter on Kafka Connect
            continue
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                found.append((f"{path.stem}: {panel['title']}", expression))
    return found


class Watched:
    """A road, with a Prometheus and a lag exporter beside it."""

    def __init__(self, folder: Path) -> None:
        # The database's own heartbeat comes after 0.8 of it, which is what a resting source is heard by.
        keep_alive = {"connect.keep.alive.interval.ms": str(int(HEARTBEAT_SECONDS / 0.8 * 1000))}
        self.road = Road("mariadb", MAPPING, TABLES, folder, keep_alive)
        self.road.worker.environment["SYNCSVC_HEARTBEAT_SECONDS"] = str(HEARTBEAT_SECONDS)
        self._nursery = children.Nursery()
        self._folder = folder
        self.exporter_port = server.free_port()
        config = folder / "prometheus.yml"
        self.prometheus = Prometheus(cache.Cache(self._nursery, print), folder / "prometheus", config)
        targets = [f"127.0.0.1:{self.road.worker.port}", f"127.0.0.1:{self.exporter_port}"]
        config.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(ROOT / "deploy/prometheus/alerts.yml")],
                    "scrape_configs": [{"job_name": "syncsvc", "static_configs": [{"targets": targets}]}],
                }
            )
        )
        self._rows = 100

    def start(self) -> None:
        """Everything; returns when a first row has gone the whole way."""
        self.prometheus.start()
        self.road.start()
        self._nursery.spawn(
            "lag-exporter",
            [sys.executable, "-m", "syncsvc.cli", "lag-exporter", str(self._folder / "pipeline.yaml"), "--every", "2"],
            log=self._folder / "exporter.log", cwd=ROOT,
            env={**os.environ, **self.road.worker.environment, "SYNCSVC_HTTP_PORT": str(self.exporter_port)},
        )  # fmt: skip

    def write(self) -> None:
        """A meeting with an application."""
        self._rows += 1
        self.road.execute(
            f"INSERT INTO meeting VALUES ({self._rows}, 'meeting')",
            f"INSERT INTO application VALUES ({self._rows}, {self._rows}, 'new')",
        )

    def value(self, expression: str) -> float:
        """The one value an expression has now; NaN when it has none."""
        found = self.prometheus.query(expression)
        return float(found[0]["value"][1]) if len(found) == 1 else float("nan")

    def close(self) -> None:
        """Everything ends."""
        self._nursery.close()
        self.road.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One for all tests of this file, which go on from each other."""
    made = Watched(tmp_path_factory.mktemp("watched"))
    try:
        made.start()
        yield made
    finally:
        made.close()


def test_every_panel_of_our_boards_has_data_of_a_real_run(watched: Watched) -> None:
    """A board with an empty panel is found out here and not in an incident."""
    empty = panels()
    assert len(empty) > 50

    def all_filled() -> bool:
        nonlocal empty
        watched.write()
        empty = [(panel, expression) for panel, expression in empty if not watched.prometheus.query(expression)]
        return not empty

    wait_until(all_filled, lambda: f"no data: {empty}")


def test_what_only_a_real_run_can_feed_is_fed(watched: Watched) -> None:
    """Series that begin at 0 fill a panel also when nothing ever counts in them; these have counted."""
    for series in (
        'syncsvc_mongo_command_duration_seconds_count{command="commitTransaction",outcome="ok"}',
        'syncsvc_mongo_pool_connections{state="open"}',
        'syncsvc_stage_latency_seconds_count{stage="capture"}',
        'syncsvc_stage_latency_seconds_count{stage="broker"}',
        'syncsvc_stage_latency_seconds_count{stage="queue"}',
        'syncsvc_stage_latency_seconds_count{stage="join"}',
        'syncsvc_stage_latency_seconds_count{stage="apply"}',
        "syncsvc_end_to_end_latency_seconds_count",
        "syncsvc_recovery_duration_seconds_count",
        "syncsvc_rebalance_duration_seconds_count",
        "syncsvc_state_store_bytes",
        "syncsvc_apply_queue_capacity_records",
        'syncsvc_pipeline_state{state="running"}',
    ):
        assert watched.value(f"sum({series})") > 0, series


def test_prometheus_runs_our_alerts_and_none_pages_in_a_healthy_run(watched: Watched) -> None:
    """All are loaded; what needs an hour of history has to wait, the others are silent."""
    wait_until(lambda: watched.prometheus.rules(), lambda: "no rules")
    states: dict[str, Any] = watched.prometheus.rules()

    assert len(states) > 20
    assert [name for name, state in states.items() if state == "firing"] == []


def test_an_idle_source_is_heard_of_all_the_same(watched: Watched) -> None:
    """Nothing is changed, and the connector's heartbeats go on: freshness stays 0."""
    heard = "max(syncsvc_source_heartbeat_timestamp_seconds{source='watched'})"
    watched.road.settle()
    first = watched.value(heard)

    wait_until(lambda: watched.value(heard) > first + 12, lambda: f"last heard of at {watched.value(heard)}, {first}")
    assert time.time() - watched.value(heard) < 3 * HEARTBEAT_SECONDS
    assert watched.value("max(syncsvc_freshness_seconds)") == 0


def test_lag_and_its_seconds_are_seen_from_outside_with_all_workers_down(watched: Watched) -> None:
    """The exporter reads the fences, so what is not applied shows although nobody runs who could say so."""
    lag = f"sum(kafka_consumergroup_group_sum_lag{{group='{GROUP}'}})"
    seconds = f"kafka_consumergroup_group_max_lag_seconds{{group='{GROUP}'}}"
    wait_until(lambda: watched.value(lag) == 0, lambda: f"lag {watched.value(lag)}")
    members = f"kafka_consumergroup_group_lag{{group='{GROUP}',client_id!=''}}"
    assert watched.prometheus.query(members)

    watched.road.worker.kill()
    for _ in range(5):
        watched.write()

    # Ten rows, and the markers of Connect's transactions, which are offsets too.
    wait_until(lambda: watched.value(lag) >= 10, lambda: f"lag {watched.value(lag)}")
    wait_until(lambda: watched.value(seconds) > 2, lambda: f"{watched.value(seconds)} s")
    watched.road.worker.start()
    wait_until(lambda: watched.value(lag) == 0, lambda: f"lag {watched.value(lag)}")
    assert watched.value(f"sum(kafka_consumergroup_group_messages_lost{{group='{GROUP}'}})") == 0


def test_a_broken_source_makes_the_pipeline_stale_although_nothing_waits(watched: Watched) -> None:
    """The connector is gone: lag stays 0, and freshness tells since when nobody knows."""
    watched.road.worker.ready()
    wait_until(lambda: watched.value("max(syncsvc_freshness_seconds)") == 0, lambda: "not fresh before")
    watched.road.disconnect()

    wait_until(lambda: watched.value("max(syncsvc_freshness_seconds)") > 18, lambda: "a dead connector looks idle")
    assert watched.value("sum(syncsvc_consumer_lag_messages)") == 0
