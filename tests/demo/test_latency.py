"""The percentiles that the demo prints."""

from syncsvc.demo import latency


def test_a_percentile_is_a_time_that_was_measured():
    """Of 200 times, p50 is the 100th and p99 the 198th: two may be slower."""
    found = latency.of([float(number) for number in range(200, 0, -1)])

    assert (found.p50_ms, found.p99_ms, found.worst_ms, found.changes) == (100.0, 198.0, 200.0, 200)


def test_one_time_is_every_percentile():
    """A demo with one meeting still prints numbers."""
    assert latency.of([12.5]) == latency.Latency(1, 12.5, 12.5, 12.5)
