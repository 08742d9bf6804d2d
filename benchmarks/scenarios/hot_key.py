"""
One meeting with ten thousand applications and a thousand changes a second to it, while others get fifty a second.

Does it keep up, how often is the large document written, and do the others wait?  About one in fifty of the hot
changes is a new title of the meeting itself: that tells how old the hot document is when a reader sees it.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import Any

from benchmarks.scenarios.load import Others, now_ms, steadily
from benchmarks.scenarios.stage import SPARING_SECONDS, Stage
from benchmarks.scenarios.watching import Watcher
from benchmarks.servers import Servers
from benchmarks.workload import Meetup, links

HOT = 1
TITLE_EVERY = 50  # hot changes


def arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--applications", type=int, default=10_000, help="of the hot meeting")
    parser.add_argument("--others", type=int, default=2_000, help="other meetings, five applications each")
    parser.add_argument("--rate", type=int, default=1_000, help="changes/s to the hot meeting")
    parser.add_argument("--seconds", type=float, default=20.0)


def measure(servers: Servers, given: argparse.Namespace) -> dict[str, Any]:
    """One run; see the module."""
    others = range(2, 2 + given.others)
    users = max(100, given.others)
    rest = [(meeting + 1, user) for meeting, user in links(7, given.others, users, 5 * given.others)]
    hot = [(HOT, 1 + number % users) for number in range(given.applications)]
    meetup = Meetup(1 + given.others, users, [*hot, *rest], now_ms=now_ms)
    lock = threading.Lock()
    with Stage(servers, "hot-key") as stage:
        stage.load(meetup.snapshot())
        stage.start()
        stage.converge(meetup.documents())
        assert stage.meter is not None
        with Watcher(stage.collection, [HOT, *others]) as watcher:
            with Others(stage, meetup, watcher, others, lock):
                stage.meter.reset()
                began = time.perf_counter()
                changes, late = _heat(stage, meetup, watcher, lock, given)
                ended = time.perf_counter()
                report = stage.meter.report()
                with lock:
                    last = meetup.documents()[HOT]
                stage.wait_for(
                    lambda: stage.collection.find_one({"_id": HOT}, {"_sync": 0}) == last,
                    "the last change of the hot meeting", pause=SPARING_SECONDS,
                )  # fmt: skip
                behind = time.perf_counter() - ended
            stage.wait_for(lambda: not watcher.unseen, "the last titles", 60)
        stage.converge(meetup.documents())
        stage.check(meetup.documents())
        return {
            "scenario": "hot-key", "applications": given.applications, "hot_rate": given.rate, "hot_changes": changes,
            "producer_late_ms": round(late * 1000), "hot_writes": watcher.events.get(HOT, 0),
            "behind_s": round(behind, 2), "hot_ms": watcher.percentiles([(began, ended)], [HOT]),
            "others_ms": watcher.percentiles([(began, ended)], others), **report,
        }  # fmt: skip


def _heat(
    stage: Stage, meetup: Meetup, watcher: Watcher, lock: threading.Lock, given: argparse.Namespace
) -> tuple[int, float]:
    """Changes the hot meeting for so long; returns what `steadily` does."""
    over = time.perf_counter() + given.seconds

    def change(number: int) -> None:
        with lock:
            if number % TITLE_EVERY == 0:
                event = meetup.title(HOT)
                watcher.sends(HOT, meetup.sequence)
            else:
                event = meetup.touch(1 + number * 7919 % given.applications)
            stage.send(event)

    return steadily(given.rate, lambda: time.perf_counter() > over, change)

