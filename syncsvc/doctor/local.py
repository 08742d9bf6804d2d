"""
This machine: where the state cache lies.  Nothing is written to find out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from syncsvc.doctor.finding import Finding, fail, ok, warn
from syncsvc.settings import Settings
from syncsvc.state.folder import standing

MOUNTS = Path("/proc/self/mountinfo")
#: File systems whose locks or memory maps are not those of a local disk; LMDB needs both.
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs", "lustre")
IN_MEMORY = ("tmpfs", "ramfs")
GIB = 1 << 30
FEW_BYTES, NEXT_TO_NONE = GIB, GIB // 8
SETTING = "SYNCSVC_STATE_DIR"


def look(settings: Settings, mounts: Path = MOUNTS) -> Iterator[Finding]:
    """The folder of the state cache: writable, on a local disk, with space left."""
    folder = settings.state_dir.absolute()
    there = standing(folder)
    yield writable(folder, there)
    yield file_system(folder, _kind(there.resolve(), mounts))
    usage = shutil.disk_usage(there)
    yield space(folder, usage.free)


def writable(folder: Path, there: Path) -> Finding:
    """A worker can make its files; `there` is the folder, or what would hold it."""
    read_only = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    if there.is_dir() and not read_only and os.access(there, os.W_OK | os.X_OK):
        return ok("local.state_dir", str(folder), "writable" if there == folder else "is made by the first worker")
    why = "is on a file system mounted read-only" if read_only else "cannot be written by this user"
    fix = f"give it to the user that runs syncsvc, mount a volume there, or name another folder in {SETTING}"
    return fail("local.state_dir", str(folder), f"{there} {why}", fix)


def file_system(folder: Path, kind: str | None) -> Finding:
    """LMDB maps its file and locks it; the network and memory are the wrong places for that."""
    check = "local.file_system"
    if kind in REMOTE:
        what = f"it is on {kind}: locks and memory maps of the state cache do not hold over a network"
        return fail(check, str(folder), what, f"name a folder on a local disk in {SETTING}; it is only a cache")
    if kind in IN_MEMORY:
        what = f"it is on {kind}: the cache counts as memory, and is read again from MongoDB after a restart"
        return warn(check, str(folder), what, f"name a folder on a local disk in {SETTING}")
    return ok(check, str(folder), f"on {kind or 'a file system that this system does not name'}")


def space(folder: Path, free_bytes: int) -> Finding:
    """Room for the cache to grow."""
    what = f"{free_bytes / GIB:.1f} GiB free"
    fix = f"free some, or name a folder on a larger disk in {SETTING}"
    if free_bytes < NEXT_TO_NONE:
        return fail("local.space", str(folder), f"{what}: a worker ends when its cache cannot grow", fix)
    if free_bytes < FEW_BYTES:
        return warn("local.space", str(folder), what, fix)
    return ok("local.space", str(folder), what)


def _kind(path: Path, mounts: Path) -> str | None:
    """Kind of the file system that holds a path: that of the longest mount point above it."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:  # no Linux
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        if path.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = (len(point.parts), after.split()[0])
    return None if found is None else found[1]
