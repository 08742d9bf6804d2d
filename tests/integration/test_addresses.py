"""Where rows go: one meeting, one partition, one worker."""

from __future__ import annotations

import threading
from collections import defaultdict
from itertools import pairwise
from typing import Any

from syncsvc import keys
from syncsvc.mapping.load import load
from syncsvc.routing import records
from syncsvc.routing.plan import compile_plan
from tests.integration.conftest import MakeStage
from tests.integration.load import Load
from tests.integration.meetup import APPLICATION, MEETING, USER
from tests.integration.stage import Stage
from tests.integration.waiting import wait_until


class FenceWatch:
    """Every step of every fence, as the oplog has it: `{fence: [(epoch, seq, session), …]}`."""

    def __init__(self, stage: Stage) -> None:
        self.steps: dict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
        self._over = threading.Event()
        self._stream = stage.database["syncsvc_fences"].watch(full_document="updateLookup", max_await_time_ms=100)
        self._now: dict[str, dict[str, Any]] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            change = self._stream.try_next()
            if change is None:
                if self._over.is_set():
                    return
                continue
            name = change["documentKey"]["_id"]
            # The looked-up document may be newer than the change; what the change itself says is exact.
            told = change.get("updateDescription", {}).get("updatedFields", change["fullDocument"])
            fence = self._now[name] = {**self._now.get(name, {}), **told}
            self.steps[name].append((fence["epoch"], fence["seq"], bytes(fence["lsid"])))

    def finish(self) -> None:
        """Reads what is left."""
        self._over.set()
        self._thread.join()
        self._stream.close()


def test_rows_of_one_meeting_from_all_tables_reach_one_partition_and_one_worker(make_stage: MakeStage) -> None:
    """
    Over all keys, with two workers under load: every row is in the partition that its address hashes to, a meeting's
    own row and its applications share one, the users of its applications are delivered to that one, and each partition
    has exactly one owner at a time whose steps follow each other without a gap.
    """
    stage = make_stage(51, partitions=8)
    watch = FenceWatch(stage)
    stage.begin()
    first, second = stage.worker(), stage.worker()
    first.start()
    wait_until(stage.copied, stage.tails)
    with Load(stage):
        second.start()
        wait_until(lambda: stage.all_owned(2), stage.tails)
        stage.go_on(30)
    stage.settle()
    stage.check_reader()
    watch.finish()

    check_places(stage)
    check_owners(watch, stage)


def check_places(stage: Stage) -> None:
    """Every row is where its columns say."""
    partition_of, tables = keys.Partitioner(stage.partitions), {}
    for role in compile_plan(load(stage.mapping)).roles:
        tables[role.number] = role.table
    homes: dict[bytes, set[int]] = defaultdict(set)
    shown: dict[bytes, set[str]] = defaultdict(set)
    delivered: dict[int, set[bytes]] = defaultdict(set)
    for partition, address, value in stage.logs.keyed_records():
        kind = value[1]
        if kind in (records.PUT, records.REMOVE):
            homes[address].add(partition)
            assert partition == partition_of[address], f"{address.hex()} is in partition {partition}"
            shown[address].add(tables[records.parse_row(value)[0]])
        elif kind in (records.ANSWER, records.ROW):
            delivered[partition].add(address)
    assert all(len(places) == 1 for places in homes.values())

    meetings = {row["meeting_id"] for row in stage.meetup.rows[APPLICATION].values()}
    for number in meetings & stage.meetup.rows[MEETING].keys():
        assert shown[address_of(0, number)] == {MEETING, APPLICATION}
    relay = next(iter(address[0] for address in shown if shown[address] == {USER}))
    for row in stage.meetup.rows[APPLICATION].values():
        if row["user_id"] in stage.meetup.rows[USER]:
            home = partition_of[address_of(0, row["meeting_id"])]
            assert address_of(relay, row["user_id"]) in delivered[home]


def check_owners(watch: FenceWatch, stage: Stage) -> None:
    """One owner at a time; it changed at most where the second worker joined."""
    joiners = {name: steps for name, steps in watch.steps.items() if "/joiner/" in name}
    assert len(joiners) == stage.partitions
    for name, steps in joiners.items():
        owners: dict[int, set[bytes]] = defaultdict(set)
        for epoch, _, session in steps:
            owners[epoch].add(session)
        assert all(len(sessions) == 1 for sessions in owners.values()), f"{name}: two owners in one epoch"
        for (epoch, seq, _), (next_epoch, next_seq, _) in pairwise(steps):
            raised = next_epoch == epoch + 1 and next_seq == seq
            assert raised or (next_epoch, next_seq) == (epoch, seq + 1), f"{name}: {seq} is followed by {next_seq}"
    assert len({steps[-1][2] for steps in joiners.values()}) == 2


def address_of(node: int, number: int) -> bytes:
    """The address of a node's key."""
    return bytes((node,)) + keys.canonical((number,))
