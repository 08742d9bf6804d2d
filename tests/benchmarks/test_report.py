"""What the benchmarks tell of what they measured: ratios of medians, noise, and what was left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import kit, pairs, report, targets
from benchmarks.processes import noisy
from syncsvc.errors import UsageFault


def result(wall: float, system: float, *, mongod: float = 1.0, others: float = 0.0, memory: int = 100) -> Any:
    """One run as the harness reports it."""
    return {
        "wall_s": wall, "cpu_s": {"system": system, "mongod": mongod, "others": others}, "peak_rss_mb": memory,
    }  # fmt: skip


@pytest.fixture
def copied() -> dict[str, Any]:
    """Three pairs of first copies; one run of ours was disturbed."""
    rival = [result(20.0, 30.0), result(22.0, 34.0), result(24.0, 32.0)]
    ours = [result(3.0, 2.0), result(2.0, 4.0), result(9.0, 3.0, others=5.0)]
    return {"bootstrap": {"rival": rival, "ours": ours}}


def test_ratios_are_of_medians(copied: dict[str, Any]) -> None:
    """A run that was disturbed does not decide; neither does the luckiest."""
    wall, cpu, *_ = targets.lines(copied)

    assert (wall.rival, wall.ours, wall.measured) == ("22 s", "3 s", round(3 / 22, 3))
    assert (cpu.rival, cpu.ours, cpu.measured) == ("32 s", "3 s", round(3 / 32, 3))
    assert wall.ok


def test_a_missed_target_is_said_in_so_many_words(copied: dict[str, Any]) -> None:
    """The table tells of each promise whether it was kept."""
    copied["bootstrap"]["ours"] = [result(20.0, 30.0)]
    shown = report.text(copied, [])

    assert "| first copy, wall | 22 s | 20 s | 0.909 | ≤ 0.2 | **not met** |" in shown


def test_walls_of_a_disturbed_machine_are_marked_and_the_noise_is_shown(copied: dict[str, Any]) -> None:
    """Whoever reads a wall sees whether anything else ran beside it, and how much."""
    shown = report.text(copied, [])

    assert "ok wall is worth little: 1 of 6 runs were noisy" in shown
    assert "Others, bootstrap, CPU s: rival 0, 0, 0; ours 0, 0, 5 (noisy)" in shown


@pytest.mark.parametrize(
    ("others", "wall", "expected"),
    [
        pytest.param(0.9, 1.0, False, id="less than a second is no noise"),
        pytest.param(50.0, 10.0, True, id="the machine was busy with something else"),
    ],
)
def test_noise_is_work_of_others_that_could_have_slowed_us(others: float, wall: float, expected: bool) -> None:
    """A wall counts only when the rest of the machine was quiet."""
    assert noisy(others, wall) is expected


def test_what_was_left_out_is_said_at_the_end(copied: dict[str, Any]) -> None:
    """A table without its side-by-side part never looks complete."""
    assert report.text(copied, ["no benchmark kit"]).endswith("LEFT OUT: no benchmark kit")


def test_the_systems_take_turns_and_each_begins_half_of_the_pairs() -> None:
    """A machine that grows slower during a session favours nobody."""
    order: list[str] = []

    def one(system: str, phase: str) -> Any:
        order.append(system)
        return result(1.0, 1.0)

    runs = pairs.run("bootstrap", 4, one)

    assert order == ["rival", "ours", "ours", "rival"] * 2
    assert [len(found) for found in runs.values()] == [4, 4]


def test_a_folder_without_a_kit_is_refused_and_no_kit_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong BENCH_KIT is a mistake to be told; without one the rest is measured."""
    monkeypatch.setenv("BENCH_KIT", str(tmp_path))
    with pytest.raises(UsageFault, match=r"no harness.py"):
        kit.find()

    monkeypatch.delenv("BENCH_KIT")
    monkeypatch.setattr(kit, "ROOT", tmp_path / "checkout")
    assert kit.find() is None


def every_phase() -> Iterator[tuple[str, Any]]:
    """One finding of each phase, as its benchmark prints it."""
    latency = {**result(30.0, 9.0), "rate": 500, "latency_ms": {"p50": 20.0, "p99": 90.0}}
    waits = {"p50": 10.0, "p99": 80.0, "count": 100}
    yield "latency", {"rival": [latency], "ours": [latency]}
    yield "transport", {
        "aiokafka": {"records_per_second": 4}, "ours": {"records_per_second": 3}, "speed_against_aiokafka": 0.75,
    }  # fmt: skip
    yield "hot-key", {
        "hot_rate": 1000, "hot_writes": 9, "hot_changes": 900, "behind_s": 0.5, "others_ms": waits, "noisy": False,
    }  # fmt: skip
    yield "rename", {"documents_per_second": 12_000, "documents": 100_000, "others_ms": waits, "noisy": True}
    start = {"ready_s": 2.0, "peak_rss_mb": 300, "noisy": False}
    yield "restart", {"rows": 1_000_000, "warm": start, "cold": start}
    yield "two-workers", {"records_per_second": {"1": 10, "2": 17}, "speedup": 1.7, "noisy": False}
    sizes = [{"scale": scale, "system_us_a_row": 30.0, "peak_rss_mb": 200, "cost": 1.0} for scale in (1.0, 3.0)]
    yield "growth", {"scales": sizes}


@pytest.mark.parametrize(("phase", "found"), [pytest.param(*both, id=both[0]) for both in every_phase()])
def test_every_scenario_has_its_rows_in_the_table(phase: str, found: Any) -> None:
    """Each promise of the table is compared with its target, met here by all but the noisy ones' marks."""
    lines = targets.lines({phase: found})

    assert lines
    unmet = [line.what for line in lines if not line.ok]
    assert unmet == (["CPU of system and mongod in the latency run"] if phase == "latency" else [])
    assert all(itertools.chain.from_iterable((line.what, line.ours) for line in lines))
