"""
The plan's arithmetic against whole runs that were measured: what it says they should have cost, and what they did.

The units were measured stage by stage, the runs as wholes, on other days; that both agree is what makes the rest worth
reading.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.sizing.demand import worker_seconds


class Run(NamedTuple):
    """A run of the meetup workload at scale 1 (2026-11-25), its work as counted in tests."""

    what: str
    records: int
    #: A source record, from tests/benchmarks/test_work.py.
    keyed: float
    #: A source record: puts and deletes.
    entries: float
    documents: int
    #: CPU of all workers.
    measured_seconds: float

    @property
    def planned_seconds(self) -> float:
        """What the arithmetic says; documents of five rows, as where rendering was measured."""
        return worker_seconds(self.records, self.records * self.keyed, self.records * self.entries, self.documents * 5)


RUNS = (
    Run("first copy of 140,000 rows", 140_000, 1.978, 4.912, 20_000, 11.4),
    Run("107,075 records of changes", 107_075, 1.723, 5.418, 55_405, 12.5),
)


def table() -> str:
    """In Markdown."""
    rows = [
        f"| {run.what} | {run.planned_seconds:.1f} s | {run.measured_seconds:.1f} s |"
        f" {run.planned_seconds / run.measured_seconds:.2f} |"
        for run in RUNS
    ]
    return "\n".join(["| CPU of the workers | planned | measured | ratio |", "|---|---|---|---|", *rows])
