"""
State of one fence: a store whose changes leave in segments, and which is made whole again from segments.

    fold: get / put / delete / scan      -> the store, and `changed`
    take_segment()                       -> one blob for the step's transaction (`mongo.committer`)
    committed(seq, now)                  -> now and then a commit of the local store, stamped with seq
    behind(), applying(), caught_up()    -> after a start or a rebalance: read what is missing

The segments `base..seq` hold the whole state.  That they do not grow for ever is the work of the *sweep*: when they
have grown past twice the live state, each following segment also carries a slice of the live state in key order; when
the walk has gone through, everything below the sweep's first segment is superfluous: a key changed since then is in a
later segment, and one that did not change was in a slice.  (`tests/state/test_partition.py` proves it by histories of
crashes.)  Knows neither records nor MongoDB; time is an argument (invariant 7).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from syncsvc.state import segments
from syncsvc.state.store import Store
from syncsvc.state.sweep import SLICE_BYTES, Sweep, Weight

#: Local commits: at the latest this long after the first change not kept, in seconds.  What a kill loses of the cache
#: is read again from segments, 2.4 us an entry; each commit costs 0.5 ms and more, and in a large state some us for
#: each page with a change.
KEEP_SECONDS = 10.0
#: .. or when this many bytes have changed: what is not kept stands in memory, twice as large.
KEEP_BYTES = 4 << 20
_FEW = 8  # changes that are not worth sorting
_APPLY_ENTRIES = 500  # of a segment, in one slice: 3 to 15 ms

class Taken(NamedTuple):
    """What a step's transaction has to carry for the state."""

    #: One segment; empty when nothing changed and no sweep runs.
    blob: bytes
    #: New `base` for the fence, when a sweep ended with this segment: lower segments may go after the commit.
    base: int | None


