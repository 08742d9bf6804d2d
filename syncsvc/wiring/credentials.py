"""
Mounted secrets that only a new process reads: watched, so that who runs for long leaves when one of them has changed.

aiokafka keeps the password of a client, and MongoDB's driver user, password and certificates, as long as they live.
Connections that are open go on after a change, so nothing breaks at once; the next one would be refused.  What needs
no restart is not watched: certificates for Kafka (`tls.ReloadingContext`), everything of the schema registry, and the
source, which commands connect to anew each time.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from syncsvc.settings import PREFIX, Settings

#: EX_TEMPFAIL of sysexits.h: not 0, for a supervisor that restarts on failures only must do so too.
START_AGAIN = 75
#: Between two looks.  Kubernetes itself takes up to a minute to bring a changed Secret into a pod.
LOOK_SECONDS = 5.0
WATCHED = (
    "kafka_password_file",
    "mongo_uri_file",
    "mongo_password_file",
    "mongo_ca_file",
    "mongo_certificate_file",
    "mongo_key_file",
)


class Secrets:
    """The watched files of a process, as they were when this was made: before the first of them is used."""

    def __init__(self, settings: Settings) -> None:
        given = {name: getattr(settings, name) for name in WATCHED}
        self._files: dict[str, Path] = {name: file for name, file in given.items() if file is not None}
        self._before = self._now()

    async def watch(self, changed: Callable[[Sequence[str]], None], look_seconds: float = LOOK_SECONDS) -> None:
        """
        Calls `changed` once, with the names of the settings, and returns.

        A change counts when two looks see the same: a file that is being written, or a Secret whose files come one
        after the other, is waited for.  A file that is gone is no change, but one that may still come.
        """
        last = self._before
        while self._files:
            await asyncio.sleep(look_seconds)
            now = await asyncio.to_thread(self._now)
            found = [name for name, digest in now.items() if digest is not None and digest != self._before[name]]
            if found and now == last:
                changed([PREFIX + name.upper() for name in found])
                return
            last = now

    def _now(self) -> dict[str, bytes | None]:
        """Digests, for what is secret is not kept; None: the file is not there."""
        return {name: _digest(file) for name, file in self._files.items()}


def _digest(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
