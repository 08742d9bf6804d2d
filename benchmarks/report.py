"""
The table of a run, as Markdown that can be pasted into docs/performance.md.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import pairs, targets
from benchmarks.targets import Line, Measured

HEAD = ("", "rival", "ours", "measured", "target", "")


def text(measured: Measured, left_out: Sequence[str]) -> str:
    """Everything that is to be read: what against which target, the floor, noise, and what was left out."""
    parts = [f"{_when()}\n", _table(targets.lines(measured))]
    floor, noise = list(_floor(measured)), list(_noise(measured))
    parts += [f"\n{line}" for line in (*floor, *noise)]
    if "stages" in measured:
        parts.append("\n" + _stages(measured["stages"]))
    if left_out:
        parts.append("\nLEFT OUT: " + "; ".join(left_out))
    return "\n".join(parts)


def _when() -> str:
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    machine = f"{cores} cores, {memory} GiB, Python {platform.python_version()}"
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    return f"Measured {time.strftime('%Y-%m-%d %H:%M')} on {machine}; `{command}`."


def _table(lines: Sequence[Line]) -> str:
    rows = [HEAD, *map(_cells, lines)]
    shown = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([shown[0], "|" + "---|" * len(HEAD), *shown[1:]])


def _cells(line: Line) -> tuple[str, ...]:
    target = f"{'≤' if line.most else '≥'} {line.target:,g}"
    verdict = "ok" if line.ok else "**not met**"
    return line.what, line.rival, line.ours, f"{line.measured:,g}", target, f"{verdict} {line.note}".strip()


def _stages(lines: Sequence[dict[str, Any]]) -> str:
    rows = [
        f"| {one['stage']} | {one['part']} | {one['unit']} | {one['cpu_us']:g} | {one.get('mongod_us', '')} |"
        for one in lines
    ]
    return "\n".join(["| stage | | unit | µs of CPU | of mongod |", "|---|---|---|---|---|", *rows])


def _floor(measured: Measured) -> Iterator[str]:
    """How far we are from consume + decode + write, one after the other, without any join."""
    for phase in ("bootstrap", "stream"):
        if "limits" not in measured or phase not in measured:
            continue
        floor = measured["limits"][phase]["floor"]
        ours = {part: pairs.median(measured[phase], "ours", "cpu_s", part) for part in ("system", "mongod")}
        wall = pairs.median(measured[phase], "ours", "wall_s")
        yield (
            f"Floor, {phase}: {floor['serial_s']} s one after the other, {floor['client_cpu_s']} s CPU of the client; "
            f"ours {wall:g} s wall ({wall / floor['serial_s']:.1f} times), {ours['system']:g} s CPU "
            f"({ours['system'] / max(0.1, floor['client_cpu_s']):.1f} times)."
        )


def _noise(measured: Measured) -> Iterator[str]:
    """CPU seconds of the rest of the machine in each run."""
    for phase, runs in measured.items():
        if phase not in ("bootstrap", "stream", "latency"):
            continue
        shown = {system: [_others(result) for result in results] for system, results in runs.items()}
        told = "; ".join(f"{system} {', '.join(found)}" for system, found in shown.items())
        yield f"Others, {phase}, CPU s: {told}"


def _others(result: dict[str, Any]) -> str:
    return f"{result['cpu_s']['others']:g}" + (" (noisy)" if pairs.is_noisy(result) else "")
