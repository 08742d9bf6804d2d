"""
The arithmetic: what a workload asks of workers, MongoDB and Kafka.  Pure; every figure comes from `units`.

Keyed records a change follow from the join (ARCHITECTURE.md): the row itself; one more when it moves; SUBSCRIBE and
ANSWER when a partition begins to look at a row, UNSUBSCRIBE when it ends; and a changed row goes to every partition
that looks at it.  `tests/benchmarks/test_many_partitions.py` counts them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.sizing import units

DAY = 86_400
MICRO = 1e-6


@dataclass(frozen=True, slots=True)
class Workload:
    """
    What a user knows.  Shares are of all changes; those of the meetup workload unless given.

    `references` is how many documents show a row that is looked up, on average over the *changes* of such rows: popular
    rows change more often.  22 is what the meetup workload has at scale 1, where 107,075 records meant 315,904 writes.
    """

    #: Row changes a second at the peak hour.
    changes: float
    documents: int
    #: Bytes of a document, as BSON.
    document_bytes: float = 1_100
    #: Rows of all tables; 7 a document (1 root, 5 children, 1 looked up) unless given.
    rows: int | None = None
    tables: int = 3
    #: Partitions of the tables' topics, in all; 8 a table unless given.
    source_partitions: int | None = None
    #: Levels of lookups below each other.
    depth: int = 1
    references: float = 22.0
    #: Source records a change; deletes have a tombstone behind them.
    records: float = 1.07
    #: Share of changes that move a child to another document.
    moves: float = 0.035
    #: Share of changes to rows that others look up.
    lookups: float = 0.10
    #: Shares of changes that add a reference to a looked-up row, and that end one.
    adds: float = 0.42
    ends: float = 0.105
    #: Bytes of a source record.
    record_bytes: float = units.SOURCE_BYTES.value
    keyed_hours: float = 168
    copies: int = 3

    @property
    def all_rows(self) -> int:
        """Rows of all tables."""
        return self.rows if self.rows is not None else 7 * self.documents

    @property
    def all_source_partitions(self) -> int:
        """Partitions of the tables' topics."""
        return self.source_partitions if self.source_partitions is not None else 8 * self.tables

    @property
    def shown_rows(self) -> float:
        """Rows that a document shows."""
        return max(1.0, self.all_rows / max(1, self.documents))


def lookers(partitions: int, references: float) -> float:
    """Partitions that look at a row which so many documents show: what a change of it is sent to."""
    return float(partitions * (1 - (1 - 1 / partitions) ** references))


def keyed_records(load: Workload, partitions: int) -> float:
    """Keyed records that a change causes."""
    alone = float((1 - 1 / partitions) ** load.references)  # no other document of the partition shows the row
    subscriptions = (2 * load.adds + load.ends) * alone
    return 1 + load.moves + subscriptions + load.lookups * lookers(partitions, load.references)


def marks(partitions: int, source_partitions: int, depth: int) -> int:
    """End marks of a first copy: every source partition to every keyed one, then two rounds a level among those."""
    return partitions * (source_partitions + 2 * depth * partitions)


def written(load: Workload) -> float:
    """Documents written a second: those that changes touch, each once in a `WINDOW`; keys spread evenly."""
    window = units.WINDOW.value
    touched = load.changes * window * (1 - load.lookups + load.moves + load.lookups * load.references)
    return load.documents * (1 - math.exp(-touched / max(1, load.documents))) / window


