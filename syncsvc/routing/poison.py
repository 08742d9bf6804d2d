"""
Rows whose newest record could not be read: their addresses are told, so that nothing newer is shown without it.

Part of `router`.  Entries of parked records are written and removed here alone, by one partition in its order: a joiner
may show a healed row before the step that parks the record is durable, and a router that was killed parks it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from syncsvc.keys import canonical
from syncsvc.routing import memory, records, stamp
from syncsvc.routing.lane import Lane
from syncsvc.routing.slot import Row

POISONED = b"p"  # p identity -> places of the row's records that could not be decoded, a line each


class State(Protocol):
    """What a stage needs of its state; see `state.partition`."""

    def get(self, key: bytes) -> bytes | None:
        """The value, None when there is none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Sets a value."""

    def delete(self, key: bytes) -> None:
        """Removes a value, when there."""

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Entries whose key begins with the prefix."""

    def walk(self, start: bytes, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` of them from `start` on, in key order."""


class Poison:
    """The unreadable records of one source partition that no later image of their rows has made good."""

    def __init__(self, state: State, lanes: Sequence[Lane], *, ended: bool) -> None:
        """`ended`: whether memories of the table say where a former life of a row ended."""
        self._state, self._lanes, self._ended = state, lanes, ended
        self._places = {key[1:]: value.decode().split("\n") for key, value in state.scan(POISONED)}
        self._healed: list[str] = []

    def spread(self, values: Row, place: str) -> list[tuple[bytes, bytes]]:
        """`(address, payload of its POISON record)` for every address of the row of this primary key."""
        identity = canonical(values)
        places = self._places.setdefault(identity, [])
        places.append(place)
        self._state.put(POISONED + identity, "\n".join(places).encode())
        held = self._state.get(memory.key(identity))
        nowhere = (None,) * len(self._lanes)
        nothing_before = stamp.UNKNOWN if self._ended else b""
        unknown = memory.Memory(stamp.UNKNOWN, nothing_before, nowhere)
        known = unknown if held is None else memory.decode(held, ended=self._ended)
        addresses, sent = [], []
        for lane, address in zip(self._lanes, known.addresses, strict=True):
            target = lane.address_of_identity(values) if address is None else address
            addresses.append(target)
            if target is not None:
                sent.append((target, records.row_payload(lane.number, identity, place.encode())))
        # Remembered, so that a later delete of the row also takes the poison away (invariant 2).
        self._state.put(memory.key(identity), memory.encode(known.stamp, known.ended, tuple(addresses)))
        return sent

    def heal(self, identity: bytes) -> None:
        """A later image of a row, or its delete, makes its unreadable records good."""
        if self._places and (places := self._places.pop(identity, None)) is not None:
            self._state.delete(POISONED + identity)
            self._healed += places

    def take_healed(self) -> list[str]:
        """Places of unreadable records whose rows have become good since the last call."""
        healed, self._healed = self._healed, []
        return healed