class PartitionState:
    """One fence's state.  `lineage`: uuid of the generation and fence id; a cache of another one is never used."""

    def __init__(self, store: Store, lineage: bytes) -> None:
        self._store, self._lineage = store, lineage.hex()
        self._changed: dict[bytes, bytes | None] = {}
        #: Of values that were put since the last segment, those put again included.
        self.changed_bytes = 0
        self._weight = Weight()
        self._sweep: Sweep | None = None
        self._seq = self._taken = self._kept = 0
        self._unkept_bytes = 0
        self._unkept_since: float | None = None
        #: Changes that the store has not got yet: many at once, in key order, cost it a third of one by one.
        self._unwritten: dict[bytes, bytes | None] = {}
        self._store_get = store.get

    # The fold.

    def get(self, key: bytes) -> bytes | None:
        """The value, None when there is none."""
        unwritten = self._unwritten
        return unwritten[key] if key in unwritten else self._store_get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set or replace, and remember it for the next segment."""
        self._changed[key] = self._unwritten[key] = value
        self.changed_bytes += len(value)

    def delete(self, key: bytes) -> None:
        """Remove, and remember it for the next segment."""
        self._changed[key] = self._unwritten[key] = None

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Every entry with the prefix, in key order."""
        if self._unwritten:
            self._write()
        return self._store.scan(prefix)

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` of them from `start` on."""
        if self._unwritten:
            self._write()
        return self._store.walk(start, prefix, limit)

    def any(self, prefix: bytes) -> bool:
        """Whether a key begins with the prefix."""
        if self._unwritten:
            self._write()
        return self._store.any(prefix)

    def _write(self) -> None:
        """Brings the store up to date."""
        unwritten, self._unwritten = self._unwritten, {}
        entries: list[tuple[bytes, bytes]] = []
        for key in sorted(unwritten) if len(unwritten) > _FEW else unwritten:
            value = unwritten[key]
            if value is None:
                self._store.delete(key)
            else:
                entries.append((key, value))
        self._store.load(entries)

    # The step.

    def take_segment(self, number: int, slice_bytes: int = SLICE_BYTES) -> Taken:
        """
        Everything changed since the last call, for segment `number`; with a slice of the state while a sweep runs.

        The caller commits it in the transaction that raises the fence to `number`, and then calls `committed(number)`.
        It may send the same blob again, but never drop it; the blob of a second call for the same number is appended.
        """
        self._write()
        changed, self._changed, self.changed_bytes = self._changed, {}, 0
        self._taken = number
        blob = segments.encode(changed) if changed else b""
        self._unkept_bytes += len(blob)
        self._weight.add(len(blob), len(changed))
        if self._sweep is None and self._weight.heavy(self._store.entries):
            self._sweep = Sweep(first=number)
        if self._sweep is None:
            return Taken(blob, None)
        sweep = self._sweep
        live, entries = sweep.next_slice(self._store, max(slice_bytes, len(blob)))
        self._weight.add(len(live), entries)
        sweep.weight.add(len(blob) + len(live), len(changed) + entries)
        if not sweep.ended:
            return Taken(blob + live, None)
        self._weight, self._sweep = sweep.weight, None
        return Taken(blob + live, sweep.first)

    def committed(self, seq: int, now_seconds: float) -> bool:
        """
        The transaction of segment `seq` is durable; keep the local store now and then.  True when it was kept.

        The store is kept only while it shows exactly the state at `seq`: with changes of a later step in it, a crash
        would leave a cache that has them although MongoDB never did.  A kill while it is kept leaves some keys ahead
        of the old stamp: they are of segments behind it, which the next owner reads again.
        """
        self._seq = seq
        if self._unkept_bytes and self._unkept_since is None:
            self._unkept_since = now_seconds
        if not (self._due(now_seconds, 1) and self._clean()):
            return False
        self._keep()
        return True

    def overdue(self, now_seconds: float) -> bool:
        """Whether the next step should wait for the one in flight, so that the store can be kept."""
        return self._due(now_seconds, 2)

    def _due(self, now_seconds: float, times: int) -> bool:
        """Whether so many times the bounds have changed, or waited, since the store was kept."""
        if self._unkept_since is None:
            return False
        return self._unkept_bytes >= times * KEEP_BYTES or now_seconds - self._unkept_since >= times * KEEP_SECONDS

    # After a start.

    def behind(self, seq: int, base: int) -> int:
        """
        First segment to read so that the state is that of a fence at `seq` whose segments begin at `base`.

        Read `first..seq` in order through `apply`, then call `caught_up(seq)`; nothing to read when it is above `seq`.
        A cache that is another lineage's, ahead of the fence, or so old that segments it needs are gone, is wiped.
        """
        kept = self._read_stamp()
        if kept is not None and base - 1 <= kept <= seq:
            self._kept = kept
            return kept + 1
        self._store.wipe()
        self._weight, self._kept = Weight(), 0
        return base

    def apply(self, blob: bytes) -> None:
        """One segment, in order of their numbers."""
        for _ in self.applying(blob):
            pass

    def applying(self, blob: bytes) -> Iterator[None]:
        """`apply` in slices, for a segment may take seconds; others may run in between, but nothing reads the state."""
        # One segment may name a key twice (its changes, then a slice of a sweep; or two blobs): the last one holds.
        changed = dict(segments.decode(blob))
        self._weight.add(len(blob), len(changed))
        yield
        # In key order as a whole: slices of their own order would each go through the whole tree.
        keys = sorted(changed)
        for at in range(0, len(keys), _APPLY_ENTRIES):
            self._unwritten = {key: changed[key] for key in keys[at : at + _APPLY_ENTRIES]}
            self._write()
            yield
        self._unkept_bytes += len(blob)
        if self._unkept_bytes >= KEEP_BYTES:
            # Without a stamp: killed now, the cache is void, for it may hold half a state.
            yield from self._store.committing(b"")
            self._unkept_bytes = 0

    def caught_up(self, seq: int) -> None:
        """The last wanted segment was applied: the state is that of the fence at `seq`."""
        self._seq = self._taken = seq
        if self._kept != seq:
            self._keep()

    def close(self) -> None:
        """Keep the store when it shows a committed state, else leave it at the last one kept; let it go."""
        if self._clean() and self._kept != self._seq:
            self._keep()
        self._store.close()

    def _clean(self) -> bool:
        return not self._changed and self._taken <= self._seq

    def _keep(self) -> None:
        stamp = {"format": 1, "lineage": self._lineage, "seq": self._seq, **self._weight.as_dict()}
        self._store.commit(json.dumps(stamp).encode())
        self._kept, self._unkept_bytes, self._unkept_since = self._seq, 0, None

    def _read_stamp(self) -> int | None:
        """Number of the last segment in the cache; None when the cache is of no use."""
        stamp = json.loads(self._store.stamp() or b"{}")
        if stamp.get("format") != 1 or stamp["lineage"] != self._lineage:
            return None
        self._weight = Weight(stamp["bytes"], stamp["entries"])
        seq: int = stamp["seq"]
        return seq
