"""
A slow-down by design fails here: what the stages do for a fixed workload is counted and bounded, without a clock.

The bounds lie some twentieth above what was counted when they were last set; whoever makes something cheaper lowers
them, whoever makes it dearer has to say why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from threading import Event
from typing import NamedTuple

import pytest
from pymongo import monitoring

from syncsvc.devstack import cache, children
from syncsvc.devstack.mongod import Mongod
from syncsvc.mongo import client, fences, namespaces
from syncsvc.mongo.transaction import Transactions
from tests.benchmarks.counting import Work

BATCH = 200  # records a step: a partition that is busy, not far behind


class Bound(NamedTuple):
    """At most so much of something for each source record of a part; `today`: what was counted when it was set."""

    part: str
    what: str
    today: float

    @property
    def most(self) -> float:
        """The bound."""
        return self.today * 1.05


#: Per source record of the first copy and of the changes (seven of a hundred of those are tombstones).
BOUNDS = [
    Bound("copy", "keyed records", 1.978),
    Bound("copy", "keyed bytes", 245.4),
    Bound("copy", "get", 3.469),
    Bound("copy", "put", 4.909),
    Bound("copy", "delete", 0.003),
    Bound("copy", "scan", 1.070),
    Bound("copy", "scanned entries", 2.243),
    Bound("copy", "renders", 0.143),
    Bound("copy", "documents", 0.143),
    Bound("copy", "segment bytes", 295.6),
    Bound("copy", "transactions", 0.0043),
    Bound("copy", "commands", 0.0090),
    Bound("copy", "statements", 0.2215),
    Bound("changes", "keyed records", 1.723),
    Bound("changes", "keyed bytes", 233.8),
    Bound("changes", "get", 4.660),
    Bound("changes", "put", 4.526),
    Bound("changes", "delete", 0.892),
    Bound("changes", "scan", 2.126),
    Bound("changes", "scanned entries", 8.777),
    Bound("changes", "renders", 0.720),
    Bound("changes", "documents", 0.554),
    Bound("changes", "segment bytes", 244.9),
    Bound("changes", "transactions", 0.0047),
    Bound("changes", "commands", 0.0141),
    Bound("changes", "statements", 0.6374),
]


@pytest.fixture(scope="module")
def work() -> Work:
    """The workload, run once for all tests of the module."""
    return Work(BATCH)


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: f"{bound.part}: {bound.what}")
def test_a_record_costs_no_more_work_than_it_did(work: Work, bound: Bound) -> None:
    """An upgrade does not make the service do more for the same records: what it does for each is bounded."""
    counted = work.counted[bound.part][bound.what] / work.counted[bound.part]["records"]

    assert counted <= bound.most, f"{bound.what} a record: {counted:.4f}, it was {bound.today:g} when the bound was set"


def test_every_piece_of_work_that_is_counted_has_a_bound(work: Work) -> None:
    """Nothing that is counted is left without a bound, so that work cannot move to where nobody looks."""
    free = {"records", "segments", "document bytes"}  # the unit, and two that follow from the others
    bounded = {(bound.part, bound.what) for bound in BOUNDS}

    assert {(part, what) for part, counts in work.counted.items() for what in counts if what not in free} == bounded


def test_the_counted_workload_ends_in_the_right_documents(work: Work) -> None:
    """Work that is left out at the price of a wrong document is no gain."""
    assert work.documents == work.meetup.documents()


def test_a_document_that_changes_often_is_written_less_often_the_further_behind_a_partition_is() -> None:
    """Changes of one document within a step become one write: larger steps write and render fewer documents."""
    written = [Work(batch).counted["changes"]["documents"] for batch in (50, 2_000)]

    assert written[1] < written[0] / 4


@pytest.mark.parametrize("times", [2, 4])
def test_work_grows_with_the_records_and_not_faster(times: int) -> None:
    """Twice the records, twice the work: nothing that is done for a record looks at all the others."""
    small, large = (Work(BATCH, meetings=200 * factor).counted["copy"] for factor in (1, times))

    for what in ("get", "put", "scan", "scanned entries", "keyed records", "keyed bytes", "renders", "statements"):
        assert large[what] <= small[what] * times * 1.05, what


class Commands(monitoring.CommandListener):
    """Counts the commands that the driver sends."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """One more."""
        self.names[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Counted when it was started."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Counted when it was started."""


@pytest.fixture
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A replica set of one."""
    nursery = children.Nursery()
    server = Mongod(cache.Cache(nursery, print), tmp_path_factory.mktemp("mongod"), cache_gb=0.25)
    server.start()
    yield server
    server.stop()
    nursery.close()


@pytest.mark.servers
def test_a_step_of_every_partition_costs_four_commands_of_mongodb(mongod: Mongod, work: Work) -> None:
    """Fences, segments, documents and the commit: what is sent does not grow with the number of partitions."""
    commands = Commands()
    monitoring.register(commands)
    connection = client.connect(mongod.uri, "work")
    namespaces.ensure(connection, ["documents", "state"])
    groups = [*work.groups["copy"], *work.groups["changes"]]
    with connection.client.start_session() as session:
        for name in {commit.fence_id for group in groups for commit in group}:
            fences.open_fence(connection, name, session.session_id["id"])
        before = Counter(commands.names)
        transactions = Transactions(connection, session, Event())
        for group in groups:
            transactions.run(group)
        sent = commands.names - before
    found = {row["_id"]: row for row in connection.database["documents"].find({}, {"_sync": 0})}
    connection.close()

    assert found == work.meetup.documents()
    assert sent["commitTransaction"] == len(groups)
    assert sum(sent.values()) <= 4 * len(groups), sent
