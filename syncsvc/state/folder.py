"""
A folder of the cache: owned by one process, and thrown away when the machine was restarted in between.

The owner holds a lock on the file `lock`; it ends with the process, however that ends.  The file `boot` names the
boot of the machine under which the rest was written: pages are never fsynced, so under another boot they are refused
and removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import lmdb

from syncsvc.errors import Unreachable

#: How many folders stand side by side at most: one for the owner, the others for owners that have not let go yet.
MOST_SIBLINGS = 8

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def claim(path: Path) -> IO[bytes]:
    """
    Make the folder ours until the returned file is closed; empty it when another boot wrote it.

    Raises:
        Unreachable: `state.locked`, when another process holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = (path / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Unreachable(
            code="state.locked",
            where=str(path),
            what="another process holds this state folder",
            fix="stop that process, or give this one a SYNCSVC_STATE_DIR of its own",
        ) from None
    boot = path / "boot"
    current = _boot_id()
    # No boot id (not Linux): nothing can be trusted, start empty each time.
    if not current or not boot.exists() or boot.read_bytes() != current:
        for name in ("data.mdb", "lock.mdb"):
            (path / name).unlink(missing_ok=True)
        # Written after the removal: killed in between, the next owner removes again.
        boot.write_bytes(current)
    return lock


@contextlib.contextmanager
def written(path: Path) -> Iterator[None]:
    """
    Says what a failure to write into the folder means: LMDB calls a full disk an input/output error.

    Raises:
        Unreachable: `state.unwritable`.
    """
    try:
        yield
    except (lmdb.Error, OSError) as error:
        free = shutil.disk_usage(standing(path)).free >> 20
        raise Unreachable(
            code="state.unwritable",
            where=str(path),
            what=f"the state cache cannot be written ({error}); {free} MiB are free there",
            fix="make room and let this user write there, or name another folder in SYNCSVC_STATE_DIR: it is a cache",
        ) from None


def standing(path: Path) -> Path:
    """The folder itself, or the nearest above it that is there: what would hold it."""
    return next(place for place in (path, *path.parents) if place.exists())


def siblings(path: Path) -> list[Path]:
    """
    `path`, `path~1`, `path~2`, ..: where to look when the one before is locked.

    After a rebalance inside one host the old owner may hold its folder for a moment; the new one goes beside it, for
    it is only a cache.
    """
    return [path, *(path.with_name(f"{path.name}~{number}") for number in range(1, MOST_SIBLINGS))]


def _boot_id() -> bytes:
    return _BOOT_ID.read_bytes().strip() if _BOOT_ID.exists() else b""
