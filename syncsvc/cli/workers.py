"""
Several worker processes of one command, for a laptop: the first one that ends takes the others with it.

In production a supervisor (Kubernetes, compose) runs one process a container and starts it again; here nobody would,
and half of the workers without a word is worse than none.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from syncsvc.settings import Settings

#: Between two looks whether all of them still run.
LOOK_AGAIN_SECONDS = 0.2
#: How long a worker has to end, 40 s of it for its partitions; then it is killed, which the fences survive.
STOP_SECONDS = 50.0


def run(files: Iterable[Path], settings: Settings, count: int) -> int:
    """Run `count` workers until TERM, Ctrl-C or the end of one of them; the first exit code that is not 0."""
    stop: list[int] = []

    def asked(number: int, frame: FrameType | None) -> None:
        stop.append(number)

    before = {number: signal.signal(number, asked) for number in (signal.SIGTERM, signal.SIGINT)}
    workers: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            workers.append(_started(files, settings, number))
        while not stop and all(worker.poll() is None for worker in workers):
            time.sleep(LOOK_AGAIN_SECONDS)
    finally:
        codes = _ended(workers)
        for name, handler in before.items():
            signal.signal(name, handler)
    return next((code for code in codes if code), 0)


def _started(files: Iterable[Path], settings: Settings, number: int) -> subprocess.Popen[bytes]:
    port = settings.http_port + number if settings.http_port else 0
    environment = {**os.environ, "SYNCSVC_HTTP_PORT": str(port)}
    if settings.instance:
        environment["SYNCSVC_INSTANCE"] = f"{settings.instance}-{number}"
    # A group of its own: Ctrl-C in the terminal comes to us alone, and we pass on one TERM each.
    return subprocess.Popen(
        [sys.executable, "-m", "syncsvc.cli", "run", *map(str, files)], env=environment, start_new_session=True
    )


def _ended(workers: Iterable[subprocess.Popen[bytes]]) -> list[int]:
    """Exit codes, the first one that ended by itself before those that were asked to."""
    first = sorted(workers, key=lambda worker: worker.poll() is None)
    for worker in first:
        if worker.poll() is None:
            worker.terminate()
    until = time.monotonic() + STOP_SECONDS
    for worker in first:
        try:
            worker.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    return [worker.returncode for worker in first]
