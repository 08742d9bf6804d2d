"""When a worker counts as behind."""

from __future__ import annotations

from syncsvc.actors.backlog import BEHIND_RECORDS, BEHIND_SECONDS, Backlog
from syncsvc.engine.port import TP

FIRST, SECOND = TP("a", 0), TP("b", 0)


def test_the_records_before_all_partitions_count_together() -> None:
    """Many partitions with a little each are as far behind as one with all of it."""
    backlog = Backlog()
    backlog.see({FIRST: (0, BEHIND_RECORDS), SECOND: (0, 10)})

    assert not backlog.large([(FIRST, 10), (SECOND, 0)], 1.0)
    assert not backlog.large([(FIRST, 0)], 1.0)  # another worker's partition is not this one's backlog
    assert backlog.large([(FIRST, 0), (SECOND, 0)], 1.0)


def test_a_worker_stays_behind_for_a_moment() -> None:
    """Else it would write documents that records of other workers, on their way, change again."""
    backlog = Backlog()
    backlog.see({FIRST: (0, BEHIND_RECORDS + 1)})

    assert backlog.large([(FIRST, 0)], 10.0)
    assert backlog.large([(FIRST, BEHIND_RECORDS + 1)], 10.0 + BEHIND_SECONDS / 2)
    assert not backlog.large([(FIRST, BEHIND_RECORDS + 1)], 10.0 + BEHIND_SECONDS)
