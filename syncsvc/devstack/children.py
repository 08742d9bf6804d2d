"""
Child processes that never outlive us: the ground every server of the development stack stands on.

A `Nursery` starts them, each tethered to one thread that lives as long as the nursery (the kernel sends SIGKILL when
*that thread* ends, so a short-lived starter thread must not be the parent), and ends them all at once when it closes.
Output goes to a file; the last lines of it are in every error.  Knows nothing of any server.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from syncsvc import errors

TETHER = Path(__file__).with_name("tether.py")
#: Lines of a log shown in an error: enough for the cause at the end of a Java stack trace, still one screen.
TAIL_LINES = 20
#: Between two looks at a condition: far below what a person notices, 20 looks a second cost nothing.
LOOK_AGAIN_SECONDS = 0.05


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last `lines` lines of `log`, or a word that it is empty."""
    if not log.exists():
        return "(no output)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode("utf-8", "replace").strip()
    return "\n".join(text.splitlines()[-lines:]) or "(no output)"


class Child:
    """One running program."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """Process id; also the id of its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: ended by that signal."""
        return self._process.poll()

    def stop(self, seconds: float) -> None:
        """Ask it to end (SIGTERM) and wait; after `seconds` it is killed."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL); returns when it is gone."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            # The whole group: a Maven or apt we started may have children of its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class Nursery:
    """
    Starts programs and ends them all.

    Usable from several threads.  After `close` nothing can be started any more and every wait ends with an error: so
    an interrupt at any moment of a parallel start leaves nothing behind.
    """

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        # The parent of all children.  Its end (close, or the garbage collector taking us) is their end.
        self._parent = ThreadPoolExecutor(max_workers=1, thread_name_prefix="devstack-parent")

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: Path | None = None,
    ) -> Child:
        """
        Start `argv`; standard output and error are appended to `log`.

        Args:
            name: what an error calls it.
            env: variables added to ours.
            stdin: a file it reads; None: it reads nothing.
        """
        self.refuse_if_closed()
        try:
            return self._parent.submit(self._spawn, name, argv, log, env, cwd, stdin or Path(os.devnull)).result()
        except RuntimeError:  # closed between the two lines: the parent thread takes no more work
            self.refuse_if_closed()
            raise

    def _spawn(
        self, name: str, argv: Sequence[str], log: Path, env: Mapping[str, str] | None, cwd: Path | None, stdin: Path
    ) -> Child:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output, stdin.open("rb") as read, self._lock:
            self.refuse_if_closed()
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *argv],
                stdin=read,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone; we choose the order of stopping
            )
            child = Child(name, process, log)
            self._children.append(child)
        return child

    def run(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        fix: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: Path | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Run a program to its end.

        Args:
            fix: what to do when it fails, for the error.
            watch: called between two looks, to show progress.

        Raises:
            Unreachable: code `devstack.program_failed`, with the last lines of its output.
        """
        child = self.spawn(name, argv, log=log, env=env, cwd=cwd, stdin=stdin)
        while child.exit_code is None:
            watch()
            time.sleep(LOOK_AGAIN_SECONDS)
        self.refuse_if_closed()
        if child.exit_code != 0:
            what = f"{name} ended with exit code {child.exit_code}; it said:\n{tail(log)}"
            raise errors.Unreachable(code="devstack.program_failed", where=str(argv[0]), what=what, fix=fix)

    def wait_until(self, condition: Callable[[], bool], child: Child, seconds: float) -> None:
        """
        Wait until `condition()` holds while `child` runs.

        Raises:
            Unreachable: code `devstack.start_failed` when it ended, `devstack.start_slow` after `seconds`; both with
                the last lines of its log.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            self.refuse_if_closed()
            if child.exit_code is not None:
                what = f"{child.name} ended with exit code {child.exit_code} at its start; it said:\n{tail(child.log)}"
                fix = f"read {child.log}"
                raise errors.Unreachable(code="devstack.start_failed", where=child.name, what=what, fix=fix)
            if time.monotonic() > deadline:
                what = f"{child.name} was not ready after {seconds:.0f} s; it said:\n{tail(child.log)}"
                fix = f"read {child.log}; a very slow machine may need a second try"
                raise errors.Unreachable(code="devstack.start_slow", where=child.name, what=what, fix=fix)
            time.sleep(LOOK_AGAIN_SECONDS)

    def close(self) -> None:
        """Kill whatever still runs; further starts and waits are refused.  Servers are stopped before, gracefully."""
        with self._lock:
            self._closed.set()
            children = list(self._children)
        for child in children:
            child.kill()
        self._parent.shutdown(wait=False)

    def refuse_if_closed(self) -> None:
        """Raise `Unreachable` (code `devstack.stopped`) once `close` was called."""
        if self.closed:
            raise errors.Unreachable(
                code="devstack.stopped",
                where="devstack",
                what="the stack was stopped while one of its servers was starting",
                fix="start the stack again",
            )