def worker_seconds(records: float, keyed: float, entries: float, rows_rendered: float) -> float:
    """CPU seconds that workers need for so many of each."""
    read = records * (units.FETCH.value + units.ROUTE.value)
    joined = keyed * (units.SEND.value + units.FETCH.value + units.FOLD.value)
    return MICRO * (read + joined + entries * units.ENTRY.value + rows_rendered * units.RENDER.value)


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes, at the peak hour."""

    load: Workload
    partitions: int
    workers: int
    #: Keyed records a change.
    keyed: float
    #: Documents written a second.
    writes: float
    #: CPU of all workers, in cores kept fully busy.
    cores: float

    @property
    def partitions_a_worker(self) -> int:
        """Source and keyed partitions of the busiest worker."""
        return math.ceil((self.partitions + self.load.all_source_partitions) / self.workers)

    @property
    def worker_megabytes(self) -> float:
        """Resident memory of a worker, without what the kernel caches of its state."""
        return units.BASE_MEMORY.value + units.LANE.value * max(0, self.partitions_a_worker - 16)

    @property
    def cache_gigabytes(self) -> float:
        """Local disk (or memory that the kernel may take back) of a worker's cache."""
        return self.load.all_rows * units.CACHE_BYTES.value / self.workers / 1e9

    @property
    def mongod_cores(self) -> float:
        """CPU of the primaries."""
        entries = self.load.changes * self.keyed * units.ENTRIES.value
        busy = MICRO * (entries * units.ENTRY_STORED.value + self.writes * units.WRITE.value)
        return busy + self.workers * units.LIVE.value

    @property
    def written_megabytes(self) -> float:
        """MB a second into the oplog: documents and state."""
        entry = units.ROW_BYTES.value / units.ROW_ENTRIES.value
        state = self.load.changes * self.keyed * units.ENTRIES.value * entry
        return (self.writes * self.load.document_bytes + state) / 1e6

    @property
    def stored_gigabytes(self) -> float:
        """Documents and state in MongoDB, at most and before compression; a rebuild holds both twice."""
        water = self.partitions * (self.partitions + self.load.all_source_partitions) * units.WATER_BYTES.value
        state = (self.load.all_rows * units.ROW_BYTES.value + water) * units.SEGMENTS.value
        return (self.load.documents * self.load.document_bytes + state) / 1e9

    @property
    def source_megabytes(self) -> float:
        """MB a second into the tables' topics, one copy."""
        return self.load.changes * self.load.records * self.load.record_bytes / 1e6

    @property
    def keyed_megabytes(self) -> float:
        """MB a second into the keyed topic, one copy."""
        return self.load.changes * self.keyed * units.KEYED_BYTES.value / 1e6

    @property
    def broker_megabytes(self) -> float:
        """MB a second that the brokers write, all copies."""
        return (self.source_megabytes + self.keyed_megabytes) * self.load.copies

    @property
    def keyed_terabytes(self) -> float:
        """Disk of the keyed topic, all copies, when its retention is full."""
        return self.keyed_megabytes * self.load.copies * self.load.keyed_hours * 3_600 / 1e6

    @property
    def source_terabytes_a_day(self) -> float:
        """What the tables' topics grow by in a day at this rate, all copies."""
        return self.source_megabytes * self.load.copies * DAY / 1e6

    @property
    def brokers(self) -> int:
        """Brokers, by what they write and by the partitions they hold; never fewer than there are copies."""
        held = (self.partitions + self.load.all_source_partitions) * self.load.copies
        by_bytes = self.broker_megabytes / units.BROKER.value
        return max(self.load.copies, math.ceil(by_bytes), math.ceil(held / units.BROKER_PARTITIONS.value))

    @property
    def copy_seconds(self) -> float:
        """First copy or rebuild of all rows, each worker a full core; without the connector's snapshot."""
        load = self.load
        # As in the meetup tables: of seven rows one is looked up, by five others.
        pairs = load.all_rows / 7 * lookers(self.partitions, 5) if load.adds else 0.0
        keyed = load.all_rows + 2 * pairs + marks(self.partitions, load.all_source_partitions, load.depth)
        rendered = load.documents * load.shown_rows
        return worker_seconds(load.all_rows, keyed, keyed * units.ENTRIES.value, rendered) / self.workers

    @property
    def restore_seconds(self) -> float:
        """CPU time in which a worker with an empty cache reads its share of the state."""
        entries = self.load.all_rows * units.ROW_ENTRIES.value / self.workers
        return MICRO * entries * units.RESTORE.value


def plan(load: Workload) -> Plan:
    """What a workload takes.  More partitions cost more records and so more workers: repeated until they agree."""
    partitions = 8
    while True:
        keyed, writes = keyed_records(load, partitions), written(load)
        entries = keyed * load.changes * units.ENTRIES.value
        cores = worker_seconds(load.changes * load.records, keyed * load.changes, entries, writes * load.shown_rows)
        workers = max(2, math.ceil(cores / units.BUSY.value))  # one may go
        enough = min(units.MOST_PARTITIONS.value, units.SHARE.value * workers)
        if partitions >= enough:
            return Plan(load, partitions, workers, keyed, writes, cores)
        partitions *= 2
