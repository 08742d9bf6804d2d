"""
Documents that are written later: for want of an answer, of room in the step, or because they are large.

Beside `due`, which decides that they wait.  Each is kept in the state (PENDING) with the oldest change it stands for
and the identity of a removed root, so a crash forgets none; until when it waits is kept in memory only, so after a
start nothing waits longer than it has.
"""

from __future__ import annotations

import struct

from syncsvc.assembly.layout import PENDING
from syncsvc.assembly.state import State

_STAMP = struct.Struct(">Q")  # oldest source commit time, ms; the identity follows


#: What a document that is to be written stands for: oldest source commit time (ms; 0 when unknown), and identity of a
#: removed root (b"": none).
Stake = tuple[int, bytes]


def merged(earlier: Stake, later: Stake) -> Stake:
    """Of two changes of one document: the oldest time that is known (invariant 9), the identities that went."""
    return min(earlier[0], later[0]) or earlier[0] or later[0], joined(earlier[1], later[1])


def joined(some: bytes, others: bytes) -> bytes:
    """Identities one behind the other, each once: BSON documents begin with their length."""
    if not others or some == others:
        return some
    return b"".join(dict.fromkeys(each(some) + each(others)))


def each(identities: bytes) -> list[bytes]:
    """The identities that `joined` put together."""
    found, at = [], 0
    while at < len(identities):
        end = at + int.from_bytes(identities[at : at + 4], "little")
        found.append(identities[at:end])
        at = end
    return found


class Waiting:
    """The waiting documents of one keyed partition."""

    def __init__(self, state: State) -> None:
        self._state = state
        #: `{address: (due at, oldest source commit time)}`, ms of two clocks.
        self._times = {key[1:]: (0, _STAMP.unpack_from(held)[0]) for key, held in state.scan(PENDING)}

    def __contains__(self, address: bytes) -> bool:
        return address in self._times

    def until(self, address: bytes) -> int | None:
        """When a waiting document is due, ms; None for any other."""
        return self._times[address][0] if address in self._times else None

    def next_due(self) -> int | None:
        """When the earliest is due, ms; None when none waits."""
        return min(self._times.values())[0] if self._times else None

    def come(self, now_ms: int) -> list[bytes]:
        """Addresses of those that are due."""
        return [address for address, (at, _) in self._times.items() if at <= now_ms]

    def stamps(self) -> list[int]:
        """The oldest source commit time (ms) that each stands for."""
        return [stamp for _, stamp in self._times.values()]

    def held(self, address: bytes) -> Stake:
        """What a waiting document stands for; nothing for any other."""
        if address not in self._times:
            return 0, b""
        return self._times[address][1], (self._state.get(PENDING + address) or b"")[_STAMP.size :]

    def put(self, address: bytes, stake: Stake, at: int) -> None:
        """Let a document wait until `at` (ms); what it stood for before is not forgotten."""
        stamp, identity = merged(self.held(address), stake)
        self._times[address] = at, stamp
        self._state.put(PENDING + address, _STAMP.pack(stamp) + identity)

    def drop(self, address: bytes) -> bytes:
        """It waits no longer; the identity it held."""
        _, identity = self.held(address)
        if self._times.pop(address, None) is not None:
            self._state.delete(PENDING + address)
        return identity
