"""
The workers of the demo: `syncsvc run` as real processes, each with its own state folder, port and log.

They die with this process, however it ends (see `devstack.children`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from syncsvc import errors, settings
from syncsvc.devstack import children, server

#: Starts a worker; the mapping file follows.
COMMAND = (sys.executable, "-m", "syncsvc.cli", "run")
#: Where `-m` finds this package, installed or not.
PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Worker:
    """One running worker."""

    child: children.Child
    #: Of its page, without a slash at the end.
    url: str


class Workers:
    """
    Some workers on the same pipeline.

    Args:
        nursery: owns the processes.
    """

    def __init__(self, nursery: children.Nursery) -> None:
        self._nursery = nursery
        self.running: list[Worker] = []

    def start(self, folder: Path, environment: Mapping[str, str], pipeline: Path, count: int) -> None:
        """
        Start `count` of them; they come up in the background.

        Args:
            folder: for their logs and state.
            environment: the addresses of the servers (`Stack.env`).
        """
        for number in range(1, count + 1):
            name, port = f"worker-{number}", server.free_port()
            own = {
                "SYNCSVC_STATE_DIR": str(folder / name / "state"),
                "SYNCSVC_HTTP_PORT": str(port),
                "SYNCSVC_LOG_FORMAT": "text",
            }
            log = folder / name / f"{name}.log"
            known = {**_nothing_set(), **environment, **own}
            child = self._nursery.spawn(name, [*COMMAND, str(pipeline)], log=log, env=known, cwd=PACKAGE)
            self.running.append(Worker(child, f"http://{server.HOST}:{port}"))

    def check(self) -> None:
        """
        Make sure that all of them still run.

        Raises:
            Unreachable: code `demo.worker_ended`, with the last lines of its log.
        """
        for worker in self.running:
            code = worker.child.exit_code
            if code is not None:
                what = f"{worker.child.name} ended with exit code {code}; it said:\n{children.tail(worker.child.log)}"
                fix = "this is a fault of syncsvc: please report it with these lines"
                raise errors.Unreachable(code="demo.worker_ended", where=worker.child.name, what=what, fix=fix)


def _nothing_set() -> dict[str, str]:
    """Every setting as if it were absent: the demo does not follow the settings of its user's production."""
    return {settings.PREFIX + setting.name.upper(): "" for setting in fields(settings.Settings)}
