"""
The demo, as a person runs it: in a process of its own, from the command line, on real servers.

Every process of a demo inherits a `TMPDIR` that no other process has; so what it leaves behind can be found.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
SMALL = ["--meetings", "50", "--users", "50", "--applications", "250"]
CANNOT_BE_HAD = "devstack.server_missing"
#: A loaded machine needs a minute to start two Java servers.
PATIENCE_SECONDS = 240
GONE_SECONDS = 30
ALL_OF_THEM = 7  # itself, four servers, two workers


@pytest.fixture
def start(tmp_path):
    """Starts `syncsvc demo` with arguments; killed at the end if it still runs."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "syncsvc.cli", "demo", *SMALL, *arguments],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _left(folder):
    """Processes that inherited the `TMPDIR`."""
    wanted, found = f"TMPDIR={folder}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ")[:80])
        except OSError:  # it ended meanwhile
            continue
    return found


def _left_in_the_end(folder):
    deadline = time.monotonic() + GONE_SECONDS
    while _left(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return _left(folder)


def _read_until(process, words):
    told = ""
    for line in process.stderr:
        told += line
        if words in line:
            return
    if CANNOT_BE_HAD in told:
        pytest.skip(told)
    pytest.fail(f"it ended before it said {words!r}:\n{told}")


def test_on_mariadb_it_tells_every_change_and_ends_with_one_line(start, tmp_path):
    """Exit code 0, the line last on standard output, and nothing is left: no process, no folder."""
    process = start()
    out, told = process.communicate(timeout=PATIENCE_SECONDS)
    if CANNOT_BE_HAD in told:
        pytest.skip(told)

    assert process.returncode == 0, told
    line = json.loads(out.splitlines()[-1])
    assert (line["documents"], line["equal"]) == (50, True)
    assert line["first_copy_seconds"] > 0
    assert 0 < line["change_latency_ms"]["p50"] <= line["change_latency_ms"]["p99"]
    kinds = ("insert", "update", "delete", "move", "rename", "create again")
    assert [kind for kind in kinds if f"\n  {kind} " not in told] == []
    assert _left(tmp_path) == []
    assert list(tmp_path.glob("syncsvc-stack-*")) == []


def test_on_mysql_with_json_output_it_prints_the_line_and_nothing_else(start):
    """The other kind of server is one option away; for scripts, standard error stays empty too."""
    process = start("--sql", "mysql", "--output", "json")
    out, told = process.communicate(timeout=PATIENCE_SECONDS)
    if CANNOT_BE_HAD in out:
        pytest.skip(out)

    assert process.returncode == 0, out
    assert (json.loads(out)["documents"], json.loads(out)["equal"]) == (50, True)
    assert told == ""


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("mongod: answers", id="while servers start"),
        pytest.param("connector registered", id="in the first copy"),
    ],
)
def test_ctrl_c_leaves_nothing_behind(start, tmp_path, moment):
    """Neither a process nor a folder, and the exit code of an interrupted command."""
    process = start()
    _read_until(process, moment)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert _left(tmp_path) == []
    assert list(tmp_path.glob("syncsvc-stack-*")) == []


def test_a_killed_demo_takes_its_servers_and_workers_with_it(start, tmp_path):
    """`kill -9` cannot be caught; the kernel ends the children."""
    process = start()
    _read_until(process, "connector registered")
    assert len(_left(tmp_path)) == ALL_OF_THEM

    process.kill()

    assert _left_in_the_end(tmp_path) == []


def test_kept_up_it_says_where_everything_is_and_ctrl_c_is_no_failure(start, tmp_path):
    """With `--keep` the line comes first and the servers stay; Ctrl-C is then the way to end it."""
    process = start("--keep")
    _read_until(process, "staying up")
    running = _left(tmp_path)

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert len(running) == ALL_OF_THEM
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["equal"] is True
    assert _left(tmp_path) == []
