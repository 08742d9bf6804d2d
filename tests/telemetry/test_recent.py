"""The last minute, read off cumulative histograms."""

from __future__ import annotations

import pytest

from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.telemetry.recent import WINDOW_SECONDS, Recent, Timing, Totals, histograms


def test_what_is_older_than_a_minute_does_not_count() -> None:
    """A rate and a quantile of now, however long the worker runs."""
    totals: list[Totals] = [(1000, {"apply": ((0.1, 1.0), (50, 50, 50))})]
    recent = Recent(lambda: totals[0])
    assert recent.look(0.0) == (None, (Timing("apply", (0.1, 1.0), (0, 0, 0)),))

    totals[0] = (1060, {"apply": ((0.1, 1.0), (50, 53, 54))})
    assert recent.look(30.0) == (2.0, (Timing("apply", (0.1, 1.0), (0, 3, 1)),))

    assert recent.look(30.0 + WINDOW_SECONDS) == (0.0, (Timing("apply", (0.1, 1.0), (0, 0, 0)),))


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        ((0, 0, 0), 0.5, None),
        ((10, 0, 0), 0.5, 0.05),
        ((0, 10, 0), 0.5, 0.55),
        ((0, 0, 10), 0.5, 1.0),
        ((5, 0, 5), 0.5, 0.1),
    ],
)
def test_a_quantile_is_read_off_the_buckets(counts: tuple[int, ...], share: float, seconds: float | None) -> None:
    """Straight within a bucket; beyond the last bound that bound."""
    found = Timing("apply", (0.1, 1.0), counts).quantile(share)

    assert found == (None if seconds is None else pytest.approx(seconds))


def test_histograms_are_those_of_the_metrics() -> None:
    """The page and the dashboards show the same figures, pipeline by pipeline."""
    labels = [PipelineLabels(name, "c", "h", "view", (), (), 5.0) for name in ("one", "two")]
    metrics = Metrics(labels, version="1")
    metrics.of("one").visible(0.3)
    metrics.of("two").visible(0.3)
    metrics.of("one").visible(70.0)

    bounds, counts = histograms(metrics.registry, "one")["end to end"]

    assert (bounds[:4], counts[-1], counts[bounds.index(0.5)]) == ((0.05, 0.1, 0.25, 0.5), 2, 1)
