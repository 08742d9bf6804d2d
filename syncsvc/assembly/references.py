"""
Who refers to which relay: counted references of one partition, and the subscriptions that follow from them.

The first reference of a partition to a relay's value sends SUBSCRIBE, the last one gone sends UNSUBSCRIBE: per
partition, not per document, so a relay has at most as many subscribers as there are partitions.  References change
while a record is folded; `settle` sends the net effect once per (relay, record), in the order of the relay's address
(invariant 10).
"""

from __future__ import annotations

from collections.abc import Callable

from syncsvc.assembly import layout
from syncsvc.assembly.layout import HELD_BY_COPY, HOLDER, LOCAL, U32
from syncsvc.assembly.state import State
from syncsvc.routing import records
from syncsvc.routing.plan import Plan
from syncsvc.routing.records import Outbox
from syncsvc.routing.slot import references_of


class ReferenceBook:
    """The references of one keyed partition."""

    def __init__(
        self,
        plan: Plan,
        partition: int,
        state: State,
        outbox: Outbox,
        forget: Callable[[bytes], None],
    ) -> None:
        """`forget` is told of each relay whose copy begins or ends."""
        self._forget = forget
        self._state, self._outbox, self._partition_of = state, outbox, plan.partition_of
        self._me = records.partition_payload(partition)
        self._nodes = {role.number: [reference.node for reference in role.references] for role in plan.roles}
        #: `{relay address: whether this partition referred to it before the record}`; empty after `settle`.
        self.touched: dict[bytes, bool] = {}
        #: Those of them that a holder has left: only they may have none any more.
        self._left: set[bytes] = set()

    def change(self, role: int, holder: bytes, old: bytes | None, new: bytes | None) -> None:
        """Accounts for a row of `role`, held by `holder`, whose slot changed from `old` to `new`."""
        nodes = self._nodes[role]
        if not nodes:
            return
        nothing: tuple[bytes | None, ...] = (None,) * len(nodes)
        before = nothing if old is None else references_of(old, len(nodes))
        after = nothing if new is None else references_of(new, len(nodes))
        if before == after:
            return
        for node, was, now in zip(nodes, before, after, strict=True):
            if was == now:
                continue
            if now is not None:
                self._count(bytes((node,)) + now, holder, 1)
            if was is not None:
                self._count(bytes((node,)) + was, holder, -1)

    def _count(self, relay: bytes, holder: bytes, step: int) -> None:
        state = self._state
        key = HOLDER + relay + holder
        if relay in self.touched:
            held = state.get(key)
        elif step > 0:
            # Between records a relay has a copy exactly when somebody refers to it: without one there is no holder.
            referred = self.touched[relay] = state.get(LOCAL + relay) is not None
            held = state.get(key) if referred else None
        else:
            held = state.get(key)
            self.touched[relay] = held is not None or state.get(LOCAL + relay) is not None
        count = step if held is None else U32.unpack(held)[0] + step
        if count > 0:
            state.put(key, U32.pack(count))
        else:
            state.delete(key)
            self._left.add(relay)

    def settle(self, place: int) -> None:
        """
        Sends what the record at `place` (its offset + 1) changed.

        Relays are settled in the order of their addresses; a copy that is dropped releases its own references, which
        lie in nodes further down the tree and therefore come later in that order.
        """
        while self.touched:
            relay = min(self.touched)
            referred = self.touched.pop(relay)
            refers = relay not in self._left or self._state.any(HOLDER + relay)
            self._left.discard(relay)
            if refers == referred:
                continue
            self._forget(relay)
            if refers:
                self._state.put(LOCAL + relay, layout.COPY_HEAD.pack(place, layout.AWAITED))
                self._outbox.send(self._partition_of[relay], relay, records.SUBSCRIBE, self._me)
            else:
                self._drop_copy(relay)
                self._state.delete(LOCAL + relay)
                self._state.delete(layout.WALK + relay)
                self._outbox.send(self._partition_of[relay], relay, records.UNSUBSCRIBE, self._me)

    def _drop_copy(self, relay: bytes) -> None:
        """Forgets the local rows of a relay, and what they refer to."""
        prefix = LOCAL + relay
        for key, slot in self._state.scan(prefix):
            if len(key) > len(prefix):
                self._state.delete(key)
                self.change(layout.U16.unpack_from(key, len(prefix))[0], HELD_BY_COPY + relay, slot, None)
