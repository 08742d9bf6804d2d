"""
What this project promises about its speed, and what a run has found: the rows of the table of `make bench`.

Each row takes its figures out of what was measured; a phase that was left out has no rows.  Targets are relative to the
rival where there is one, and hold at scale 1 on two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks import pairs
from benchmarks.pairs import Runs

#: `{phase: what it found}`: runs of both systems, or one report.
Measured = Mapping[str, Any]


class Line(NamedTuple):
    """One row of the table."""

    what: str
    #: As shown; empty where there is no rival.
    rival: str
    ours: str
    #: What is compared with the target.
    measured: float
    target: float
    #: Whether the measured may be at most the target, or at least.
    most: bool
    #: Why the figure may be worth less.
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the target is met."""
        return self.measured <= self.target if self.most else self.measured >= self.target


def lines(measured: Measured) -> list[Line]:
    """All rows that were measured, in the order of the promises."""
    return [line for phase, rows in ROWS.items() if phase in measured for line in rows(measured[phase])]


def _ratio(runs: Runs, what: str, target: float, *path: str, unit: str = "s", note: str = "") -> Line:
    rival, ours = (pairs.median(runs, system, *path) for system in ("rival", "ours"))
    return Line(what, f"{rival:g} {unit}", f"{ours:g} {unit}", round(ours / rival, 3), target, True, note)


def _noise(runs: Runs) -> str:
    count = pairs.noisy(runs)
    return f"wall is worth little: {count} of {sum(map(len, runs.values()))} runs were noisy" if count else ""


def _copying(what: str) -> Callable[[Runs], Iterator[Line]]:
    def rows(runs: Runs) -> Iterator[Line]:
        yield _ratio(runs, f"{what}, wall", 0.2, "wall_s", note=_noise(runs))
        yield _ratio(runs, f"{what}, CPU of the system", 0.2, "cpu_s", "system")
        yield _ratio(runs, f"{what}, CPU of mongod", 0.8, "cpu_s", "mongod")
        yield _ratio(runs, f"{what}, peak memory of all workers", 0.2, "peak_rss_mb", unit="MB")

    return rows


def _latency(runs: Runs) -> Iterator[Line]:
    for percentile, target in (("p50", 30.0), ("p99", 100.0)):
        rival, ours = (pairs.median(runs, system, "latency_ms", percentile) for system in ("rival", "ours"))
        rate = runs["ours"][0]["rate"]
        what, note = f"latency at {rate} changes/s, {percentile}, ms", _noise(runs)
        yield Line(what, f"{rival:g} ms", f"{ours:g} ms", ours, target, True, note)
    sums = [
        pairs.median(runs, system, "cpu_s", "system") + pairs.median(runs, system, "cpu_s", "mongod")
        for system in ("rival", "ours")
    ]
    what = "CPU of system and mongod in the latency run"
    yield Line(what, f"{sums[0]:.1f} s", f"{sums[1]:.1f} s", round(sums[1] / sums[0], 3), 0.7, True)


def _noisy(report: Mapping[str, Any]) -> str:
    return "noisy" if report.get("noisy") else ""


def _transport(report: Mapping[str, Any]) -> Iterator[Line]:
    bare, ours = (report[way]["records_per_second"] for way in ("aiokafka", "ours"))
    what = "our transport against bare aiokafka"
    yield Line(what, f"{bare:,} records/s", f"{ours:,} records/s", report["speed_against_aiokafka"], 0.7, False)


def _growth(report: Mapping[str, Any]) -> Iterator[Line]:
    first = report["scales"][0]
    for grown in report["scales"][1:]:
        what = f"growth, CPU a row at scale {grown['scale']:g} over scale {first['scale']:g}"
        shown = f"{grown['system_us_a_row']:g} µs, {grown['peak_rss_mb']} MB"
        yield Line(what, "", shown, grown["cost"], 1.15, True, _noisy(grown))


def _hot_key(report: Mapping[str, Any]) -> Iterator[Line]:
    rate, note = report["hot_rate"], _noisy(report)
    shown = f"{report['hot_writes']} writes for {report['hot_changes']} changes"
    yield Line(f"hot key, {rate} changes/s: behind at the end, s", "", shown, report["behind_s"], 2.0, True, note)
    p99 = report["others_ms"]["p99"]
    yield Line("hot key: p99 of the others, ms", "", f"{p99:g} ms", p99, 500.0, True, note)


def _rename(report: Mapping[str, Any]) -> Iterator[Line]:
    rate, p99 = report["documents_per_second"], report["others_ms"]["p99"]
    what = f"a user with {report['documents']:,} documents renamed, documents/s"
    yield Line(what, "", f"{rate:,}", rate, 10_000, False, _noisy(report))
    yield Line("meanwhile: p99 of the others, ms", "", f"{p99:g} ms", p99, 500.0, True, _noisy(report))


def _restart(report: Mapping[str, Any]) -> Iterator[Line]:
    for cache, target in (("warm", 3.0), ("cold", 15.0)):
        found = report[cache]
        what = f"restart with {report['rows']:,} rows, {cache}, to ready"
        shown = f"{found['ready_s']:g} s, {found['peak_rss_mb']} MB"
        yield Line(what, "", shown, found["ready_s"], target, True, _noisy(found))


def _two_workers(report: Mapping[str, Any]) -> Iterator[Line]:
    rates = report["records_per_second"]
    shown = f"{rates['1']:,} and {rates['2']:,} records/s"
    yield Line("two workers against one when behind", "", shown, report["speedup"], 1.6, False, _noisy(report))


ROWS: dict[str, Callable[[Any], Iterator[Line]]] = {
    "bootstrap": _copying("first copy"),
    "stream": _copying("changes"),
    "latency": _latency,
    "growth": _growth,
    "transport": _transport,
    "hot-key": _hot_key,
    "rename": _rename,
    "restart": _restart,
    "two-workers": _two_workers,
}
