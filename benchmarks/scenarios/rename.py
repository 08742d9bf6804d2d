"""
A user with a hundred thousand documents is renamed, while other meetings get fifty changes a second.

Documents a second from `produce()` of the one change until every document shows it, and what the others wait
meanwhile; the median of several renames.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from typing import Any

from benchmarks.scenarios.load import Others, now_ms
from benchmarks.scenarios.stage import SPARING_SECONDS, Stage
from benchmarks.scenarios.watching import Watcher
from benchmarks.servers import Servers
from benchmarks.workload import USER, Meetup

KNOWN = 1
CALM_SECONDS = 4.0  # before the first rename and after each: what the others wait when nothing happens
SAMPLE_EVERY = 331  # of the documents that are looked at before all are counted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--documents", type=int, default=100_000, help="that show the user")
    parser.add_argument("--others", type=int, default=5_000, help="other meetings")
    parser.add_argument("--renames", type=int, default=3)


def measure(servers: Servers, given: argparse.Namespace) -> dict[str, Any]:
    """One run; see the module."""
    count, total = given.documents, given.documents + given.others
    others = range(count + 1, total + 1)
    users = 1 + max(1, given.others // 5)
    applications = [(meeting, KNOWN) for meeting in range(1, count + 1)]
    applications += [(meeting, 2 + meeting % (users - 1)) for meeting in others]
    meetup = Meetup(total, users, applications, now_ms=now_ms)
    lock = threading.Lock()
    with Stage(servers, "rename") as stage:
        stage.load(meetup.snapshot())
        stage.start()
        stage.converge(meetup.documents())
        assert stage.meter is not None
        with Watcher(stage.collection, others) as watcher:
            with Others(stage, meetup, watcher, others, lock):
                calm = time.perf_counter()
                time.sleep(CALM_SECONDS)
                stage.meter.reset()
                spans = [_rename(stage, meetup, lock, f"known {number}", count) for number in range(given.renames)]
                report = stage.meter.report()
            stage.wait_for(lambda: not watcher.unseen, "the last titles", 60)
        stage.converge(meetup.documents())
        stage.check(meetup.documents())
        seconds = [end - begin for begin, end in spans]
        return {
            "scenario": "rename", "documents": count, "seconds": [round(one, 2) for one in seconds],
            "documents_per_second": round(count / statistics.median(seconds)),
            # Over all renames together: one alone has a few hundred titles beside it.
            "others_ms": watcher.percentiles(spans, others),
            "calm_ms": watcher.percentiles([(calm, calm + CALM_SECONDS)], others), **report,
        }  # fmt: skip


def _rename(stage: Stage, meetup: Meetup, lock: threading.Lock, name: str, count: int) -> tuple[float, float]:
    """Renames and waits until every document shows it; begin and end by `time.perf_counter()`."""
    began = time.perf_counter()
    with lock:
        stage.send(meetup.update(USER, KNOWN, name=name))
    sample = list(range(1, count + 1, SAMPLE_EVERY))
    shown = {"applications.user.name": name}
    looked_at = {**shown, "_id": {"$in": sample}}
    stage.wait_for(
        lambda: stage.collection.count_documents(looked_at) == len(sample), "the new name", pause=SPARING_SECONDS
    )
    ended = 0.0

    def all_show_it() -> bool:
        nonlocal ended
        ended = time.perf_counter()
        return stage.collection.count_documents(shown) == count

    stage.wait_for(all_show_it, "the new name in every document", pause=SPARING_SECONDS)
    time.sleep(CALM_SECONDS)
    return began, ended
