"""The boards and what feeds them: every query is answerable by metrics that exist."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.observability.__main__ import files
from tests.deploy.promql import JMX, PROCESS, TARGET, asked, own

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/grafana/dashboards"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
#: What Grafana puts in place of its variables; the parser knows PromQL only.
VARIABLES = {
    "$__rate_interval": "1m", "$namespace": ".*", "$pipeline": ".*", "$instance": ".*", "$source": ".*",
}  # fmt: skip

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS.keys())


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels that show something, without headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: dict[str, Any]) -> list[str]:
    """Every PromQL expression, those of annotations and variables too, with Grafana's variables filled in."""
    found = [target["expr"] for panel in panels(board) for target in panel["targets"]]
    found += [annotation["expr"] for annotation in board["annotations"].get("list", [])]
    for variable in board["templating"]["list"]:
        found += re.findall(r"label_values\((.+), \w+\)", variable["query"])
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    return found


@pytest.mark.parametrize("name", sorted(files()))
def test_what_is_checked_in_is_what_the_source_makes(name: str) -> None:
    """A board or a rule that was edited by hand would be lost with the next change."""
    assert (ROOT / name).read_text() == files()[name], "run: python -m deploy.observability"


def test_no_board_is_left_that_nobody_makes() -> None:
    """The folder holds the made boards and no other."""
    made = {Path(name).stem for name in files() if name.startswith("deploy/grafana/dashboards/")}

    assert set(BOARDS) == made
    assert len(made) == 5


@each_board
def test_every_query_parses_and_asks_for_metrics_and_labels_that_exist(board):
    """A renamed metric must not leave an empty panel behind."""
    known = own() | PROCESS | (JMX if board["uid"] == "syncsvc-debezium" else {})

    for query in queries(board):
        found = list(asked(query))
        assert found, query
        for name, labels in found:
            assert name in known, query
            assert labels <= known[name] | TARGET, query


def test_what_an_operator_must_see_has_a_panel():
    """Every metric of the catalogue is on a board, but for those that only explain another one."""
    shown = {name for board in BOARDS.values() for query in queries(board) for name, _ in asked(query)}
    without = {
        "syncsvc_events_applied_total", "syncsvc_keyed_records_total", "syncsvc_decode_errors_total",
        "syncsvc_backpressure_pauses_total", "syncsvc_clock_skew_events_total", "syncsvc_partition_start_offset",
        "syncsvc_last_applied_source_timestamp_seconds", "syncsvc_parked_oldest_timestamp_seconds",
    }  # fmt: skip

    base = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in own() else name for name in shown}
    base |= {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    missing = {name for name in own() if not name.endswith(("_bucket", "_sum", "_count"))} - base
    assert missing == without


@each_board
def test_freshness_is_the_worst_worker_never_a_mean(board):
    """A worker that is up to date must not hide one that is an hour behind (invariant 9)."""
    for query in queries(board):
        if "syncsvc_freshness_seconds" in query:
            assert "max by (namespace, pipeline) (syncsvc_freshness_seconds" in query


def test_boards_have_addresses_of_their_own():
    """Alerts and links name them."""
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@each_board
def test_panels_have_ids_of_their_own_and_do_not_overlap(board):
    """Grafana would hide or move them without a word."""
    identities = [panel["id"] for panel in board["panels"]]
    assert len(set(identities)) == len(identities)

    cells: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        columns = range(place["x"], place["x"] + place["w"])
        for cell in itertools.product(columns, range(place["y"], place["y"] + place["h"])):
            assert cells.setdefault(cell, panel["title"]) == panel["title"]


@each_board
def test_every_panel_explains_itself(board):
    """Whoever is woken by an alarm reads this board for the first time."""
    for panel in panels(board):
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@each_board
def test_a_board_works_with_any_prometheus(board):
    """No panel is bound to the data source of the compose file; the board's variable chooses."""
    sources = [panel["datasource"] for panel in panels(board)]
    sources += [target["datasource"] for panel in panels(board) for target in panel["targets"]]

    assert {source["uid"] for source in sources} == {"${datasource}"}


def test_grafana_finds_the_boards_and_the_data_where_compose_puts_them(root, services):
    """The provisioning files name a folder and an address; both are of the compose file."""
    provider = yaml.safe_load((root / "deploy/grafana/provisioning/dashboards/syncsvc.yml").read_text())
    source = yaml.safe_load((root / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    mounts = {
        volume["target"]: Path(volume["source"])
        for volume in services["grafana"]["volumes"]
        if volume["type"] == "bind"
    }

    folder = provider["providers"][0]["options"]["path"]
    assert {path.stem for path in mounts[folder].glob("*.json")} == set(BOARDS)
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/fleet.json"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"



def test_prometheus_scrapes_every_replica_of_the_worker(root, services):
    """The service's name resolves to one address a replica; a static target would see one of them at random."""
    settings = yaml.safe_load((root / "deploy/prometheus/prometheus.yml").read_text())
    job = next(job for job in settings["scrape_configs"] if job["job_name"] == "syncsvc")
    lookup = job["dns_sd_configs"][0]

    assert set(lookup["names"]) <= set(services)
    assert lookup["names"] == ["worker"]
    assert lookup["port"] == services["worker"]["ports"][0]["target"]


def test_prometheus_loads_the_alerts_that_compose_mounts(root, services):
    """A rule file that is not there stops no Prometheus: the alerts would be missing without a word."""
    settings = yaml.safe_load((root / "deploy/prometheus/prometheus.yml").read_text())
    mounts = {volume["target"]: Path(volume["source"]) for volume in services["prometheus"]["volumes"]}

    assert settings["rule_files"] == ["/etc/prometheus/alerts.yml"]
    assert mounts["/etc/prometheus/alerts.yml"] == root / "deploy/prometheus/alerts.yml"
