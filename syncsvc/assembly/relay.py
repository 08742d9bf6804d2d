"""
The home of rows that other partitions look up: subscriptions, answers and deliveries.

A relay answers every SUBSCRIBE with all its rows (or none), in parts when large, then delivers each change.  Both echo
the id of the subscription: the subscriber begins each subscription with nothing and ignores what belongs to another, so
a delivery that crosses an UNSUBSCRIBE harms nothing.
While the first copy runs, a relay without rows keeps silent: its rows are still on the way, and the end marks say when
they are not (a function of the log, invariant 10).
"""

from __future__ import annotations

import struct

from syncsvc.assembly.layout import SLOT, SUBSCRIBER, U16
from syncsvc.assembly.state import State
from syncsvc.routing import records
from syncsvc.routing.records import Keyed, Outbox

PART_BYTES = 256 * 1024  # of rows in one record of an answer: far below the 1 MiB a broker takes by default
_ID = struct.Struct(">Q")


class Relay:
    """The relay nodes of one keyed partition."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self._state, self._outbox = state, outbox

    def subscribe(self, relay: bytes, partition: int, place: int, *, silent_when_empty: bool) -> None:
        """Takes a subscription whose id is the `place` its sender gave it, and answers."""
        self._state.put(SUBSCRIBER + relay + U16.pack(partition), _ID.pack(place))
        prefix = SLOT + relay
        start = len(prefix)
        rows = [
            Keyed(U16.unpack_from(key, start)[0], key[start + 2 :], slot) for key, slot in self._state.scan(prefix)
        ]
        if rows or not silent_when_empty:
            self._answer(relay, partition, place, rows)

    def _answer(self, relay: bytes, partition: int, subscription: int, rows: list[Keyed]) -> None:
        parts: list[list[Keyed]] = [[]]
        size = 0
        for row in rows:
            size += len(row.identity) + len(row.slot or b"")
            if size > PART_BYTES and parts[-1]:
                parts.append([])
                size = len(row.identity) + len(row.slot or b"")
            parts[-1].append(row)
        last = len(parts) - 1
        for number, part in enumerate(parts):
            payload = records.delivery_payload(subscription, number == last, part)
            self._outbox.send(partition, relay, records.ANSWER, payload)

    def unsubscribe(self, relay: bytes, partition: int) -> None:
        """Ends a partition's subscription."""
        self._state.delete(SUBSCRIBER + relay + U16.pack(partition))

    def deliver(self, relay: bytes, rows: list[Keyed]) -> None:
        """Sends changed rows to every subscriber, which sees all of them at once."""
        prefix = SUBSCRIBER + relay
        for key, value in self._state.scan(prefix):
            payload = records.delivery_payload(_ID.unpack(value)[0], True, rows)
            self._outbox.send(U16.unpack_from(key, len(prefix))[0], relay, records.ROW, payload)
