"""
CPU and memory of process trees, and what the rest of the machine did meanwhile; from /proc, so Linux only.

The same figures as the benchmark kit's harness takes: a tree is a process with all its living descendants.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLE_SECONDS = 0.25  # between two looks at memory
#: A run is noisy when others took more than this share of all cores, and more than this many seconds.
NOISE_SHARE, NOISE_SECONDS = 0.05, 1.0


def stat(pid: int) -> tuple[int, float, int]:
    """`(parent, CPU seconds with reaped children, resident bytes)` of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / TICK, int(fields[21]) * PAGE


def tree(root: int) -> dict[int, tuple[float, int]]:
    """`{pid: (CPU seconds, resident bytes)}` of a process and its living descendants."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = stat(int(entry))
            except (OSError, IndexError):
                continue  # it ended while we looked
    pids = [root] if root in found else []
    for pid in pids:
        pids += [child for child, figures in found.items() if figures[0] == pid]
    return {pid: found[pid][1:] for pid in pids}


def listener(port: int) -> int:
    """
    Pid of the process that listens on a port of this machine.

    Raises:
        LookupError: nobody does, or it is another user's.
    """
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for entry in filter(str.isdigit, os.listdir("/proc")):
        if inodes.intersection(_open_files(Path("/proc", entry, "fd"))):
            return int(entry)
    raise LookupError(f"nothing listens on port {port}")


def _open_files(folder: Path) -> Iterator[str]:
    """What a process has open; nothing of one that has ended, or is another user's."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):  # closed meanwhile: a broker that deletes a topic closes hundreds
            yield os.readlink(folder / name)


def port_of(address: str) -> int:
    """The first port named in a bootstrap list or a connection string."""
    found = re.search(r":(\d+)", address.rpartition("//")[2])
    assert found is not None, address
    return int(found[1])


def busy_seconds() -> float:
    """CPU seconds of the whole machine since it started."""
    fields = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields[:3]) + fields[5] + fields[6]) / TICK


def noisy(others: float, wall: float) -> bool:
    """Whether the rest of the machine did too much for the wall to be worth anything; both in seconds."""
    return others > max(NOISE_SECONDS, NOISE_SHARE * (os.cpu_count() or 1) * wall)


class Meter:
    """
    CPU seconds by part since it was made or reset, and the peak memory of the system.

    Args:
        systems: root pids of the system under test.
        servers: `{part: pid}` of others that are shown by name.
    """

    def __init__(self, systems: Sequence[int], servers: Mapping[str, int]) -> None:
        self._systems, self._servers = systems, servers
        self._over = threading.Event()
        self.reset()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """Begins anew: CPU, wall and peak."""
        self.peak_bytes = 0
        self._began, self._base = time.perf_counter(), self._read()

    def _read(self) -> dict[str, float]:
        parts = [figures for root in self._systems for figures in tree(root).values()]
        self.peak_bytes = max(self.peak_bytes, sum(size for _, size in parts))
        used = {"system": sum(cpu for cpu, _ in parts), "benchmark": sum(os.times()[:2]), "total": busy_seconds()}
        return used | {part: stat(pid)[1] for part, pid in self._servers.items()}

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            size = sum(size for root in self._systems for _, size in tree(root).values())
            self.peak_bytes = max(self.peak_bytes, size)

    def used(self) -> dict[str, float]:
        """CPU seconds by part; `others`: the rest of the machine."""
        used = {part: value - self._base[part] for part, value in self._read().items()}
        used["others"] = used.pop("total") - sum(used.values())
        return {part: round(value, 2) for part, value in used.items()}

    def report(self) -> dict[str, Any]:
        """`{wall_s, cpu_s, peak_rss_mb, noisy}` since the last reset."""
        wall, used = time.perf_counter() - self._began, self.used()
        return {
            "wall_s": round(wall, 2), "cpu_s": used, "peak_rss_mb": round(self.peak_bytes / 1e6),
            "noisy": noisy(used["others"], wall),
        }  # fmt: skip

    def close(self) -> None:
        """Stops sampling."""
        self._over.set()
        self._thread.join()
