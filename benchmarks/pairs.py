"""
Runs in pairs: the rival and ours alternately in one session, figures as medians over the pairs.

Whoever goes first changes from pair to pair, so that a machine that grows slower or faster favours nobody.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import processes
from benchmarks.kit import SYSTEMS, Result
from benchmarks.servers import say

#: `{system: its runs of one phase}`.
Runs = Mapping[str, Sequence[Result]]


def run(phase: str, pairs: int, one: Callable[[str, str], Result]) -> dict[str, list[Result]]:
    """`one(system, phase)` so many times for each system, alternately."""
    found: dict[str, list[Result]] = {system: [] for system in SYSTEMS}
    for number in range(pairs):
        for system in SYSTEMS if number % 2 == 0 else reversed(SYSTEMS):
            result = one(system, phase)
            found[system].append(result)
            say(f"{phase}, pair {number + 1} of {pairs}, {system}: {_in_short(result)}")
    return found


def _in_short(result: Result) -> str:
    cpu = result["cpu_s"]
    head = f"{result['latency_ms']} ms" if "latency_ms" in result else f"{result['wall_s']} s"
    noise = ", NOISY" if is_noisy(result) else ""
    return f"{head}, CPU {cpu['system']} s, mongod {cpu['mongod']} s, others {cpu['others']} s{noise}"


def is_noisy(result: Result) -> bool:
    """Whether other work on the machine makes the walls of a run worthless."""
    return processes.noisy(result["cpu_s"]["others"], result.get("wall_s") or result.get("produce_s") or 0.0)


def noisy(runs: Runs) -> int:
    """How many runs of a phase were noisy."""
    return sum(is_noisy(result) for results in runs.values() for result in results)


def median(runs: Runs, system: str, *path: str) -> float:
    """The median of one figure, named by its keys from the outside in."""

    def figure(result: Any) -> float:
        for key in path:
            result = result[key]
        return float(result)

    return statistics.median(map(figure, runs[system]))
