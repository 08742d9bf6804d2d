"""How far a pipeline is: what lag and freshness say, and that they are never better than the truth."""

from __future__ import annotations

import math

from syncsvc.telemetry.progress import Progress

TOPIC = "meetup.meetup.event"
NOW = 1_000_000.0


def owning(next_offset: int = 0, source_ts_ms: int | None = None, stage: str = "router") -> Progress:
    """A pipeline that owns partition 0 of one topic."""
    progress = Progress()
    progress.owned(stage, TOPIC, 0, next_offset, source_ts_ms)
    return progress


def test_a_partition_caught_up_to_a_fresh_end_offset_has_freshness_zero() -> None:
    """Also when its last event is from last year: nothing happened since, so the documents are as new as the rows."""
    progress = owning(next_offset=7, source_ts_ms=1000)
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW - 14)

    seen = progress.view(NOW).partitions[0]

    assert (seen.freshness_seconds, seen.lag, seen.state) == (0.0, 0, "live")


def test_an_old_end_offset_proves_nothing() -> None:
    """After 15 s without a poll the age of the last applied event is told instead of 0."""
    progress = owning(next_offset=7, source_ts_ms=int((NOW - 60) * 1000))
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW - 15)

    seen = progress.view(NOW).partitions[0]

    assert (seen.freshness_seconds, seen.state) == (60.0, "unknown")


def test_a_lagging_partition_is_as_old_as_the_oldest_event_that_waits() -> None:
    """The oldest fetched and not yet durable one, not the newest."""
    progress = owning(next_offset=3, source_ts_ms=int((NOW - 100) * 1000))
    progress.ends({(TOPIC, 0): (0, 9)}, polled_at=NOW)
    progress.waiting(TOPIC, 0, int((NOW - 42) * 1000), NOW)

    seen = progress.view(NOW).partitions[0]

    assert (seen.freshness_seconds, seen.lag, seen.state) == (42.0, 6, "behind")


def test_a_fan_out_under_way_is_not_fresh_although_every_offset_is_applied() -> None:
    """A changed user still has to reach a thousand documents: lag 0, but not up to date."""
    progress = owning(next_offset=9)
    progress.ends({(TOPIC, 0): (0, 9)}, polled_at=NOW)
    progress.waiting(TOPIC, 0, int((NOW - 5) * 1000), NOW)

    assert progress.view(NOW).freshness_seconds == 5.0


def test_unknown_is_not_zero() -> None:
    """Before the first poll nothing is known: freshness is infinite, lag is None."""
    seen = owning().view(NOW).partitions[0]

    assert (seen.freshness_seconds, seen.lag, seen.retention_margin) == (math.inf, None, None)


def test_a_worker_that_owns_nothing_does_not_claim_to_be_fresh() -> None:
    """It cannot know; the owner of the partitions says it."""
    assert Progress().view(NOW).freshness_seconds is None


def test_the_pipeline_is_as_old_as_its_oldest_partition() -> None:
    """Not as its newest: one stuck partition must show."""
    progress = owning(next_offset=7)
    progress.owned("joiner", "keyed", 3, 0, int((NOW - 33) * 1000))
    progress.ends({(TOPIC, 0): (0, 7), ("keyed", 3): (0, 1)}, polled_at=NOW)

    assert progress.view(NOW).freshness_seconds == 33.0


def test_what_is_reported_after_a_partition_was_given_back_is_ignored() -> None:
    """A late acknowledgement must not bring the partition back into this worker's view."""
    progress = owning()
    progress.disowned(TOPIC, 0)
    progress.applied(TOPIC, 0, 5, 1000)
    progress.waiting(TOPIC, 0, 1000, NOW)
    progress.ends({(TOPIC, 0): (0, 9)}, polled_at=NOW)

    assert progress.view(NOW).partitions == ()


def test_a_heartbeat_makes_nothing_fresher() -> None:
    """A connector that is an hour behind sends heartbeats too: what is not fetched may be older than they are."""
    progress = owning(next_offset=7, source_ts_ms=int((NOW - 50) * 1000))
    progress.heartbeat("meetup", int((NOW - 4) * 1000))
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW - 2)
    progress.ends({(TOPIC, 0): (0, 8)}, polled_at=NOW)

    assert progress.view(NOW).partitions[0].freshness_seconds == 50.0


def test_a_silent_source_makes_a_pipeline_stale_although_its_lag_is_zero() -> None:
    """A dead connector looks like an idle database, but for its heartbeats: three missing ones tell."""
    progress = Progress(heartbeat_seconds=5)
    progress.owned("router", TOPIC, 0, 7)
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW)

    progress.heartbeat("meetup", int((NOW - 14) * 1000))
    assert progress.view(NOW).freshness_seconds == 0.0
    assert progress.view(NOW + 3).freshness_seconds == 17.0


def test_a_source_that_never_sent_a_heartbeat_is_not_called_broken() -> None:
    """Its connector may be set up without them; then lag and freshness rest on the log alone."""
    progress = Progress(heartbeat_seconds=5)
    progress.owned("router", TOPIC, 0, 7)
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW)

    assert progress.view(NOW).freshness_seconds == 0.0
    assert progress.view(NOW).heartbeats == {}


