"""
How commands end: one exit code for each kind of failure, problems instead of tracebacks, nothing to see on Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from syncsvc.cli import ending
from syncsvc.errors import CheckFailed, Drift, SyncError, Unreachable, UsageFault
from tests.cli.conftest import Run, spawn


@pytest.mark.parametrize(("kind", "code"), [(CheckFailed, 1), (UsageFault, 2), (Drift, 3), (Unreachable, 4)])
def test_an_expected_failure_ends_with_its_exit_code(
    kind: type[SyncError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The problem is told on stderr as place, what and fix, without a traceback."""

    def command() -> Any:
        raise kind(code="some.code", where="somewhere", what="something is wrong", fix="mend it")

    assert ending.run(command, debug=False, as_json=False) == code
    assert capsys.readouterr().err == "somewhere  some.code\n  something is wrong\n  fix: mend it\n"


def test_an_unexpected_failure_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A person is not shown our stack unless they ask for it."""

    def command() -> Any:
        raise KeyError("lost")

    assert ending.run(command, debug=False, as_json=False) == 1
    assert "Traceback" not in (told := capsys.readouterr().err)
    assert "KeyError: 'lost'" in told

    assert ending.run(command, debug=True, as_json=False) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    """130, as shells know it, and not a word."""

    def command() -> Any:
        raise KeyboardInterrupt

    assert ending.run(command, debug=False, as_json=False) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_closes_its_pipe_is_no_failure(file: Path) -> None:
    """`syncsvc … | head -1` ends without noise."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "syncsvc.cli", "validate", str(file)],
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_wants_no_problems_takes_nothing_from_the_exit_code(tmp_path: Path) -> None:
    """`syncsvc validate … -o json | head -1` says 2 for a wrong file, and shows no traceback."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "syncsvc.cli", "validate", str(tmp_path / "none.yaml"), "-o", "json"],
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(write)

    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("name", ["meetings.yaml", "none.yaml"])
def test_a_full_disk_is_told_as_such(file: Path, name: str) -> None:
    """A report that could not be written is no success, and no fault of syncsvc."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "syncsvc.cli", "validate", str(file.with_name(name)), "-o", "json"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == (1 if name == file.name else 2)
    assert "output.unwritable" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_output_is_no_failure(file: Path) -> None:
    """`syncsvc validate FILE >&-` is asked for its exit code alone."""
    script = '"$0" -m syncsvc.cli validate "$1" >&-'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, str(file)], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_lacks_a_character_shows_its_number(file: Path) -> None:
    """The name of a collection in a locale without Unicode is no reason for a command to fail."""
    file.write_text(file.read_text().replace("collection: meetings", "collection: größe"))

    outcome = spawn("validate", file, env={"PYTHONIOENCODING": "ascii"})

    assert (outcome.code, outcome.err) == (0, "")
    assert "gr\\xf6\\xdfe" in outcome.out


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["nothing"], id="unknown command"),
        pytest.param(["validate"], id="no file"),
        pytest.param(["validate", "x.yaml", "--outptu", "table"], id="unknown option"),
        pytest.param(["status", "x.yaml", "--every", "soon"], id="not a number"),
        pytest.param(["parked"], id="no subcommand"),
    ],
)
def test_a_wrong_command_line_ends_with_2(run: Run, words: list[str]) -> None:
    """What is wrong with it, and where help is."""
    outcome = run(*words)

    assert outcome.code == 2
    assert outcome.out == ""
    assert "usage.wrong" in outcome.err
    assert "--help" in outcome.err


def test_problems_can_be_had_as_json(run: Run) -> None:
    """One document on stdout, also when the command line itself is wrong."""
    outcome = run("validate", "--nonsense", "--output", "json")

    assert (outcome.code, outcome.err) == (2, "")
    assert outcome.codes == ["usage.wrong"]


def test_help_is_shown_without_a_command(run: Run) -> None:
    """All commands, and what the exit codes mean."""
    outcome = run()

    assert outcome.code == 0
    commands = ("validate", "doctor", "plan", "apply", "run", "status", "offsets", "trace", "verify", "parked", "dev")
    for command in (*commands, "demo"):
        assert f"  {command} " in outcome.out


def test_help_needs_no_driver() -> None:
    """Completion and help stay quick: what a command needs is imported by the command."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from syncsvc import cli; cli.main(['--help']); print(*sys.modules)"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip

    assert not {"aiokafka", "faust", "pymongo", "pymysql", "ruamel"} & set(told.split())


def test_no_colour_is_written_into_a_pipe(file: Path) -> None:
    """A pipe gets plain text, as wide as it has to be; a forced terminal obeys NO_COLOR."""
    piped = spawn("validate", file)
    forced = spawn("validate", file, env={"FORCE_COLOR": "1", "NO_COLOR": "1"})

    assert "\x1b[3" not in piped.out + forced.out
    assert str(file) in piped.out


def test_watching_ends_quietly_on_ctrl_c() -> None:
    """A command that runs for ever is ended by its user: that is no failure to explain."""
    script = (
        "import os, signal, sys\nfrom syncsvc.cli import ending\n"
        "sys.exit(ending.run(lambda: (print('ready', flush=True), signal.pause()), debug=False, as_json=False))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    assert (process.returncode, told) == (130, "")
