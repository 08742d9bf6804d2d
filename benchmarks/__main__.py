"""
Measures, and prints the table of targets: `python -m benchmarks [--pairs N] [--only PHASE,…] [--json FILE]`.

Without options it does what fits into ten minutes, the most important first, and says what it left out; `--minutes 0`
does everything.  It ends with 1 when a run ended with wrong documents; a missed target is a figure, not a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import kit, pairs, report
from benchmarks.servers import Servers, running, say
from syncsvc.errors import CheckFailed, SyncError

ROOT = Path(__file__).parents[1]
#: `{phase: seconds it takes on two cores}`, a pair of runs each where there is a rival; in the order they are done.
SECONDS = {
    "bootstrap": 80, "stream": 150, "latency": 150,
    "transport": 40, "stages": 30, "hot-key": 45, "rename": 90, "two-workers": 80, "limits": 60,
    "restart": 240, "growth": 200,
}  # fmt: skip
SIDE_BY_SIDE = ("bootstrap", "stream", "latency")
OF_THE_KIT = (*SIDE_BY_SIDE, "limits")
LOUD = "no benchmark kit: the side-by-side part is left out (BENCH_KIT names its folder)"


def main() -> int:
    """Measures; the exit code."""
    given = _arguments()
    measured: dict[str, Any] = {}
    left_out: list[str] = []
    try:
        with running() as servers:
            _measure(given, servers, measured, left_out)
    except SyncError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    finally:
        if given.json and measured:
            given.json.write_text(json.dumps(measured, indent=1))
        if measured:
            print(report.text(measured, left_out))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1, help="runs of each system; at least 3 for publication")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help=f"of {', '.join(SECONDS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="of the side-by-side workload")
    parser.add_argument("--rate", type=int, default=500, help="changes/s of the latency run")
    parser.add_argument("--seconds", type=int, default=30, help="of the latency run")
    parser.add_argument("--minutes", type=float, default=10.0, help="what may be spent; 0: whatever it takes")
    parser.add_argument("--json", type=Path, help="everything that was measured, into this file")
    given = parser.parse_args()
    if unknown := set(given.only) - set(SECONDS):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}")
    return given


def _measure(given: argparse.Namespace, servers: Servers, measured: dict[str, Any], left_out: list[str]) -> None:
    folder = kit.find()
    found = None if folder is None else kit.Kit(folder, servers)
    if found is None:
        say(LOUD.upper())
        left_out.append(LOUD)
    else:
        found.data(given.scale)  # both are made once, and are no part of any measurement
        found.rival()
    began = time.monotonic()
    for phase, seconds in SECONDS.items():
        if (given.only and phase not in given.only) or (found is None and phase in OF_THE_KIT):
            continue
        needed = seconds * (given.pairs * max(0.3, given.scale) if phase in SIDE_BY_SIDE else 1)
        if not given.only and given.minutes and time.monotonic() - began + needed > given.minutes * 60:
            left_out.append(f"{phase}, needs some {needed:.0f} s: python -m benchmarks --only {phase}")
            continue
        say(f"{phase}: some {needed:.0f} s")
        measured[phase] = _phase(phase, given, servers, found)


def _phase(phase: str, given: argparse.Namespace, servers: Servers, found: kit.Kit | None) -> Any:
    if phase == "transport":
        return _module(servers, "benchmarks.transport", "--bootstrap", servers.kafka)[-1]
    if phase == "stages":
        return _module(servers, "benchmarks.stages")
    if phase not in OF_THE_KIT:
        return _module(servers, "benchmarks.scenarios", phase)[-1]
    assert found is not None
    if phase == "limits":
        return found.limits(given.scale)
    one: Callable[[str, str], kit.Result] = lambda system, name: found.run(  # noqa: E731
        system, name, scale=given.scale, rate=given.rate, seconds=given.seconds
    )
    return pairs.run(phase, given.pairs, one)


def _module(servers: Servers, *command: str) -> list[Any]:
    """One of our own benchmarks, on the same servers, as `run-meetup` runs us: its JSON lines."""
    child = subprocess.run(
        [ROOT / "benchmarks" / "run-meetup", *command], stdout=subprocess.PIPE, text=True, check=False,
        env={**os.environ, **servers.environment, "BENCH_ENVIRONMENT": sys.executable},
    )  # fmt: skip
    if child.returncode:
        what = f"{' '.join(command)} ended with exit code {child.returncode}"
        raise CheckFailed(code="bench.run_failed", where=command[0], what=what, fix="its messages are above")
    lines = child.stdout.splitlines()
    for line in lines:
        say(line)
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