def test_one_silent_source_of_two_makes_the_pipeline_stale() -> None:
    """Tables from two servers: the one that works must not hide the other."""
    progress = Progress(heartbeat_seconds=5)
    progress.owned("router", TOPIC, 0, 7)
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW)
    progress.heartbeat("meetup", int(NOW * 1000))
    progress.heartbeat("billing", int((NOW - 60) * 1000))

    assert progress.view(NOW).freshness_seconds == 60.0


def test_what_waits_is_no_fresher_than_the_time_it_waits_here_however_far_the_source_is_ahead() -> None:
    """Invariant 9: an event from the future that is not applied is not fresh; our own clock tells how long."""
    progress = owning(next_offset=9, source_ts_ms=int((NOW + 20) * 1000))
    progress.ends({(TOPIC, 0): (0, 9)}, polled_at=NOW)
    progress.waiting(TOPIC, 0, int((NOW + 30) * 1000), NOW)
    progress.waiting(TOPIC, 0, int((NOW + 30) * 1000), NOW + 3)

    seen = progress.view(NOW + 4).partitions[0]
    assert (seen.freshness_seconds, seen.lag, seen.state) == (4.0, 0, "behind")

    progress.waiting(TOPIC, 0, int((NOW + 31) * 1000), NOW + 4)
    assert progress.view(NOW + 5).partitions[0].freshness_seconds == 1.0
    progress.waiting(TOPIC, 0, None, NOW + 5)
    assert progress.view(NOW + 5).partitions[0].state == "live"


def test_what_the_log_has_is_no_fresher_than_the_time_since_it_was_seen_there() -> None:
    """Also what is not fetched yet: lag and a freshness of 0 do not go together."""
    progress = owning(next_offset=0, source_ts_ms=int((NOW + 30) * 1000))
    progress.ends({(TOPIC, 0): (0, 50)}, polled_at=NOW)
    progress.ends({(TOPIC, 0): (0, 100)}, polled_at=NOW + 5)
    at_once = progress.view(NOW).partitions[0]
    assert (at_once.freshness_seconds > 0, at_once.state) == (True, "behind")

    assert progress.view(NOW + 8).partitions[0].freshness_seconds == 8.0
    progress.applied(TOPIC, 0, 50, int((NOW + 35) * 1000))
    assert progress.view(NOW + 8).partitions[0].freshness_seconds == 3.0
    progress.applied(TOPIC, 0, 100, int((NOW + 36) * 1000))
    seen = progress.view(NOW + 8).partitions[0]
    assert (seen.freshness_seconds, seen.state) == (0.0, "live")


def test_a_worker_that_is_behind_for_long_is_no_fresher_by_the_polls_it_forgets() -> None:
    """It keeps some hundred of them: an age may be too large by a hundredth, never too small."""
    progress = owning(next_offset=0, source_ts_ms=int((NOW + 10**7) * 1000))
    for number in range(1, 3_001):
        progress.ends({(TOPIC, 0): (0, number)}, polled_at=NOW + number)
    assert progress.view(NOW + 3_000).partitions[0].freshness_seconds == 2_999.0

    for applied in range(0, 3_000, 100):
        progress.applied(TOPIC, 0, applied, None)
        assert 0 <= progress.view(NOW + 3_000).partitions[0].freshness_seconds - (2_999.0 - applied) <= 30.0


def test_records_deleted_by_retention_before_they_were_applied_show_as_a_negative_margin() -> None:
    """Below 0 means that data is lost, and how much."""
    progress = owning(next_offset=3)
    progress.ends({(TOPIC, 0): (10, 90)}, polled_at=NOW)

    assert progress.view(NOW).partitions[0].retention_margin == -7


def test_a_log_that_was_made_anew_has_no_lag_and_is_not_fresh() -> None:
    """It ends before what was applied: its offsets prove nothing, and least of all that everything is applied."""
    progress = owning(next_offset=500, source_ts_ms=int((NOW - 60) * 1000))
    progress.ends({(TOPIC, 0): (0, 510)}, polled_at=NOW - 4)
    progress.applied(TOPIC, 0, 510, int((NOW - 5) * 1000))
    progress.ends({(TOPIC, 0): (0, 3)}, polled_at=NOW)

    seen = progress.view(NOW).partitions[0]

    assert (seen.freshness_seconds, seen.lag, seen.retention_margin, seen.state) == (math.inf, None, None, "unknown")


def test_a_step_that_overtakes_the_last_poll_is_no_log_made_anew() -> None:
    """More was written and applied since: the poll is a proof for what it saw."""
    progress = owning(next_offset=500)
    progress.ends({(TOPIC, 0): (0, 510)}, polled_at=NOW - 1)
    progress.applied(TOPIC, 0, 520, None)

    seen = progress.view(NOW).partitions[0]

    assert (seen.freshness_seconds, seen.lag, seen.state) == (0.0, 0, "live")


def test_a_partition_that_is_loaded_makes_the_pipeline_unknown_and_not_silent() -> None:
    """Else an outage in which every worker loads its state would count as time in which readers miss nothing."""
    progress = owning(next_offset=7)
    progress.ends({(TOPIC, 0): (0, 7)}, polled_at=NOW)
    progress.loading("keyed", 3)
    assert progress.view(NOW).freshness_seconds == math.inf

    progress.disowned("keyed", 3)
    assert progress.view(NOW).freshness_seconds == 0.0
    progress.disowned(TOPIC, 0)
    progress.loading("keyed", 3)
    assert progress.view(NOW).freshness_seconds == math.inf
