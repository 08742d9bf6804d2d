"""
Which documents a step has to write: dirty ones, walks over the holders of a changed relay, the first copy.

Whatever cannot be written within a step is kept in the state (PENDING in `waiting`, WALK in `walks`, CURSOR in
`first_copy`), so a crash forgets nothing.  Time is an argument (invariant 7).  Only here is writing decided; what a
stage sends never depends on it (invariant 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from syncsvc.assembly.first_copy import FirstCopy
from syncsvc.assembly.layout import PARKED
from syncsvc.assembly.render import Rendered, Renderer
from syncsvc.assembly.state import State
from syncsvc.assembly.waiting import Stake, Waiting, each, joined, merged
from syncsvc.assembly.walks import Walks

#: How long a document may wait for an answer.  A round trip takes 5 to 20 ms and every look-up is answered, also with
#: nothing, so this is not a delay of ordinary flow: it bounds what a relay without an owner can hold back.
HOLD_MS = 250
#: Of documents that a partition adds to one transaction: more gain nothing, take memory and delay the others.
STEP_BYTES = 512 << 10
WALK_DOCUMENTS = 192  # at most that walks find in a step: fewer cost transactions, more delay the changes of others
#: From so many bytes on a document is large: written with each of its changes it would take the time of all others in
#: its partition.  After a write it waits so many ms a MiB, which leaves them five sixths of it.
LARGE_BYTES = 128 << 10
LARGE_MS = 512
_POISON_CODE = "row.unreadable"


@dataclass(slots=True)
class Due:
    """What a step has to write."""

    #: To be put or deleted.
    documents: list[Rendered] = field(default_factory=list)
    #: Part of the first copy: the collection has never seen them.
    fresh: list[Rendered] = field(default_factory=list)
    #: Newly parked, with their problem.
    parked: list[Rendered] = field(default_factory=list)
    #: Addresses no longer parked.
    released: list[bytes] = field(default_factory=list)
    #: Oldest source commit time (ms) among what is written; 0 when unknown.
    oldest_ms: int = 0


class Agenda:
    """The documents of one keyed partition that wait to be written."""

    def __init__(self, state: State, renderer: Renderer, *, key_columns: Sequence[int]) -> None:
        """`key_columns`: of the documents' addresses, one number for each node of documents."""
        self._state, self._renderer = state, renderer
        #: By address, of this step.
        self._dirty: dict[bytes, Stake] = {}
        self._waiting = Waiting(state)
        #: Large documents written lately, `{address: not again before (ms)}`.
        self._spaced: dict[bytes, int] = {}
        self._walks = Walks(state)
        self.copy = FirstCopy(state, renderer, key_columns=key_columns)
        #: Addresses that a person released since the last step.
        self._released: list[bytes] = []

    def touch(self, address: bytes, source_ms: int, identity: bytes = b"") -> None:
        """A document changed; `identity` is given when its root row has gone."""
        if self.copy.awaits(address):
            return
        known, stake = self._dirty.get(address), (source_ms, identity)
        self._dirty[address] = stake if known is None else merged(known, stake)

    def touch_holders(self, relay: bytes, source_ms: int) -> None:
        """Everything that refers to a relay has changed."""
        if not self.copy.gathering:
            self._walks.begin(relay, source_ms)

    @property
    def busy(self) -> bool:
        """Whether a step would find something to write at once."""
        return bool(self._dirty) or self._walks.under_way() or self.copy.under_way

    def next_due(self) -> int | None:
        """When the earliest waiting document is due, ms; None when none waits."""
        return self._waiting.next_due()

    def oldest_waiting(self) -> int | None:
        """Oldest source commit time (ms) that is not yet shown, None when all is."""
        stamps = [stamp for stamp, _ in self._dirty.values()]
        return min(stamps + self._walks.stamps() + self._waiting.stamps(), default=None)

    def take(self, now_ms: int, *, behind: bool = False) -> Due:
        """
        What to write now, at most about `STEP_BYTES`, what has waited first; the rest stays on the agenda.

        Args:
            now_ms: the time, of a clock that does not go back; any one, since no time of it outlives the process.
            behind: the partition has many records to fold: larger steps, so that a document is written less often.
        """
        self._walks.next_step()
        behind = behind or self._walks.many()
        due, room = Due(released=self._released), STEP_BYTES * (2 if behind else 1)
        self._released = []
        dirty, self._dirty = self._dirty, {}
        waiting = self._waiting
        for address in waiting.come(now_ms):
            if room <= 0:
                break  # it keeps its place
            stake = self._awaited(address, dirty, now_ms)
            if not self._too_early(address, stake, now_ms):
                room -= self._write(due, address, stake, now_ms)
        # Of those that still wait it is remembered that they were only too early.
        self._spaced = {address: at for address, at in self._spaced.items() if at > now_ms or address in waiting}
        if self._walks.under_way():
            # Where what waits has filled the step already, a walk only adds to it.
            most = WALK_DOCUMENTS * 16 if behind and room > 0 else self._walks.share(WALK_DOCUMENTS)
            # Documents that the first copy has not come to yet are rendered by it.
            self._walks.go_on(dirty, most, self.copy.cursor)
        for address, stake in dirty.items():
            if self._too_early(address, stake, now_ms):
                continue
            if room <= 0:
                waiting.put(address, stake, now_ms)
            else:
                room -= self._write(due, address, stake, now_ms)
        if self.copy.under_way and room > 0:
            self._copy(due, room)
        return due

    def _awaited(self, address: bytes, dirty: dict[bytes, Stake], now_ms: int) -> Stake:
        """What a document that has waited stands for, with its newest change."""
        held, newer = self._waiting.held(address), dirty.pop(address, None)
        if address in self._spaced:
            self._waiting.drop(address)  # it was only too early: for an answer it has not waited yet
            if self._spaced[address] <= now_ms:
                del self._spaced[address]  # once: the next time it is an answer that it waits for
        return held if newer is None else merged(held, newer)

    def _too_early(self, address: bytes, stake: Stake, now_ms: int) -> bool:
        """Whether a large document that stays has to wait until it may be written again; then it does."""
        at = self._spaced.get(address, 0)
        if at <= now_ms or stake[1]:
            return False
        self._waiting.put(address, stake, at)
        return True

    def _write(self, due: Due, address: bytes, stake: Stake, now_ms: int) -> int:
        """Renders a document to be written, or lets it wait for what it looks up; returns its bytes."""
        waiting, (stamp, identity) = self._waiting, stake
        rendered = self._renderer.render(address, self._renderer.rows_at(address))
        if not rendered.complete:
            at = waiting.until(address)
            # Not shown without what it looks up, and that is still awaited: a document that is there stays.
            hidden = rendered.identity is not None and not (rendered.elements or rendered.problem)
            if at is None or (at <= now_ms and hidden):
                at = now_ms + HOLD_MS
            if at > now_ms:
                waiting.put(address, stake, at)
                return 0
        self._walks.shown(address)
        written = self._settle(due, rendered, identity)
        if written and stamp:  # also of what has waited or was walked to: never optimistic (invariant 9)
            due.oldest_ms = min(due.oldest_ms or stamp, stamp)
        if written >= LARGE_BYTES:
            self._spaced[address] = now_ms + (written * LARGE_MS >> 20)
        return written

    def _settle(self, due: Due, rendered: Rendered, identity: bytes) -> int:
        """Decides what becomes of a rendered document; returns its bytes."""
        address = rendered.address
        waited = self._waiting.drop(address)
        gone = joined(waited, identity)
        held = self._state.get(PARKED + address)
        if held is not None:
            code, _, remembered = held.partition(b"\x00")
            gone = joined(remembered, gone)
            if rendered.problem or (code.decode() != _POISON_CODE and rendered.identity is not None):
                return 0  # its writes have stopped until it is retried (design D8)
            self._state.delete(PARKED + address)
            due.released.append(address)
        if rendered.problem:
            # Also of a root that went in this step: whoever makes it good again deletes its document.
            if not rendered.identity and gone:
                rendered = rendered._replace(identity=each(gone)[-1])
            self.park(rendered, (rendered.problem or "").partition(":")[0], gone)
            due.parked.append(rendered)
            return 0
        for one in each(gone):
            if one != rendered.identity:  # a spelling of the key that its collation does not tell from this one
                due.documents.append(rendered._replace(identity=one, elements=None))
        if rendered.identity is None:
            return 64 * len(each(gone))  # none: children whose root has not come yet
        due.documents.append(rendered)
        return len(rendered.elements or b"") + 64

    def park(self, rendered: Rendered, code: str, gone: bytes = b"") -> None:
        """Stops the writes of a document; its state goes on folding."""
        self._state.put(PARKED + rendered.address, code.encode() + b"\x00" + joined(gone, rendered.identity or b""))

    def release(self, address: bytes, *, write: bool, source_ms: int) -> None:
        """A person retries (`write`) or skips a parked document."""
        held = self._state.get(PARKED + address)
        if held is None:
            return
        self._state.delete(PARKED + address)
        self._released.append(address)
        if write:
            self.touch(address, source_ms, held.partition(b"\x00")[2])

    def _copy(self, due: Due, room: int) -> None:
        """Renders the next documents of the first copy."""
        for address, slots in self.copy.documents():
            rendered = self._renderer.render(address, slots)
            if rendered.problem:
                self.park(rendered, rendered.problem.partition(":")[0])
                due.parked.append(rendered)
            elif rendered.identity is not None and rendered.elements is not None:
                due.fresh.append(rendered)
            room -= len(rendered.elements or b"") + 64
            if room <= 0:
                break
        self.copy.keep()
