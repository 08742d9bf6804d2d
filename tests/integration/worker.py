"""
One worker process, with a state folder, a log and a port of its own, that a test may treat as badly as it likes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from syncsvc.devstack import children, server
from tests.integration.waiting import wait_until

ROOT = Path(__file__).parents[2]
#: How soon Kafka takes a silent worker for dead: longer than a loaded machine keeps a healthy one from its heartbeat.
SESSION_SECONDS = 4.0


class Worker:
    """
    One process of the service.

    Args:
        nursery: starts it, and ends it at the latest with the tests.
        folder: for its state and its log.
        mapping: the file it runs.
        settings: its environment, but for folder and port.
    """

    def __init__(self, nursery: children.Nursery, folder: Path, mapping: Path, settings: Mapping[str, str]) -> None:
        self.name = folder.name
        self.state, self.log = folder / "state", folder / "log"
        self.port = server.free_port()
        #: Settings that only this worker has.
        self.environment: dict[str, str] = {}
        self._nursery, self._mapping, self._settings = nursery, mapping, settings
        #: Whether it is meant to run; Kubernetes starts it again when it ended all the same.
        self.wanted = False
        self._child: children.Child | None = None

    def start(self) -> None:
        """Starts the process; returns at once."""
        self.wanted = True
        command = [sys.executable, "-m", "syncsvc.cli", "run", str(self._mapping)]
        own = {
            "SYNCSVC_STATE_DIR": str(self.state), "SYNCSVC_HTTP_PORT": str(self.port),
            "SYNCSVC_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS), **self.environment,
        }  # fmt: skip
        self._child = self._nursery.spawn(self.name, command, log=self.log, env={**self._settings, **own}, cwd=ROOT)

    def kill(self, *, forget: bool = False) -> None:
        """Ends it as a power cut would; its state folder may be lost with it."""
        self.wanted = False
        if self._child is not None:
            self._child.kill()
        if forget:
            shutil.rmtree(self.state, ignore_errors=True)

    def signal(self, number: signal.Signals) -> None:
        """Freezes it (SIGSTOP), lets it go on (SIGCONT) or asks it to leave (SIGTERM)."""
        assert self._child is not None
        os.kill(self._child.pid, number)

    def leave(self) -> int:
        """Asks it to leave, as Kubernetes does; returns the exit code."""
        self.wanted = False
        self.signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Waits for the end of the process; returns the exit code."""
        wait_until(lambda: not self.running, lambda: f"{self.name} does not end\n{self.tail()}")
        assert self._child is not None
        assert self._child.exit_code is not None
        return self._child.exit_code

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.exit_code is None

    def tail(self) -> str:
        """The last lines it wrote."""
        return f"--- {self.name}\n{children.tail(self.log, 40)}"

    def page(self, path: str) -> str:
        """What it serves; empty while it does not answer with success."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def counters(self) -> dict[tuple[str, str], float]:
        """`{(metric, table): value}` of what became of the events of each table, summed over the other labels."""
        found: dict[tuple[str, str], float] = {}
        for family in text_string_to_metric_families(self.page("/metrics")):
            if family.name.startswith("syncsvc_events_"):
                for sample in family.samples:
                    if sample.name.endswith("_total"):
                        place = (family.name.removeprefix("syncsvc_events_"), sample.labels["table"])
                        found[place] = found.get(place, 0) + sample.value
        return found

    def ready(self) -> None:
        """Waits until it has partitions and their state."""
        wait_until(lambda: self.page("/ready") or not self.running, lambda: f"{self.name} is not ready\n{self.tail()}")
        assert self.running, self.tail()
