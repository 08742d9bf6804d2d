"""
Walks over the holders of changed relays: which documents show a row that has changed, found some at a time.

Beside `due`, which writes what is found.  A walk is kept in the state (WALK), so a relay with a million holders is a
local, resumable walk and a crash forgets none.  A document that was rendered after a relay's last change shows it: the
walk passes by.  That is remembered in memory only, for a crash to forget: then it is written once more.
"""

from __future__ import annotations

import struct

from syncsvc.assembly.layout import HELD_BY_DOCUMENT, HOLDER, WALK
from syncsvc.assembly.state import State

OVERLAP = 4  # times as many holders are read as documents found: those of several relays overlap
SHARE = 8  # a step finds an eighth of as many as the walks under way have read already,
LEAST = 12  # .. and at least so many
MANY = 100  # under way: their holders overlap, and what is walked to in one step is written once
SHOWN = 16_384  # documents of a partition whose last step is remembered, about 3 MB
_ROUND = struct.Struct(">Q?")  # oldest source commit time (ms), whether to go round again; the cursor follows


class Walks:
    """The walks of one keyed partition."""

    def __init__(self, state: State) -> None:
        self._state = state
        #: Relays with a walk under way, in the order in which they go on; the step before the change they are for.
        self._relays = {key[1:]: 0 for key, _ in state.scan(WALK)}
        self._step = 0
        #: The last step that rendered a document, of those since walks are under way.
        self._shown: dict[bytes, int] = {}
        #: Holders read since then.
        self._read = 0

    def under_way(self) -> bool:
        """Whether there is any."""
        return bool(self._relays)

    def many(self) -> bool:
        """Whether larger steps would write a document less often."""
        return len(self._relays) >= MANY

    def stamps(self) -> list[int]:
        """The oldest source commit time (ms) that each stands for."""
        return [_ROUND.unpack_from(held)[0] for relay in self._relays if (held := self._state.get(WALK + relay))]

    def next_step(self) -> None:
        """What is rendered from now on shows everything that was folded so far."""
        self._step += 1

    def share(self, most: int) -> int:
        """
        Documents that the next step is to find, at most `most`.

        Few where walks begin, so that one over hundreds of documents delays no change of others; more the longer they
        go on, so that one over a hundred thousand takes seconds.
        """
        return min(most, max(LEAST, self._read // SHARE))

    def shown(self, address: bytes) -> None:
        """A document was rendered in this step."""
        if self._relays and len(self._shown) < SHOWN:
            self._shown[address] = self._step

    def begin(self, relay: bytes, source_ms: int) -> None:
        """A relay has changed: everything that refers to it is to be found."""
        held = self._state.get(WALK + relay)
        if held is None:
            self._state.put(WALK + relay, _ROUND.pack(source_ms, False))
        else:
            # A walk under way goes to its end, then round again: begun anew each time, a relay that changes faster than
            # its holders can be written would never come to the last of them.
            stamp, _ = _ROUND.unpack_from(held)
            cursor = held[_ROUND.size :]
            self._state.put(WALK + relay, _ROUND.pack(min(source_ms, stamp), bool(cursor)) + cursor)
        self._relays[relay] = self._step

    def go_on(self, found: dict[bytes, tuple[int, bytes]], room: int, last: bytes | None) -> None:
        """
        Adds the next holders that do not show the change yet to `found`, `{address: (oldest source ms, b"")}`; one that
        is there keeps what it has.

        A holder that is itself a copy begins a walk of its own.

        Args:
            room: documents; more holders than that are read.
            last: documents beyond this address need not be found; None: all are wanted.
        """
        shown, full, entries = self._shown, len(found) + room, room * OVERLAP
        for relay in list(self._relays):
            most = min(full - len(found), entries)
            if most <= 0:
                break
            held = self._state.get(WALK + relay)
            if held is None:
                del self._relays[relay]
                continue
            (stamp, again), prefix, since = _ROUND.unpack_from(held), HOLDER + relay, self._relays[relay]
            holders = self._state.walk(held[_ROUND.size :], prefix, most)
            for key, _ in holders:
                holder = key[len(prefix) :]
                address = holder[1:]
                if holder[:1] != HELD_BY_DOCUMENT:
                    self.begin(address, stamp)
                elif (last is None or address <= last) and shown.get(address, 0) <= since:
                    found.setdefault(address, (stamp, b""))
            del self._relays[relay]  # and behind the others, so that none waits for the longest
            if len(holders) == most:
                self._state.put(WALK + relay, _ROUND.pack(stamp, again) + holders[-1][0] + b"\x00")
                self._relays[relay] = since
            elif again:
                self._state.put(WALK + relay, _ROUND.pack(stamp, False))
                self._relays[relay] = since
            else:
                self._state.delete(WALK + relay)
            entries -= len(holders)
            self._read += len(holders)
        if not self._relays:
            self._read = 0
            self._shown.clear()
