"""
Running commands as a person does, and one set of real servers for those that need it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncsvc import cli
from syncsvc.devstack.stack import Stack
from tests.verify import world


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON document it must be."""
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """Codes of the problems it told as JSON."""
        return [problem["code"] for problem in self.json["problems"]]


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command inside this process: `run("validate", path)`."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run


def spawn(*words: object, env: Mapping[str, str] | None = None) -> Outcome:
    """Run a command as a process of its own, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "syncsvc.cli", *map(str, words)],
        capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})}, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A mapping file that is right."""
    path = tmp_path / "meetings.yaml"
    path.write_text(world.MAPPING)
    return path


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """Everything, with MariaDB."""
    with Stack(sql="mariadb") as stack:
        yield stack


@pytest.fixture
def stack(servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The servers with fresh tables, and the environment set as `syncsvc dev env` says."""
    servers.sql.execute(*world.SCHEMA, *world.ROWS)
    for name, value in servers.env().items():
        monkeypatch.setenv(name, value)
    return servers


@pytest.fixture
def named(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A mapping file whose pipeline has a name of its own, so that tests do not meet in topics and connectors."""
    name = f"p{abs(hash(request.node.nodeid)) % 10**8}"
    path = tmp_path / "own.yaml"
    text = world.MAPPING.replace("pipeline: meetings", f"pipeline: {name}\npartitions: 3")
    text = text.replace("collection: meetings", f"collection: {name}")
    path.write_text(text.replace("topic_prefix: meetup", f"topic_prefix: {name}"))
    return path
