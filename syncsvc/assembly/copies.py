"""
The local copies of what documents refer to, as one partition holds them.

Part of `render`: a hot document is rendered at every change of one of its rows, and reading what the others refer to
would be most of it, so copies are remembered until they change.  Of an answer that is still awaited nothing is shown.
"""

from __future__ import annotations

from syncsvc.assembly.forms import Form
from syncsvc.assembly.layout import ANSWERED, COPY_HEAD, LOCAL, is_answered
from syncsvc.assembly.state import State

MOST_COPIES = 10_000  # remembered, about 4 MB


class Copy:
    """The slots of one relay, and how forms have shown the first of them."""

    def __init__(self, slots: list[bytes]) -> None:
        self.slots = slots
        self.shown: dict[Form, bytes] = {}


NOTHING = Copy([])


class Copies:
    """Copies of relays, by the relay's address."""

    def __init__(self, state: State) -> None:
        self._state = state
        #: Of `layout.is_answered`: set when the first copy is over.
        self.copied_to = 0
        self._remembered: dict[bytes, Copy] = {}

    def of(self, relay: bytes) -> Copy | None:
        """The copy, without slots where nothing is there; None while its answer is awaited."""
        held = self._remembered.get(relay)
        if held is not None:
            return held
        found = self._state.scan(LOCAL + relay)
        if not found:
            return NOTHING
        subscription, answer = COPY_HEAD.unpack(found[0][1])
        if not is_answered(subscription, answer, self.copied_to):
            return None
        copy = Copy([slot for _, slot in found[1:]])
        if answer == ANSWERED:
            if len(self._remembered) >= MOST_COPIES:
                self._remembered.clear()
            self._remembered[relay] = copy
        return copy

    def forget(self, relay: bytes) -> None:
        """The copy of a relay has changed or gone."""
        self._remembered.pop(relay, None)
