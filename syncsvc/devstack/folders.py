"""
The folder a stack runs in: owned by one process at a time, described for the others, swept when its owner is gone.

Ownership is a lock that the kernel drops when the process ends, however it ends; so "does it run?" needs no guess from
a process id.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from syncsvc import errors
from syncsvc.devstack import cache, server

#: Start of the name of every folder that is made for one run.
PREFIX = "syncsvc-stack-"
LOCK, PORTS, DESCRIPTION = "owner.lock", "ports.json", "stack.json"
#: How long `end` waits for the owner to stop its servers.
END_SECONDS = 60.0


class Folder:
    """A folder this process owns."""

    def __init__(self, path: Path, lock: IO[bytes], *, kept: bool) -> None:
        self.path = path
        self._lock = lock
        self._kept = kept
        self._ports: dict[str, int] = _read(path / PORTS)

    def port(self, name: str) -> int:
        """A free port for this server: the one it had here before, if that is still free."""
        port = self._ports.get(name)
        if port is None or not server.is_free(port):
            port = self._ports[name] = server.free_port()
            (self.path / PORTS).write_text(json.dumps(self._ports))
        else:
            server.hold(port)
        return port

    def describe(self, environment: Mapping[str, str]) -> None:
        """Say to other processes that the stack is up, and its environment."""
        (self.path / DESCRIPTION).write_text(json.dumps({"pid": os.getpid(), "env": dict(environment)}))

    def leave(self) -> None:
        """Give it up; removed unless its user named it.  Idempotent."""
        if self._lock.closed:
            return
        (self.path / DESCRIPTION).unlink(missing_ok=True)
        if not self._kept:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def take(store: cache.Cache, root: Path | None) -> Folder:
    """
    Own `root`, or a new folder; removes those of earlier runs whose owner was killed.

    Raises:
        Unreachable: `devstack.running`, another process owns `root`.
    """
    with store.lock("folders"):
        if root is None:
            _sweep()
            path = Path(tempfile.mkdtemp(prefix=PREFIX))
        else:
            path = root.absolute()
            path.mkdir(parents=True, exist_ok=True)
        lock = _owned(path)
    if lock is None:
        fix = "end it with `syncsvc dev down`, or use another folder"
        raise errors.Unreachable(code="devstack.running", where=str(path), what="a stack runs in this folder", fix=fix)
    (path / DESCRIPTION).unlink(missing_ok=True)
    return Folder(path, lock, kept=root is not None)


def default() -> Path:
    """The folder of the stack that `syncsvc dev up` keeps between runs."""
    return cache.default_root() / "stack"


def environment(path: Path) -> dict[str, str] | None:
    """The environment of the stack that is up in `path`; None: none is up there."""
    found = _description(path)
    return None if found is None else dict(found["env"])


def end(path: Path) -> bool:
    """
    Ask the owner of the stack in `path` to end, and wait until it has; False: none is up there.

    Raises:
        Unreachable: `devstack.does_not_end`.
    """
    found = _description(path)
    if found is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(found["pid"], signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while _description(path) is not None:
        if time.monotonic() > deadline:
            what = f"process {found['pid']} still runs {END_SECONDS:.0f} s after it was asked to end"
            fix = f"kill -9 {found['pid']}: its servers die with it"
            raise errors.Unreachable(code="devstack.does_not_end", where=str(path), what=what, fix=fix)
        time.sleep(0.1)
    return True


def _description(path: Path) -> dict[str, Any] | None:
    """What `describe` wrote, while its writer lives."""
    if not (path / LOCK).exists():
        return None
    lock = _owned(path)
    if lock is not None:  # nobody had it
        lock.close()
        return None
    return _read(path / DESCRIPTION) or None


def _owned(path: Path) -> IO[bytes] | None:
    """The lock of the folder, held; None: someone else holds it."""
    lock = (path / LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _sweep() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's
            if (path / LOCK).exists() and (lock := _owned(path)) is not None:
                shutil.rmtree(path, ignore_errors=True)
                lock.close()


def _read(file: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when it is not there or was cut short by a kill."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
