"""
A restart with a million rows of state: with the local cache as it was left, and with the state folder removed.

Seconds from the start of the processes until `/ready` of every worker, and until a change produced then is seen; peak
memory until then.  What a start without any state takes is measured too, as the part that is not the state's.
"""

from __future__ import annotations

import argparse
import shutil
import time
from typing import Any

from benchmarks.scenarios.stage import Stage
from benchmarks.scenarios.watching import Watcher
from benchmarks.servers import Servers
from benchmarks.workload import Meetup, links

ROWS_A_MEETING = 7  # the meeting, a user, five applications
PROBE = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--rows", type=int, default=1_000_000, help="of all tables together")
    parser.add_argument("--rounds", type=int, default=2, help="restarts of each kind; the better one counts")


def measure(servers: Servers, given: argparse.Namespace) -> dict[str, Any]:
    """One run; see the module."""
    meetings = max(100, given.rows // ROWS_A_MEETING)
    meetup = Meetup(meetings, meetings, links(7, meetings, meetings, 5 * meetings))
    with Stage(servers, "empty") as stage:
        began = stage.start()
        empty = stage.ready() - began
    with Stage(servers, "restart") as stage:
        rows = stage.load(meetup.snapshot())
        began = stage.start(named=True)
        ended, copy = stage.converge(meetup.documents())
        found: dict[str, list[dict[str, Any]]] = {"warm": [], "cold": []}
        for _ in range(given.rounds):
            for cache, runs in found.items():
                runs.append(_restart(stage, meetup, cold=cache == "cold"))
        stage.converge(meetup.documents())
        stage.check(meetup.documents())
        stored = stage.stored_mb()
    best = {cache: min(runs, key=lambda run: float(run["ready_s"])) for cache, runs in found.items()}
    return {
        "scenario": "restart", "rows": rows, "empty_ready_s": round(empty, 2), "first_copy_s": round(ended - began, 1),
        "first_copy_peak_mb": copy["peak_rss_mb"], "stored_mb": stored, **best,
        "ready_s_each": {cache: [run["ready_s"] for run in runs] for cache, runs in found.items()},
    }  # fmt: skip


def _restart(stage: Stage, meetup: Meetup, *, cold: bool) -> dict[str, Any]:
    stage.stop()
    if cold:
        shutil.rmtree(stage.state)
        stage.state.mkdir()
    with Watcher(stage.collection, [PROBE]) as watcher:
        began = stage.start(named=True)
        ready = stage.ready() - began
        assert stage.meter is not None
        report = stage.meter.report()
        event = meetup.title(PROBE)
        watcher.sends(PROBE, meetup.sequence)
        stage.send(event)
        stage.producer.flush(10)
        stage.wait_for(lambda: not watcher.unseen, "the change behind the restart", 60)
        return {"ready_s": round(ready, 2), "first_change_s": round(time.perf_counter() - began, 2), **report}
