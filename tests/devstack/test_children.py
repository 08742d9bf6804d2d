"""Child processes: they die with their parent, and their errors say what they said."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from syncsvc import errors
from syncsvc.devstack import children
from tests.devstack import processes

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """Servers are started by short-lived threads; the kernel's tether must not be tied to those."""
    nursery = children.Nursery()
    found: list[children.Child] = []
    thread = threading.Thread(target=lambda: found.append(nursery.spawn("sleep", SLEEP, log=tmp_path / "log")))
    thread.start()
    thread.join()
    assert not processes.eventually(lambda: found[0].exit_code is not None, seconds=0.5)
    nursery.close()
    assert not processes.alive(found[0].pid)


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    """After SIGKILL nobody is left to clean up, so the kernel does."""
    program = f"""
import pathlib, sys, time
from syncsvc.devstack import children
nursery = children.Nursery()
print(nursery.spawn("sleep", {SLEEP!r}, log=pathlib.Path({str(tmp_path / "log")!r})).pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert processes.alive(child)
        parent.kill()
    assert processes.eventually(lambda: not processes.alive(child))


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """Stopping has a deadline."""
    nursery = children.Nursery()
    ready = tmp_path / "ready"
    deaf = f"import signal, pathlib, time; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch(); "
    child = nursery.spawn("deaf", [sys.executable, "-c", deaf + "time.sleep(600)"], log=tmp_path / "log")
    nursery.wait_until(ready.exists, child, 30)
    child.stop(0.2)
    assert child.exit_code == -9
    nursery.close()


def test_the_error_of_a_failed_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    """Whoever reads it need not look for the log file first."""
    nursery = children.Nursery()
    child = nursery.spawn("talker", [sys.executable, "-c", "raise SystemExit('no disk left')"], log=tmp_path / "log")
    with pytest.raises(errors.Unreachable, match="no disk left") as caught:
        nursery.wait_until(lambda: False, child, 30)
    assert caught.value.problems[0].code == "devstack.start_failed"
    nursery.close()


def test_a_failed_program_says_its_exit_code_and_its_words(tmp_path: Path) -> None:
    """A program that fetches something and fails is reported with the way out."""
    nursery = children.Nursery()
    with pytest.raises(errors.Unreachable, match=r"exit code 1; it said:\nno route") as caught:
        nursery.run("fetch", [sys.executable, "-c", "raise SystemExit('no route')"], log=tmp_path / "log", fix="try")
    assert caught.value.problems[0].fix == "try"
    nursery.close()


def test_after_close_nothing_starts(tmp_path: Path) -> None:
    """An interrupt in the middle of a parallel start must not be overtaken by a late starter."""
    nursery = children.Nursery()
    nursery.close()
    with pytest.raises(errors.Unreachable) as caught:
        nursery.spawn("sleep", SLEEP, log=tmp_path / "log")
    assert caught.value.problems[0].code == "devstack.stopped"
