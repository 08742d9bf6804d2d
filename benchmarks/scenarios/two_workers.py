"""
The same backlog worked off by one worker and by two, alternately on one pipeline.

Throughput is what matters when behind, so the clock runs from the moment all workers are ready until every document is
as expected; the start is told beside it.  On a machine whose cores two workers, MongoDB and Kafka use up together, the
second worker brings what is left; `--cores 0.5` shows what it brings where there are enough.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from benchmarks.scenarios.stage import Stage
from benchmarks.servers import Servers
from benchmarks.workload import Meetup, links


def arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--meetings", type=int, default=20_000)
    parser.add_argument("--changes", type=int, default=100_000, help="of each backlog")
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--cores", type=float, help="what each worker may use, as a container's limit; default: all")


def measure(servers: Servers, given: argparse.Namespace) -> dict[str, Any]:
    """One run; see the module."""
    count = given.meetings
    meetup = Meetup(count, count, links(7, count, count, 5 * count))
    rates: dict[str, list[float]] = {"1": [], "2": []}
    runs: list[dict[str, Any]] = []
    with Stage(servers, "two-workers") as stage:
        stage.load(meetup.snapshot())
        stage.start(2)
        stage.converge(meetup.documents())
        for number in range(2 * given.pairs):
            workers = (1, 2, 2, 1)[number % 4]
            stage.stop()
            records = stage.load(meetup.changes(given.changes))
            expected = meetup.documents()
            began = stage.start(workers, cores=given.cores)
            ready = stage.ready()
            ended, report = stage.converge(expected)
            stage.check(expected)
            rates[str(workers)].append(records / (ended - ready))
            runs.append(
                {"workers": workers, "start_s": round(ready - began, 2), "work_s": round(ended - ready, 2), **report}
            )
    medians = {workers: round(statistics.median(found)) for workers, found in rates.items()}
    return {
        "scenario": "two-workers", "records_per_second": medians, "speedup": round(medians["2"] / medians["1"], 2),
        "noisy": any(run["noisy"] for run in runs), "runs": runs,
    }  # fmt: skip
