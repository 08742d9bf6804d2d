"""
A bound on the CPU of one process, as a container's limit is: a control group of its own.

For what a machine with few cores cannot show otherwise: what a second worker brings where cores are not what is short.
Refuses, with what to do, where groups cannot be made (not Linux, not root).
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from syncsvc.errors import UsageFault

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000  # the kernel's default, and Kubernetes'


def make(cores: float) -> Path:
    """
    A group whose processes may use so many cores together; `remove` it when they are gone.

    Raises:
        UsageFault: `bench.no_quota`.
    """
    first = ROOT / "cpu"  # version 1 mounts each controller apart
    versions = {first: ("cpu.cfs_quota_us", "{quota}"), ROOT: ("cpu.max", "{quota} {period}")}
    parent = first if first.exists() else ROOT
    name, text = versions[parent]
    group = parent / f"syncsvc-bench-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        (group / name).write_text(text.format(quota=int(cores * PERIOD_US), period=PERIOD_US))
    except OSError as error:
        raise UsageFault(
            code="bench.no_quota", where=str(group), what=f"no control group can be made: {error.strerror}",
            fix="run it as root on Linux, or leave the bound out",
        ) from None  # fmt: skip
    return group


def enter(group: Path) -> None:
    """Moves this process, with what it forks, into a group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


def remove(group: Path) -> None:
    """Removes a group without processes."""
    group.rmdir()
