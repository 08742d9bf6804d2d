"""
All looks at the same time, each given the same deadline.

A look is a function that yields findings; those it yielded before it failed or ran out of time are kept, so a slow
server does not hide what another one said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from syncsvc.doctor import connector, kafka, local, mongo, registry, source
from syncsvc.doctor.finding import Finding, State, fail, of_error
from syncsvc.errors import SyncError
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings
from syncsvc.source.registry import SETTING

Look = Callable[[], Iterable[Finding]]


@dataclass(slots=True)
class _Running:
    """One look in its thread."""

    area: str
    where: str
    look: Look
    found: list[Finding] = field(default_factory=list)
    thread: threading.Thread = field(init=False)

    def start(self) -> None:
        # A daemon: a look that hangs in a driver must not keep the command from ending.
        self.thread = threading.Thread(target=self._run, name=f"doctor-{self.area}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for finding in self.look():
                self.found.append(finding)
        except SyncError as error:
            self.found += of_error(self.area, error)
        except Exception as error:  # a check that cannot be made is told, and hides no other
            what = f"the check could not be made: {type(error).__name__}"
            fix = "report it with the versions of the servers, and go on with the other findings"
            self.found.append(fail(f"{self.area}.unexpected", self.where, what, fix))


def looks(pipelines: Sequence[Pipeline], settings: Settings) -> list[tuple[str, str, Look]]:
    """`(area, where, look)` of everything that the pipelines touch, in the order in which it is told."""
    return [
        *(("source", where, look) for where, look in source.looks(pipelines, settings)),
        ("connector", settings.connect_url or "SYNCSVC_CONNECT_URL", lambda: connector.look(pipelines, settings)),
        ("registry", settings.schema_registry_url or SETTING, lambda: registry.look(settings)),
        ("kafka", settings.kafka_bootstrap, lambda: kafka.look(pipelines, settings)),
        ("mongo", settings.mongo_database, lambda: mongo.look(pipelines, settings)),
        ("local", str(settings.state_dir), lambda: local.look(settings)),
    ]


def examine(wanted: Iterable[tuple[str, str, Look]], seconds: float) -> list[Finding]:
    """
    Carry out looks side by side; all findings, in the order of the looks.

    Args:
        seconds: after which a look that still waits counts as unreachable.
    """
    running = [_Running(area, where, look) for area, where, look in wanted]
    for one in running:
        one.start()
    until = time.monotonic() + seconds
    for one in running:
        one.thread.join(max(0.0, until - time.monotonic()))
    return [finding for one in running for finding in _told(one, seconds)]


def _told(one: _Running, seconds: float) -> Iterator[Finding]:
    yield from list(one.found)
    if one.thread.is_alive():
        what = f"no answer within {seconds:g} s"
        fix = "look whether it is overloaded or behind a firewall, or give it more time: --timeout"
        yield Finding(State.UNREACHABLE, f"{one.area}.slow", one.where, what, fix)
