"""
The demo from its beginning to its end; the other modules of the package are its parts.

Leaves nothing behind, whenever and however it ends: the servers and the workers die with this process, and the folder
of a killed run is removed by the next one.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Literal

from syncsvc import errors, verify
from syncsvc.demo import first_copy, latency, opening, scenes
from syncsvc.demo.road import Road, Wishes, opened
from syncsvc.demo.screen import Screen
from syncsvc.demo.watcher import Watcher
from syncsvc.devstack import stack
from syncsvc.mapping.load import load

#: Exit code after Ctrl-C, as shells have it.
INTERRUPTED = 130
#: How long the comparison looks again at what differs: the last change may still be on its way.
SETTLE_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.5


def run(
    *,
    sql: stack.SqlKind = "mariadb",
    keep: bool = False,
    meetings: int = 2_000,
    users: int = 2_000,
    applications: int = 10_000,
    workers: int = 2,
    output: Literal["table", "json"] = "table",
) -> int:
    """
    Run the demo; returns the exit code: 0 when every document equals the SQL join, 1 when not, 130 after Ctrl-C.

    The last line on standard output is JSON: `{"documents": …, "equal": …, "first_copy_seconds": …,
    "change_latency_ms": {"p50": …, "p99": …}}`; with a difference also `"first_difference"`.  To be called in the main
    thread.

    Args:
        keep: stay up at the end, until Ctrl-C.

    Raises:
        UsageFault: `demo.too_small`.
        SyncError: a server did not start, a worker ended, a change did not arrive.
    """
    wishes = Wishes(sql, opening.Size(meetings, users, applications), workers, keep)
    if min(meetings, users, applications) < 10 or workers < 1:
        what = f"{meetings} meetings, {users} users, {applications} applications, {workers} workers"
        fix = "give at least 10 of each, and 1 worker"
        raise errors.UsageFault(code="demo.too_small", where="demo", what=what, fix=fix)
    pipeline = load(opening.mapping_file())
    screen = Screen(silent=output == "json")
    try:
        with _interruptible(), contextlib.ExitStack() as ground:
            road = opened(wishes, pipeline, screen, ground)
            return _walk(road, _copy_first(road), ground)
    except KeyboardInterrupt:
        screen.step("stopped")
        return INTERRUPTED


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """A SIGTERM or a closed terminal ends us as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _copy_first(road: Road) -> float:
    """Let everything flow until the documents hold what the tables held; the seconds it took."""
    screen = road.screen
    wanted = first_copy.expected(road.source)
    began = time.monotonic()
    opening.register(road.pipeline, road.servers)
    screen.step("connector registered")
    first_copy.wait(road.collection, wanted, screen, road.workers.check)
    seconds = time.monotonic() - began
    what = f"{wanted.documents:,} documents with {wanted.applications:,} applications"
    screen.step(f"first copy: {what} in {seconds:.1f} s")
    return seconds


def _walk(road: Road, first_copy_seconds: float, ground: contextlib.ExitStack) -> int:
    """The changes, the comparison and the line; the exit code."""
    screen = road.screen
    watcher = Watcher(road.collection)
    ground.callback(watcher.close)
    watcher.start()

    def check() -> None:
        watcher.check()
        road.workers.check()

    for scene in scenes.all_of_them(road.source):
        _play(scene, road, watcher, check)
    screen.gap()
    found = latency.measure(road.source, watcher, check)
    times = f"after {found.p50_ms:.0f} ms (median), {found.p99_ms:.0f} ms (p99)"
    screen.step(f"{found.changes} updates, one at a time: visible {times}")
    report = verify.compare(road.pipeline, road.sql, road.collection, wait_seconds=SETTLE_SECONDS)
    verdict = "all equal" if report.equal else f"{report.first}"
    screen.step(f"{report.documents:,} documents compared with the SQL join in {report.seconds:.1f} s: {verdict}")
    _print(_line(report, first_copy_seconds, found))
    if road.wishes.keep:
        _keep(road)
    return 0 if report.equal else errors.CheckFailed.exit_code


def _play(scene: scenes.Scene, road: Road, watcher: Watcher, check: Callable[[], None]) -> None:
    """One change, seen from the commit to the documents."""
    before = [road.collection.find_one(identity) for identity in scene.shown]
    awaited = watcher.expect(scene.wanted)
    road.source.rows(scene.statement, *scene.arguments)
    committed = time.monotonic()
    milliseconds = (awaited.wait(check) - committed) * 1000
    after = [road.collection.find_one(identity) for identity in scene.shown]
    road.screen.scene(scene, before, after, milliseconds)


def _line(report: verify.Report, first_copy_seconds: float, found: latency.Latency) -> dict[str, Any]:
    line = {
        "documents": report.documents,
        "equal": report.equal,
        "first_copy_seconds": round(first_copy_seconds, 2),
        "change_latency_ms": {"p50": round(found.p50_ms, 1), "p99": round(found.p99_ms, 1)},
    }
    return line if report.first is None else line | {"first_difference": report.first.as_dict(with_values=True)}


def _print(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False, default=str))
    sys.stdout.flush()


def _keep(road: Road) -> None:
    """Stay up until Ctrl-C, which is then no failure."""
    where, screen = road.servers.addresses, road.screen
    pages = [worker.url for worker in road.workers.running]
    screen.addresses(
        [
            ("page", "  ".join(pages)),
            ("metrics", "  ".join(f"{page}/metrics" for page in pages)),
            ("MongoDB", f"{where.mongo_uri}  database {stack.MONGO_DATABASE}, collection {road.pipeline.collection}"),
            ("SQL", str(where.sql_admin_dsn)),
            ("Connect", str(where.connect_url)),
            ("logs", str(road.servers.folder)),
        ]
    )
    with contextlib.suppress(KeyboardInterrupt):
        screen.step("staying up; Ctrl-C ends everything")
        while True:
            road.workers.check()
            time.sleep(LOOK_AGAIN_SECONDS)
    screen.step("stopping")
