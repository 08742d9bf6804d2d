"""The alerts as files: rules of Prometheus, and the same as an object of its operator."""

from __future__ import annotations

from typing import Any

import yaml

from deploy.observability.alerts import ALERTS, RECORDINGS, Alert

HEAD = "# Made by `python -m deploy.observability` from deploy/observability/alerts.py; do not edit.\n"
#: Where the pages of docs/runbooks are served; an installation gives its own (`--runbooks`).
RUNBOOKS = "docs/runbooks"


def groups(runbooks: str = RUNBOOKS) -> list[dict[str, Any]]:
    """The content of both files: recording rules first, since alerts stand on them."""
    return [
        {"name": "syncsvc.recordings", "rules": [{"record": one.name, "expr": one.expr} for one in RECORDINGS]},
        {"name": "syncsvc.alerts", "rules": [_rule(alert, runbooks) for alert in ALERTS]},
    ]


def _rule(alert: Alert, runbooks: str) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.hold,
        "labels": {"severity": alert.severity, "service": "syncsvc"},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbooks}/{alert.name}.md",
            "dashboard": f"/d/{alert.board}",
        },
    }


def plain(runbooks: str = RUNBOOKS) -> str:
    """A file for `rule_files` of Prometheus."""
    return HEAD + _dumped({"groups": groups(runbooks)})


def custom_resource(runbooks: str = RUNBOOKS) -> str:
    """The `PrometheusRule` of the Prometheus operator."""
    found = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "syncsvc", "labels": {"app.kubernetes.io/name": "syncsvc"}},
        "spec": {"groups": groups(runbooks)},
    }
    return HEAD + _dumped(found)


def _dumped(content: Any) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, width=1000, allow_unicode=True))
