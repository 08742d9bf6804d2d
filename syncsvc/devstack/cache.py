"""
The folder where fetched servers are kept, so that nothing is fetched twice.

`$SYNCSVC_CACHE`, else `$XDG_CACHE_HOME/syncsvc`, else `~/.cache/syncsvc`.  One folder an artifact, named after its
version; made in a stage folder beside it, marked complete, then renamed in one step: a folder that has its name is
whole, whatever was killed and whenever.  Never removes anything; a user may delete the whole folder at any time the
stack is down.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from syncsvc.devstack import children

#: Shows one line to whoever waits; called from several threads.
Progress = Callable[[str], None]
#: In every complete folder; says when it was made.
MARKER = "complete"
#: Between two lines that say how many bytes have come, and that it still goes on when they cannot be counted.
REPORT_SECONDS, PATIENCE_SECONDS = 2.0, 10.0


def default_root() -> Path:
    """The cache folder of this user; not created here."""
    if own := os.environ.get("SYNCSVC_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "syncsvc"


def size_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`, which may be changing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


class Cache:
    """The cache folder, with the nursery for the programs that fill it."""

    def __init__(self, nursery: children.Nursery, progress: Progress, root: Path | None = None) -> None:
        self.root = (root or default_root()).absolute()
        self.nursery = nursery
        self.progress = progress

    def folder(self, name: str, make: Callable[[Path], None]) -> Path:
        """
        The complete folder `name`; `make(stage)` fills an empty folder when there is none yet.

        Two processes that want the same folder make it once: the second waits for the first.
        """
        place = self.root / name
        if (place / MARKER).exists():
            return place
        with self.lock(name):
            if (place / MARKER).exists():
                return place
            stage = self.root / f".{name}.stage"
            for leftover in (stage, place):
                shutil.rmtree(leftover, ignore_errors=True)
            stage.mkdir(parents=True)
            started = time.monotonic()
            make(stage)
            (stage / MARKER).write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
            stage.rename(place)
            megabytes = size_bytes(place) / 1e6
            self.progress(f"{name}: ready, {megabytes:.0f} MB in {time.monotonic() - started:.0f} s")
        return place

    def log(self, name: str) -> Path:
        """Where the programs that make `name` write; each has its own, since several are made at once."""
        return self.root / f"{name}.log"

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock file of `name` against every other thread and process."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f".{name}.lock").open("w") as file:
            waiting = False
            while not _taken(file.fileno()):
                if not waiting:
                    self.progress(f"{name}: another start of the stack is making it, waiting")
                waiting = True
                self.nursery.refuse_if_closed()
                time.sleep(children.LOOK_AGAIN_SECONDS)
            yield

    def watch(self, what: str, folder: Path) -> Callable[[], None]:
        """A function for `Nursery.run(watch=…)` that shows how many bytes have arrived in `folder`."""
        started = looked = said = time.monotonic()
        arrived = 0

        def look() -> None:
            nonlocal looked, said, arrived
            if time.monotonic() - looked < REPORT_SECONDS:
                return
            looked = time.monotonic()
            now = size_bytes(folder)
            # Maven and pip collect elsewhere and hand over at the end: then the time is all there is to show.
            if now > arrived or looked - said >= PATIENCE_SECONDS:
                said, arrived = looked, now
                self.progress(f"{what}: {now / 1e6:.1f} MB so far, {looked - started:.0f} s")

        return look


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
