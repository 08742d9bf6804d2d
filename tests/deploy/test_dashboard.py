"""The lag dashboard and what feeds it: every query is answerable by metrics that exist."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from syncsvc.telemetry.catalogue import catalogue

#: What Grafana puts in place of its variables; the parser knows PromQL only.
VARIABLES = {"$__rate_interval": "1m", "$pipeline": ".*"}
#: What a scrape adds to the names and labels of a histogram.
HISTOGRAM = ("_bucket", "_sum", "_count")


@pytest.fixture(scope="module")
def board(root: Path) -> dict[str, Any]:
    """The dashboard's JSON."""
    result: dict[str, Any] = json.loads((root / "deploy/grafana/dashboards/lag.json").read_text())
    return result


def queries(board: dict[str, Any]) -> list[str]:
    """Every PromQL expression, those of annotations too, with Grafana's variables filled in."""
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    found += [annotation["expr"] for annotation in board["annotations"]["list"]]
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    return found


def selectors(node: Any) -> Iterator[Any]:
    """All vector selectors of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        if (inner := getattr(node, name, None)) is not None:
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or []:
        yield from selectors(inner)


def labels_of_scraped() -> dict[str, set[str]]:
    """`{name as scraped: labels}` of everything a worker shows."""
    scraped: dict[str, set[str]] = {}
    for entry in catalogue():
        if entry.type == "histogram":
            scraped |= {entry.name + suffix: {*entry.labels, "le"} for suffix in HISTOGRAM}
        else:
            scraped[entry.name] = set(entry.labels)
    return scraped


def test_every_query_parses_and_asks_for_metrics_and_labels_that_exist(board):
    """A renamed metric must not leave an empty panel behind."""
    known = labels_of_scraped()

    for query in queries(board):
        found = list(selectors(promql_parser.parse(query)))
        assert found, query
        for selector in found:
            assert selector.name in known, query
            assert {matcher.name for matcher in selector.matchers.matchers} <= known[selector.name], query


def test_what_an_operator_must_see_has_a_panel(board):
    """Freshness with its objective, lag, flow in and out, transaction time, parked keys, first copy."""
    shown = {selector.name for query in queries(board) for selector in selectors(promql_parser.parse(query))}

    assert shown >= {
        "syncsvc_freshness_seconds", "syncsvc_freshness_objective_seconds", "syncsvc_consumer_lag_messages",
        "syncsvc_events_consumed_total", "syncsvc_documents_written_total", "syncsvc_apply_duration_seconds_bucket",
        "syncsvc_parked_keys", "syncsvc_snapshot_progress_ratio", "syncsvc_build_info",
    }  # fmt: skip


def test_freshness_is_the_worst_worker_never_a_mean(board):
    """A worker that is up to date must not hide one that is an hour behind (invariant 9)."""
    for query in queries(board):
        if "syncsvc_freshness_seconds" in query:
            assert "max by (pipeline) (syncsvc_freshness_seconds" in query


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


def test_every_panel_explains_itself(board):
    """Whoever is woken by an alarm reads this board for the first time."""
    for panel in board["panels"]:
        assert len(panel["description"]) > 40, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_the_board_works_with_any_prometheus(board):
    """No panel is bound to the data source of the compose file; the board's variable chooses."""
    sources = [panel["datasource"] for panel in board["panels"]]
    sources += [target["datasource"] for panel in board["panels"] for target in panel["targets"]]

    assert {source["uid"] for source in sources} == {"${datasource}"}


def test_grafana_finds_the_board_and_the_data_where_compose_puts_them(root, services):
    """The provisioning files name a folder and an address; both are of the compose file."""
    provider = yaml.safe_load((root / "deploy/grafana/provisioning/dashboards/syncsvc.yml").read_text())
    source = yaml.safe_load((root / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    mounts = {
        volume["target"]: Path(volume["source"])
        for volume in services["grafana"]["volumes"]
        if volume["type"] == "bind"
    }

    folder = provider["providers"][0]["options"]["path"]
    assert (mounts[folder] / "lag.json").is_file()
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/lag.json"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"


def test_prometheus_scrapes_every_replica_of_the_worker(root, services):
    """The service's name resolves to one address a replica; a static target would see one of them at random."""
    settings = yaml.safe_load((root / "deploy/prometheus/prometheus.yml").read_text())
    job = next(job for job in settings["scrape_configs"] if job["job_name"] == "syncsvc")
    lookup = job["dns_sd_configs"][0]

    assert set(lookup["names"]) <= set(services)
    assert lookup["names"] == ["worker"]
    assert lookup["port"] == services["worker"]["ports"][0]["target"]
