"""The list of what an installed syncsvc brings along is complete, and the same each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.servers  # a package index
ROOT = Path(__file__).parents[2]
EXTRAS = {"fast", "avro", "otel"}


def normal(name: str) -> str:
    """The name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(name: str, extras: Iterable[str], found: set[str]) -> set[str]:
    """Everything that this distribution needs here, itself and the needs of its needs included."""
    found.add(normal(name))
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        wanted = marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if wanted and normal(requirement.name) not in found:
            needed(requirement.name, requirement.extras, found)
    return found


@pytest.fixture(scope="module")
def sbom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `make sbom` writes."""
    out, tools = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json", Path(sys.executable).parent
    own = {"PYTHON": sys.executable, "PIP": str(tools / "pip"), "CYCLONEDX": str(tools / "cyclonedx-py")}
    subprocess.run([str(ROOT / ".ci" / "sbom"), str(out)], env={**os.environ, **own}, check=True, timeout=280)
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_everything_that_is_installed_at_run_time_is_in_it(sbom: dict[str, Any]) -> None:
    """Ours, what we need, and what that needs; nothing of tests and checks."""
    listed = {normal(component["name"]) for component in sbom["components"]}

    assert needed("syncsvc", EXTRAS, set()) - {"syncsvc"} <= listed
    assert not {"pytest", "mypy", "ruff", "cyclonedx-bom"} & listed
    assert sbom["metadata"]["component"]["name"] == "syncsvc"


def test_each_entry_can_be_looked_up(sbom: dict[str, Any]) -> None:
    """With the version that is installed and a package URL, and in the graph of who needs whom."""
    others = [component for component in sbom["components"] if normal(component["name"]) != "syncsvc"]
    named = {dependency["ref"] for dependency in sbom["dependencies"]}

    assert len(others) > 30
    assert all(component["version"] and component["purl"].startswith("pkg:pypi/") for component in others)
    assert {component["bom-ref"] for component in others} <= named
    assert "serialNumber" not in sbom
    assert "timestamp" not in sbom["metadata"]
