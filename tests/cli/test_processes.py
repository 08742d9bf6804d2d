"""
Commands that own processes: `dev`, and `run` with several workers, leave nothing behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import spawn


@pytest.mark.servers
def test_dev_servers_are_up_until_they_are_told_to_end(tmp_path: Path) -> None:
    """`up` prints the environment, `env` repeats it elsewhere, `down` ends it, and both exit with 0."""
    folder = tmp_path / "stack"
    up = subprocess.Popen(
        [sys.executable, "-m", "syncsvc.cli", "dev", "up", "--folder", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert up.stdout is not None
    lines = [up.stdout.readline() for _ in range(6)]

    env, down = spawn("dev", "env", "--folder", folder), None
    try:
        assert env.out == "".join(lines)
        assert lines[0].startswith("export SYNCSVC_KAFKA_BOOTSTRAP=127.0.0.1:")
        assert (folder / "stack.env").read_text() == env.out
    finally:
        down = spawn("dev", "down", "--folder", folder)
        up.communicate(timeout=60)

    assert (env.code, down.code, up.returncode) == (0, 0, 0)
    assert spawn("dev", "env", "--folder", folder).code == 4


def test_down_is_fine_when_nothing_is_up(tmp_path: Path) -> None:
    """So that a script may always call it."""
    assert spawn("dev", "down", "--folder", tmp_path / "stack").code == 0


def test_a_worker_that_cannot_start_ends_all_of_them_with_its_code(file: Path) -> None:
    """Two workers, no MongoDB: exit code 4, and why."""
    environment = {
        "SYNCSVC_MONGO_URI": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200",
        "SYNCSVC_HTTP_PORT": "0",
    }

    outcome = spawn("run", file, "--workers", 2, env=environment)

    assert outcome.code == 4
    assert "mongo.unreachable" in outcome.out + outcome.err


@pytest.mark.servers
def test_workers_end_together_when_the_command_is_told_to(tmp_path: Path, file: Path) -> None:
    """One TERM to the command; its children are gone when it has ended."""
    from syncsvc.devstack.stack import Stack

    with Stack(connect=False) as stack:
        command = subprocess.Popen(
            [sys.executable, "-m", "syncsvc.cli", "run", str(file), "--workers", "2"],
            env={**os.environ, **stack.env(), "SYNCSVC_HTTP_PORT": "0"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert command.stdout is not None
        started = 0
        while started < 2:  # a line each
            started += '"started"' in (line := command.stdout.readline())
            assert line, "the workers ended"
        command.send_signal(signal.SIGTERM)
        told, _ = command.communicate(timeout=60)

        # The pipe is closed only when no child holds it any more.
        assert command.returncode == 0, told


@pytest.mark.parametrize("module", ["syncsvc", "syncsvc.cli"])
def test_the_command_can_be_run_as_a_module(module: str) -> None:
    """Where the environment's `bin` is not on the path: `python -m syncsvc` is the same command, named the same."""
    done = subprocess.run(
        [sys.executable, "-m", module, "validate", "nowhere.yaml"], capture_output=True, text=True, check=False
    )
    helped = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=False)

    assert (done.returncode, helped.returncode) == (2, 0)
    assert "nowhere.yaml" in done.stderr
    assert "Usage: syncsvc " in helped.stdout
