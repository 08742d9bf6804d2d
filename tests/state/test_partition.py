"""Invariant 4 for the state: whatever is killed when, it is again what the committed steps made it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from syncsvc.state import lmdb_store, partition, sweep
from syncsvc.state.lmdb_store import LmdbStore
from syncsvc.state.memory import MemoryStore
from syncsvc.state.partition import PartitionState
from syncsvc.state.store import Store

LINEAGE = b"lineage-1"
#: Some keys are the beginning of others, for a slice that ends between them.
KEYS = st.builds(lambda number, more: b"key%02d" % number + more, st.integers(0, 15), st.sampled_from([b"", b"\0"]))


class Histories(RuleBasedStateMachine):
    """
    One partition against a dict, with MongoDB played by `log` and the fence by `seq` and `base`.

    A step may be committed or lost with its process; the cache may be warm, stale, another's or gone; sweeps run all
    the time, in the smallest slices, because their thresholds are made tiny.
    """

    store: Store
    state: PartitionState

    def __init__(self) -> None:
        super().__init__()
        self.log: dict[int, bytes] = {}
        self.seq, self.base = 0, 1
        self.model: dict[bytes, bytes] = {}
        self.kept: dict[bytes, bytes] = {}
        self.now = 0.0

    def make_store(self) -> Store:
        """An empty cache."""
        return MemoryStore()

    @initialize()
    def first_start(self) -> None:
        """No fence, no cache."""
        self.store = self.make_store()
        self.start()

    @rule(key=KEYS, size=st.integers(0, 40))
    def put(self, key: bytes, size: int) -> None:
        """A change of the running step."""
        value = os.urandom(1) * size
        self.state.put(key, value)
        self.model[key] = value

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        """A deletion of the running step."""
        self.state.delete(key)
        self.model.pop(key, None)

    @rule(seconds=st.sampled_from([0.0, 0.3, 2.0]))
    def commit(self, seconds: float) -> None:
        """The step holds; superfluous segments go after it."""
        self.now += seconds
        taken = self.state.take_segment(self.seq + 1, 30)
        self.hold(taken)
        self.state.committed(self.seq, self.now)

    @rule(keys=st.lists(KEYS, min_size=8, max_size=20))
    def undisturbed_for_a_while(self, keys: list[bytes]) -> None:
        """Long enough for a sweep to begin and to end."""
        for key in keys:
            self.put(key, 20)
            self.commit(0.3)

    @rule(key=KEYS)
    def commit_while_the_next_step_goes_on(self, key: bytes) -> None:
        """The step holds when changes of the next one are already in the store."""
        self.now += 2.0
        taken = self.state.take_segment(self.seq + 1, 30)
        self.hold(taken)
        self.put(key, 7)
        self.state.committed(self.seq, self.now)

    def hold(self, taken: partition.Taken) -> None:
        """What the transaction does."""
        self.seq += 1
        if taken.blob:
            self.log[self.seq] = taken.blob
        self.base = taken.base or self.base
        self.log = {number: blob for number, blob in self.log.items() if number >= self.base}
        self.kept = dict(self.model)

    @rule(held=st.booleans(), more=KEYS)
    def killed_around_a_commit(self, held: bool, more: bytes) -> None:
        """Killed with a segment taken, held or not, and changes of a next step already made."""
        taken = self.state.take_segment(self.seq + 1, 30)
        if held:
            self.hold(taken)
        self.state.put(more, b"of the next step")
        self.kill()

    @rule()
    def killed(self) -> None:
        """Killed in the middle of a step."""
        self.kill()

    @rule(keys=st.lists(KEYS, min_size=2, max_size=8, unique=True), some=st.integers(1, 7))
    def killed_while_the_store_is_kept(self, keys: list[bytes], some: int) -> None:
        """Which takes several transactions: of what the step changed, some keys are kept then, with the old stamp."""
        for key in keys:
            self.put(key, 20)
        self.hold(self.state.take_segment(self.seq + 1, 30))
        if isinstance(self.store, MemoryStore):
            self.store.commit_some(some)
        self.kill()

    @rule()
    def stopped(self) -> None:
        """Closed in order, perhaps in the middle of a step."""
        self.state.close()
        self.reopen()

    @rule()
    def cache_lost(self) -> None:
        """A new pod: everything from segments."""
        self.store.close()
        self.store = self.make_store()
        self.model = dict(self.kept)
        self.start()

    @precondition(lambda self: self.seq > 3)
    @rule(steps=st.integers(1, 12), key=KEYS)
    def another_owner_for_a_while(self, steps: int, key: bytes) -> None:
        """The partition was elsewhere; our cache is stale when it comes back."""
        self.state.close()
        ours, self.store = self.store, MemoryStore()
        self.model = dict(self.kept)
        self.start()
        for step in range(steps):
            self.state.put(key + b"%d" % (step % 3), b"elsewhere")
            self.model[key + b"%d" % (step % 3)] = b"elsewhere"
            self.state.delete(b"key%02d" % step)
            self.model.pop(b"key%02d" % step, None)
            self.commit(0.1)
        self.store = ours
        self.reopen()

    def kill(self) -> None:
        """Nothing in memory survives."""
        self.store.close()
        self.reopen()

    def reopen(self) -> None:
        """Start on what is left of the cache."""
        self.model = dict(self.kept)
        self.start()

    def start(self) -> None:
        """As an actor opens its partition."""
        self.state = PartitionState(self.store, LINEAGE)
        first = self.state.behind(self.seq, self.base)
        for number in range(first, self.seq + 1):
            if number in self.log:
                self.state.apply(self.log[number])
        self.state.caught_up(self.seq)

    def teardown(self) -> None:
        """The state equals the model, and so does a state made from nothing but segments."""
        if not hasattr(self, "state"):
            return
        assert dict(self.state.scan(b"")) == self.model
        self.cache_lost()
        assert dict(self.state.scan(b"")) == self.kept
        self.store.close()


@pytest.fixture(autouse=True)
def tiny_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps from 300 bytes of segments on, read four entries at a time, kept in the store after 400 bytes."""
    monkeypatch.setattr(sweep, "LEAST_SWEEP_BYTES", 300)
    monkeypatch.setattr(sweep, "_SLICE_ENTRIES", 4)
    monkeypatch.setattr(partition, "KEEP_BYTES", 400)


