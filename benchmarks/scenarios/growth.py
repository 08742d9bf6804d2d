"""
The first copy in growing sizes: does a row cost the same, and how much memory does it take?

What a start costs without any row is measured and taken off: at small sizes it would make the first rows look dear and
the later ones cheap.  Scale 1 is 20,000 meetings, as many users and 100,000 applications.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.scenarios.stage import Stage
from benchmarks.servers import Servers
from benchmarks.workload import Meetup, links

MEETINGS = 20_000  # at scale 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--scales", type=lambda text: [*map(float, text.split(","))], default=[1.0, 3.0])


def measure(servers: Servers, given: argparse.Namespace) -> dict[str, Any]:
    """One run; see the module."""
    start = _start(servers)
    scales = [_copy(servers, scale, start) for scale in given.scales]
    for one in scales:
        one["cost"] = round(one["system_us_a_row"] / scales[0]["system_us_a_row"], 3)
        one["mongod_cost"] = round(one["mongod_us_a_row"] / max(0.1, scales[0]["mongod_us_a_row"]), 3)
    return {"scenario": "growth", "start_cpu_s": round(start, 2), "scales": scales}


def warm(servers: Servers) -> None:
    """A first copy that is not looked at: a broker compiles its code in its first seconds of load, on both cores."""
    _copy(servers, 1.0, 0.0)


def _start(servers: Servers) -> float:
    """CPU seconds of a start without any row, until every worker is ready."""
    with Stage(servers, "empty") as stage:
        stage.start()
        stage.ready()
        assert stage.meter is not None
        return stage.meter.used()["system"]


def _copy(servers: Servers, scale: float, start: float) -> dict[str, Any]:
    count = max(100, int(MEETINGS * scale))
    meetup = Meetup(count, count, links(7, count, count, 5 * count))
    expected = meetup.documents()
    with Stage(servers, "growth") as stage:
        rows = stage.load(meetup.snapshot())
        began = stage.start()
        ended, report = stage.converge(expected)
        stage.check(expected)
    cpu: dict[str, float] = report["cpu_s"]
    return {
        "scale": scale, "rows": rows, "seconds": round(ended - began, 2),
        "system_us_a_row": round((cpu["system"] - start) / rows * 1e6, 1),
        "mongod_us_a_row": round(cpu["mongod"] / rows * 1e6, 1), **report,
    }  # fmt: skip
