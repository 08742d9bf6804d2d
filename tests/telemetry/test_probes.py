"""What Kubernetes is told: may the process stay, has it begun to work."""

from __future__ import annotations

import asyncio

from syncsvc.telemetry.probes import Health, keep_ticking


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds now."""
        return self.now


def test_a_loop_that_does_not_turn_for_thirty_seconds_is_not_live() -> None:
    """Then only a restart helps."""
    clock = Clock()
    health = Health(["meetings"], clock=clock)
    clock.now = 29.9
    assert health.live().ok

    clock.now = 30.0
    assert not health.live().ok
    assert "30.0 s ago" in health.live().reasons[0]

    health.tick()
    assert health.live().ok


def test_a_worker_has_started_when_every_pipeline_joined_its_group_once() -> None:
    """It stays so while partitions move, load or drain: what has started is left to liveness and readiness."""
    health = Health(["meetings", "members"])
    health.assigned("meetings")
    assert health.started().reasons[0] == "members: no assignment yet"
    assert not health.started().ok

    health.assigned("members")
    assert health.started().ok
    health.loading("members", "keyed", 3)
    health.draining()
    assert not health.ready().ok
    assert health.started().ok


def test_a_loop_that_hangs_before_the_first_assignment_never_starts() -> None:
    """Kubernetes asks nothing but startup until then, so a worker that hangs must not pass it."""
    clock = Clock()
    health = Health(["meetings"], clock=clock)
    health.assigned("meetings")
    clock.now = 31.0

    assert not health.started().ok


def test_a_worker_is_ready_when_every_pipeline_has_its_assignment() -> None:
    """An empty one counts: a spare worker is ready to take over."""
    health = Health(["meetings", "members"])
    assert health.ready().as_dict() == {
        "ok": False,
        "reasons": ["meetings: no assignment yet", "members: no assignment yet"],
    }

    health.assigned("meetings")
    assert not health.ready().ok
    health.assigned("members")
    assert health.ready().ok


def test_a_worker_is_not_ready_before_the_state_of_its_partitions_is_loaded() -> None:
    """A rollout waits for it, so that the next worker is not restarted too early."""
    health = Health(["meetings"])
    health.loading("meetings", "keyed", 3)
    health.assigned("meetings")
    assert health.ready().reasons == ("meetings: loading keyed[3]",)

    health.loaded("meetings", "keyed", 3)
    assert health.ready().ok


def test_a_worker_that_drains_is_live_and_not_ready() -> None:
    """It must finish what is in flight and must not be killed for it."""
    health = Health([])
    health.draining()

    assert health.live().ok
    assert not health.ready().ok


async def test_the_ticker_ticks_and_reports_how_late_it_was() -> None:
    """One number a tick for the loop's histogram, never below 0."""
    clock = Clock()
    health = Health([], clock=clock)
    clock.now = 100.0
    reported: asyncio.Queue[float] = asyncio.Queue()
    ticking = asyncio.create_task(keep_ticking(health, reported.put_nowait))

    late = await reported.get()
    ticking.cancel()

    assert late >= 0
    assert health.live().ok