HISTORY = settings(max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck))


def test_the_state_equals_its_committed_changes_in_memory() -> None:
    """Any history of steps, sweeps, kills, stale and lost caches."""
    run_state_machine_as_test(Histories, settings=HISTORY)


@pytest.mark.parametrize("in_place_bytes", [lmdb_store.IN_PLACE_BYTES, 0], ids=["in place", "laid over"])
def test_the_state_equals_its_committed_changes_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_place_bytes: int
) -> None:
    """The same histories on LMDB, closed and opened for real."""
    monkeypatch.setattr(lmdb_store, "IN_PLACE_BYTES", in_place_bytes)

    class OnDisk(Histories):
        number = 0

        def make_store(self) -> Store:
            OnDisk.number += 1
            self.path = tmp_path / str(OnDisk.number)
            return LmdbStore(self.path, map_bytes=1 << 24)

        def reopen(self) -> None:
            self.store = LmdbStore(self.path, map_bytes=1 << 24)
            super().reopen()

    run_state_machine_as_test(OnDisk, settings=settings(HISTORY, max_examples=20, stateful_step_count=30))


def opened(store: Store, seq: int = 0, lineage: bytes = LINEAGE) -> PartitionState:
    """A state that is caught up with a fence at `seq`."""
    state = PartitionState(store, lineage)
    state.behind(seq, 1)
    state.caught_up(seq)
    return state


def test_a_sweep_ends_and_names_the_segment_it_began_with() -> None:
    """Rewriting ten keys again and again: segments stay within a few times the live state."""
    state = opened(MemoryStore())
    bases = []
    for number in range(1, 200):
        state.put(b"key%d" % (number % 10), b"v" * 50)
        base = state.take_segment(number, 100).base
        state.committed(number, float(number))
        if base:
            bases.append((base, number))

    assert len(bases) > 3
    assert all(base <= number for base, number in bases)


def test_pure_growth_never_sweeps() -> None:
    """A first copy writes its state once: nothing would become superfluous."""
    state = opened(MemoryStore())
    for number in range(1, 100):
        state.put(b"key%d" % number, b"v" * 50)

        assert state.take_segment(number).base is None


def test_the_store_is_not_kept_with_changes_of_a_later_step() -> None:
    """Else a crash would leave a cache that has what MongoDB never got."""
    state = opened(MemoryStore())
    state.put(b"a", b"1")
    state.take_segment(1)
    state.put(b"b", b"of step 2")

    assert not state.committed(1, 100.0)
    state.take_segment(2)
    assert not state.committed(1, 200.0)
    assert state.committed(2, 300.0)


def test_the_store_is_kept_about_every_ten_seconds() -> None:
    """Time is an argument: many steps share one local commit; a kill leaves ten seconds of segments to read again."""
    state = opened(MemoryStore())
    kept = []
    for number in range(1, 41):
        state.put(b"a", b"")
        state.take_segment(number)
        kept.append(state.committed(number, float(number)))

    assert [number for number, was in enumerate(kept, 1) if was] == [11, 22, 33]


@pytest.mark.parametrize(
    ("lineage", "seq", "base"),
    [
        pytest.param(b"another", 5, 1, id="of another generation"),
        pytest.param(LINEAGE, 3, 1, id="ahead of the fence"),
        pytest.param(LINEAGE, 50, 20, id="segments it needs are gone"),
    ],
)
def test_a_cache_that_does_not_fit_is_wiped(lineage: bytes, seq: int, base: int) -> None:
    """Then everything is read from `base` on."""
    store = MemoryStore()
    before = opened(store)
    before.put(b"k", b"v")
    before.take_segment(5)
    before.committed(5, 0.0)
    state = PartitionState(store, lineage)

    assert state.behind(seq, base) == base
    assert state.get(b"k") is None


def test_a_warm_cache_reads_only_what_is_new() -> None:
    """The stamp names its step; the next one is the first wanted."""
    store = MemoryStore()
    before = opened(store)
    before.put(b"k", b"v")
    before.take_segment(5)
    before.committed(5, 0.0)

    assert PartitionState(store, LINEAGE).behind(9, 6) == 6


@given(st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_a_second_take_of_the_same_step_is_appended(times: int) -> None:
    """A step that has to park a document adds to its segment; what comes last holds."""
    state, again = opened(MemoryStore()), opened(MemoryStore())
    blob = b""
    for value in range(times):
        state.put(b"k", b"%d" % value)
        blob += state.take_segment(1).blob

    again.apply(blob)
    assert again.get(b"k") == state.get(b"k")
