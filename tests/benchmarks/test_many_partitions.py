"""
The arithmetic of docs/sizing.md at one point: routers and joiners of many partitions in memory, their records counted.

What is expected is counted here from the rows alone, who refers to whom and which partition that is; the join is not
asked.
"""

from __future__ import annotations

import functools
import json
from collections import Counter

import bson
import pytest

from benchmarks.meetup import PIPELINE
from benchmarks.road import Road
from benchmarks.sizing.demand import Workload, keyed_records, lookers, marks
from benchmarks.workload import APPLICATION, USER, Event, Meetup, links
from syncsvc.keys import Partitioner, canonical
from syncsvc.mapping import load_text
from syncsvc.routing.records import KINDS
from tests.benchmarks.counting import CountingStore

FEW, MANY = 8, 512
MEETINGS, CHANGES = 300, 400


class Expected:
    """Keyed records by kind, from the rows; a delivery is an answer or a changed row, whichever comes first."""

    def __init__(self, partitions: int) -> None:
        self._partition_of = Partitioner(partitions)
        #: `{(partition, user): documents' rows there that show the user}`.
        self._looked_at: Counter[tuple[int, int]] = Counter()
        self.kinds: Counter[str] = Counter()
        #: Documents' rows that showed a user when it changed.
        self.references: list[int] = []
        self.adds = self.ends = 0

    def _partition(self, meeting: int) -> int:
        return self._partition_of[b"\0" + canonical((meeting,))]

    def _begin(self, meeting: int, user: int) -> None:
        pair = self._partition(meeting), user
        self.kinds["put"] += 1
        self.adds += 1
        if not self._looked_at[pair]:
            self.kinds["subscribe"] += 1
            self.kinds["delivery"] += 1
        self._looked_at[pair] += 1

    def _end(self, meeting: int, user: int) -> None:
        pair = self._partition(meeting), user
        self.kinds["remove"] += 1
        self.ends += 1
        self._looked_at[pair] -= 1
        if not self._looked_at[pair]:
            self.kinds["unsubscribe"] += 1
            del self._looked_at[pair]

    def take(self, event: Event) -> None:
        """One record of a table's topic."""
        if not event.value:
            return  # the tombstone behind a delete
        change = json.loads(event.value)
        before, after = change["before"], change["after"]
        if event.table == APPLICATION:
            was, now = (row and (row["meeting_id"], row["user_id"]) for row in (before, after))
            if was != now:
                if was:
                    self._end(*was)
                if now:
                    self._begin(*now)
                return
        self.kinds["put"] += 1
        if event.table == USER and before is not None:
            shown = [count for (_, user), count in self._looked_at.items() if user == after["id"]]
            self.kinds["delivery"] += len(shown)
            self.references.append(sum(shown))


class Run:
    """A first copy, then changes one by one, each until nothing moves; counted and expected."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.meetup = Meetup(MEETINGS, MEETINGS, links(7, MEETINGS, MEETINGS, 5 * MEETINGS))
        text = PIPELINE.replace("partitions: 8", f"partitions: {partitions}")
        pipeline = load_text(text.format(name="many", collection="documents", prefix="p"), "many.yaml")
        snapshot = list(self.meetup.snapshot())
        self.operations: Counter[str] = Counter()
        self.documents: dict[int, dict[str, object]] = {}
        copied = Counter(event.table for event in snapshot)
        self._road = Road(pipeline, copied, lambda _: CountingStore(self.operations), batch=5_000)
        expected = Expected(partitions)
        for event in sorted(snapshot, key=lambda event: event.table):
            expected.take(event)
        self._go(snapshot)
        self.copied, self.copied_expected = self._counted(), Counter(expected.kinds)
        expected.adds = expected.ends = 0
        self.operations.clear()
        for event in self.meetup.changes(CHANGES):
            expected.take(event)
            self._go([event])
        self.changed = self._counted() - self.copied
        self.changed_expected = expected.kinds - self.copied_expected
        moves = self.changed["put"] + self.changed["remove"] - CHANGES
        #: The changes as a user would describe them.
        self.load = Workload(
            CHANGES, MEETINGS, references=sum(expected.references) / len(expected.references),
            lookups=len(expected.references) / CHANGES, moves=moves / CHANGES,
            adds=expected.adds / CHANGES, ends=expected.ends / CHANGES,
        )  # fmt: skip

    def _go(self, events: list[Event]) -> None:
        self._road.feed(events)
        for group in self._road.run():
            for write in (write for commit in group for write in commit.writes):
                identity = bson.decode(write.match)["_id"]
                shown = bson.decode(write.body) if write.op != "delete" else {}
                shown.pop("_sync", None)
                self.documents[identity] = shown

    def _counted(self) -> Counter[str]:
        names = Counter(KINDS[record.value[1]] for log in self._road._keyed for record in log)
        names["delivery"] = names.pop("answer", 0) + names.pop("row", 0)
        return +names


run = functools.cache(Run)
sizes = pytest.mark.parametrize("partitions", [FEW, MANY])


@sizes
def test_a_first_copy_sends_each_row_once_and_two_records_for_each_partition_that_looks(partitions: int) -> None:
    """Subscriptions and deliveries of a first copy follow from who refers to whom, end marks from the partitions."""
    found = run(partitions)

    assert found.copied == found.copied_expected + Counter(mark=marks(partitions, source_partitions=3, depth=1))


@sizes
def test_a_change_sends_what_the_page_says(partitions: int) -> None:
    """Row, move, subscription, answer and a delivery for each partition that looks: no record more."""
    found = run(partitions)

    assert found.changed == found.changed_expected


@sizes
def test_the_formula_of_the_page_foretells_the_records_of_a_change(partitions: int) -> None:
    """From shares and a mean alone it is right within a tenth, with few partitions and with many."""
    found = run(partitions)

    assert keyed_records(found.load, partitions) == pytest.approx(sum(found.changed.values()) / CHANGES, rel=0.1)


def test_a_keyed_record_costs_the_store_no_more_with_many_partitions() -> None:
    """More partitions mean more records, but none of them is dearer."""
    few, many = (sum(run(size).operations.values()) / sum(run(size).changed.values()) for size in (FEW, MANY))

    assert many <= few


@sizes
def test_the_documents_are_right_whatever_the_number_of_partitions(partitions: int) -> None:
    """What is counted is the work of a join that ends in the documents of the tables."""
    found = run(partitions)

    assert found.documents == found.meetup.documents()


def test_a_row_is_copied_to_a_partition_once_however_many_documents_show_it() -> None:
    """Partitions that look at a row are never more than there are partitions, nor more than documents that show it."""
    assert lookers(8, 1_000_000) == pytest.approx(8)
    assert lookers(1_024, 1) == pytest.approx(1)
    assert lookers(1_024, 22) == pytest.approx(21.8, abs=0.05)
