"""The alerts: each goes off when it should and not before, and leads to a page that says what to do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from deploy.observability.alerts import ALERTS, RECORDINGS
from syncsvc.cli.app import app
from syncsvc.devstack import cache, children, prometheus
from syncsvc.telemetry import group_lag, verified
from tests.deploy.alert_cases import CASES, Case
from tests.deploy.promql import JMX, TARGET, asked, own
from tests.deploy.test_boards import BOARDS

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/alerts.yml"
RUNBOOKS = ROOT / "docs/runbooks"
NAMES = [alert.name for alert in ALERTS]
#: Of `syncsvc lag-exporter`, of the file that `syncsvc verify --metrics` leaves, of kube-state-metrics.
OUTSIDE = {
    **{name: set(labels) for name, (labels, _) in group_lag.FAMILIES.items()},
    **{name: set(labels) for name, (labels, _) in verified.FAMILIES.items()},
    "kube_cronjob_status_last_schedule_time": {"cronjob"},
    "kube_cronjob_status_last_successful_time": {"cronjob"},
}


@pytest.fixture(scope="module")
def promtool() -> Iterator[list[str]]:
    """The start of a command line of promtool."""
    nursery = children.Nursery()
    yield prometheus.program(cache.Cache(nursery, print), "promtool")
    nursery.close()


def run(command: list[str]) -> None:
    """Runs a judge; fails with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.servers
def test_promtool_accepts_the_rules(promtool: list[str]) -> None:
    """The checks of Prometheus itself, with every lint it knows."""
    run([*promtool, "check", "rules", "--lint=all", "--lint-fatal", str(RULES)])


@pytest.mark.servers
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_goes_off_when_it_should_and_not_before(promtool: list[str], case: Case, tmp_path: Path) -> None:
    """Prometheus plays time series: what fires when, with which words, and what must not."""
    spec = tmp_path / "spec.yml"
    spec.write_text(yaml.safe_dump(specification(case)))
    run([*promtool, "test", "rules", str(spec)])


def specification(case: Case) -> dict[str, Any]:
    """The case as promtool reads it."""
    rule = next(one for group in yaml.safe_load(RULES.read_text())["groups"] for one in group["rules"]
                if one.get("alert") == case.alert)  # fmt: skip
    said = {
        "exp_labels": {**rule["labels"], **case.labels},
        "exp_annotations": {name: rendered(text, case) for name, text in rule["annotations"].items()},
    }

    def story(series: dict[str, str], *looks: tuple[str, list[Any]]) -> dict[str, Any]:
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "alert_rule_test": [
                {"eval_time": at, "alertname": case.alert, "exp_alerts": expected} for at, expected in looks
            ],
        }

    return {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        # Else their order is by chance, and an alert sees the recordings of this minute or of the last.
        "group_eval_order": ["syncsvc.recordings", "syncsvc.alerts"],
        "tests": [story(case.fires_on, (case.not_at, []), (case.at, [said])), story(case.rests_on, (case.at, []))],
    }


def rendered(text: str, case: Case) -> str:
    """A text of the alert with its labels and its value filled in."""
    for name, value in case.labels.items():
        text = text.replace("{{ $labels." + name + " }}", value)
    return re.sub(r"\{\{ \$value[^}]*\}\}", case.value, text)


def test_every_alert_has_a_case() -> None:
    """An alert without a test is a guess."""
    assert [case.alert for case in CASES] == NAMES


def test_alerts_ask_for_metrics_and_labels_that_exist() -> None:
    """A renamed metric would silence an alert for ever."""
    known = own() | JMX | OUTSIDE | {one.name: {"namespace", "pipeline"} for one in RECORDINGS}

    for rule in (*RECORDINGS, *ALERTS):
        for name, labels in asked(rule.expr):
            assert name in known, rule.name
            assert labels <= known[name] | TARGET, rule.name


def test_alerts_have_names_of_their_own_a_severity_and_a_board() -> None:
    """`page` wakes a person, `ticket` waits; the board shows what the alert saw."""
    assert len(set(NAMES)) == len(NAMES)
    uids = {board["uid"] for board in BOARDS.values()}
    for alert in ALERTS:
        assert alert.severity in ("page", "ticket"), alert.name
        assert alert.board in uids, alert.name


def test_the_operators_object_holds_the_same_rules() -> None:
    """Compose and Kubernetes alert alike."""
    held: dict[str, Any] = yaml.safe_load(
        (ROOT / "deploy/k8s/components/monitoring/prometheus-rule.yaml").read_text()
    )

    assert held["kind"] == "PrometheusRule"
    assert held["spec"] == yaml.safe_load(RULES.read_text())


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """One to one, by name; the index leads to each."""
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    index = re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())

    assert pages == set(NAMES)
    assert sorted(index) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_what_it_means_and_what_to_do(name: str) -> None:
    """Meaning, impact, diagnosis with commands that exist, and the fix."""
    text = (RUNBOOKS / f"{name}.md").read_text()

    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Fix"]
    assert re.search(r"^```console\n\$ ", text, re.MULTILINE)
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for command in re.findall(r"^\$ syncsvc ([\w-]+)", text, re.MULTILINE):
        assert command in commands, command
    known = own() | JMX | OUTSIDE
    for metric in re.findall(r"`((?:syncsvc|debezium_metrics|kafka)_\w+)[`{]", text):
        assert metric in known or f"{metric}_bucket" in known, metric
