"""Writes the boards and the rules: `python -m deploy.observability [--runbooks URL]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.observability import rules
from deploy.observability.boards import boards

ROOT = Path(__file__).resolve().parents[2]


def files(runbooks: str = rules.RUNBOOKS) -> dict[str, str]:
    """`{path below the repository: content}` of everything that is made here."""
    made = {
        "deploy/prometheus/alerts.yml": rules.plain(runbooks),
        "deploy/k8s/components/monitoring/prometheus-rule.yaml": rules.custom_resource(runbooks),
    }
    return made | {f"deploy/grafana/dashboards/{name}.json": text for name, text in boards().items()}


def main() -> None:
    """Writes all of them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runbooks", default=rules.RUNBOOKS, help="address of docs/runbooks, for `runbook_url`")
    for name, text in files(arguments.parse_args().runbooks).items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(name)


if __name__ == "__main__":
    main()
