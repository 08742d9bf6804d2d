"""
What one unit of work costs, each with where the figure comes from; and what is assumed, as nobody measured it here.

The only numbers of the plan.  CPU is of the slow moments of the machine that they were measured on, plain Python: a
compiled hot path (decision 0010) and a quiet core do the same in half of it, which is a margin and not planned with.
"""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """One figure."""

    value: float
    unit: str
    what: str
    source: str


_TRANSPORT, _STAGES = "docs/performance.md, transport", "the stages of 2026-11-25"
_WORK, _STATE = "tests/benchmarks/test_work.py", "decision 0001"
_CHANGES_RUN = "the changes of 2026-11-25"

# A worker.
FETCH = Unit(4.4, "µs", "read a record from Kafka, through Faust", _TRANSPORT)
SEND = Unit(1.8, "µs", "send a record", _TRANSPORT)
ROUTE = Unit(20.0, "µs", "route a source record", _STAGES)
FOLD = Unit(15.0, "µs", "fold a keyed record", _STAGES)
RENDER = Unit(11.0, "µs", "render and write, for each row that a document shows", f"{_STAGES}: 55 for 5 rows")
ENTRIES = Unit(3.0, "", "state entries that a keyed record changes", f"{_WORK}: 2.5 in the first copy, 3.1 later")
ENTRY = Unit(2.4, "µs", "write a state entry", _STATE)
BASE_MEMORY = Unit(
    400, "MB", "a worker with 16 partitions at its peak", "docs/performance.md: 0.8 GB, two workers at scale 10"
)
RESTORE = Unit(4.1, "µs", "read a state entry back from MongoDB into an empty cache", "`benchmarks.stages`, 2026-11-25")
ROW_ENTRIES = Unit(4.1, "", "state entries of a row", "counted: 140,000 rows of the meetup tables")
LANE = Unit(2.0, "MiB", "records that wait, at most, for each further partition", "syncsvc/engine/settings.py")

# MongoDB, CPU of the primary.
WRITE = Unit(85.0, "µs", "replace a document of 1.2 kB", f"{_CHANGES_RUN}: 5.5 s less the state, 55,405 writes")
ENTRY_STORED = Unit(1.5, "µs", "take in a state entry", _STATE)
LIVE = Unit(
    0.3, "cores", "transactions and polls of one worker in live flow", "docs/performance.md: 8 s of 30 at 500/s"
)

# Bytes.
SOURCE_BYTES = Unit(
    640, "B", "a source record: Debezium's JSON without its schema, row before and after", "69 MB for 107,075 records"
)
KEYED_BYTES = Unit(136, "B", "a keyed record", f"{_WORK}: 233.8 for 1.723 records")
ROW_BYTES = Unit(253, "B", "live state of a row", "counted on the same rows")
GONE_BYTES = Unit(
    69, "B", "what is kept of a deleted row: its last position, when it is forgotten",
    "counted: key of 4 bytes, one place in the documents",
)  # fmt: skip
GONE_CACHE_BYTES = Unit(123, "B", "the same in the local cache, deleted in any order", "300,000 of them; 76 in order")
SEGMENTS = Unit(2.0, "x", "state stored for the live state, at most, before a sweep", "syncsvc/state/sweep.py")
CACHE_BYTES = Unit(672, "B", "a row in the local cache (LMDB)", "counted on the same rows")
CACHE_LIMIT = Unit(4, "GiB", "room for that cache in a pod as we ship it", "deploy/k8s/base/stateful-set.yaml")
WATER_BYTES = Unit(20, "B", "what a partition remembers of a sender", "syncsvc/assembly/layout.py")

# Wanted.
COLD = Unit(120, "s", "the longest that a worker may take to read its state back", "rule of this page")

# Assumed.
BUSY = Unit(0.6, "", "how busy a core may be at the peak; the rest catches up after an outage", "assumption")
WINDOW = Unit(0.1, "s", "changes of a document within it become one write", "assumption; a step takes 0.03 to 0.15 s")
CONNECTOR = Unit(10_000, "events/s", "one connector: one thread reads one server's binlog", "assumption; measure yours")
PRIMARY = Unit(16, "cores", "a primary of MongoDB", "assumption")
BROKER = Unit(50, "MB/s", "writes of one broker, copies included", "assumption; its disk and network decide")
BROKER_PARTITIONS = Unit(4_000, "", "copies of partitions on one broker", "KIP-578")

# Ours by construction.
MOST_PARTITIONS = Unit(1_024, "", "partitions of a keyed topic", "syncsvc/mapping/declaration.py")
SHARE = Unit(4, "", "partitions a worker, so that shares are even and there is room to grow", "rule of this page")


def table() -> list[tuple[str, Unit]]:
    """All of them, by name, in the order of this module."""
    return [(name, value) for name, value in globals().items() if isinstance(value, Unit)]
