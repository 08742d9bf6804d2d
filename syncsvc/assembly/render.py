"""
Render one document from the slots at its address and the local copies of what they refer to.

The last step of the join: total (every state renders to a document, to nothing, or to a stated problem) and a function
of the state alone.  Works on encoded BSON throughout: elements are cut out of slots and joined, never decoded.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from syncsvc.assembly.layout import COPY_HEAD, LOCAL, SLOT
from syncsvc.assembly.state import State
from syncsvc.routing.plan import ROOT, Branch, Plan
from syncsvc.routing.slot import GOOD, parse

_INT32 = struct.Struct("<i")
#: MongoDB refuses documents above 16 MiB; the rest is room for `_sync`.
MOST_BYTES = 16 * 1024 * 1024 - 64
MOST_COPIES = 10_000  # remembered, about 4 MB
_INDEXES = [str(number).encode() + b"\x00" for number in range(1024)]

Rows = list[tuple[bytes, bytes]]
#: A slot taken apart: references, order, elements.
Parts = tuple[tuple[bytes | None, ...], bytes, bytes]


class Rendered(NamedTuple):
    """What an address shows."""

    address: bytes
    #: BSON `{_id: …}`, None when the root row is not there.
    identity: bytes | None
    #: BSON elements of the document without `_sync`; None: no document (no root row, or a problem).
    elements: bytes | None
    #: False while an answer of a relay is awaited.
    complete: bool
    #: `code: what` when the document cannot be shown as it is.
    problem: str | None


class Renderer:
    """Renders the documents of one keyed partition."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._state, self._branches = state, plan.branches
        self._references = [len(role.references) for role in plan.roles]
        self._nodes = [[bytes((node,)) for node, _ in role.references] for role in plan.roles]
        self._counts = [(b"\x10" + name.encode() + b"\x00", of) for name, of in plan.counts]
        #: Subscriptions up to this place count as answered: the first copy is over.
        self.answered_to = 0
        self._complete, self._problem = True, ""
        #: `{relay address: slots of its answered copy}`: a hot document is rendered at every change of one of its rows,
        #: and reading what the others refer to would be most of it.
        self._copies: dict[bytes, list[bytes]] = {}

    def rows_at(self, address: bytes) -> Rows:
        """The slots at a document's address, in key order."""
        return self._state.scan(SLOT + address)

    def render(self, address: bytes, rows: Rows) -> Rendered:
        """The document at an address whose slots are `rows`."""
        self._complete, self._problem = True, ""
        start = 1 + len(address)
        by_role: dict[int, list[bytes]] = {}
        for key, slot in rows:
            role = (key[start] << 8) | key[start + 1]
            try:
                by_role[role].append(slot)
            except KeyError:
                by_role[role] = [slot]
        root = by_role.get(ROOT)
        if root is None:
            return Rendered(address, None, None, True, None)
        references, identity, elements = self._parts(ROOT, root[0])
        chunks, sizes = [elements], {}
        for branch in self._branches:
            sizes[branch.name] = self._branch(chunks, branch, ROOT, references, by_role)
        for head, of in self._counts:
            chunks += (head, _INT32.pack(sizes[of]))
        if not self._problem and sum(map(len, chunks)) > MOST_BYTES:
            self._problem = "document.too_large: the document would exceed MongoDB's 16 MiB"
        if self._problem:
            return Rendered(address, identity or None, None, self._complete, self._problem)
        return Rendered(address, identity, b"".join(chunks), self._complete, None)

    def _parts(self, role: int, slot: bytes) -> Parts:
        """Cuts a slot; a poisoned one is noted as the document's problem and shows its last good form."""
        count = self._references[role]
        if slot[:1] != GOOD or count > 1:
            whole = parse(slot, count)
            if whole.poison is not None:
                self._problem = f"row.unreadable: {whole.poison.decode()} could not be decoded"
            return whole.references, whole.order, whole.elements
        at = 1
        references: tuple[bytes | None, ...] = ()
        if count:
            length = (slot[1] << 8) | slot[2]
            at = 3
            if length == 0xFFFF:
                references = (None,)
            else:
                at += length
                references = (slot[3:at],)
        length = (slot[at] << 8) | slot[at + 1]
        at += 2
        return references, slot[at : at + length], slot[at + length :]

    def _branch(
        self,
        chunks: list[bytes],
        branch: Branch,
        parent: int,
        references: tuple[bytes | None, ...],
        by_role: dict[int, list[bytes]] | None,
    ) -> int:
        """Appends the element of one relation; returns how many rows it shows."""
        if branch.reference is None:
            slots = by_role.get(branch.role, []) if by_role is not None else []
        else:
            key = references[branch.reference]
            slots = [] if key is None else self._copy(self._nodes[parent][branch.reference] + key)
        name = branch.name.encode() + b"\x00"
        if not branch.many:
            if not slots:
                chunks.append(b"\x0a" + name)
                return 0
            chunks += (b"\x03" + name, self._document(branch, self._parts(branch.role, slots[0])))
            return 1
        rows = [self._parts(branch.role, slot) for slot in slots]
        if branch.ordered:
            rows.sort(key=_order)
        items: list[bytes] = []
        size = 5
        for number, row in enumerate(rows):
            index = _INDEXES[number] if number < 1024 else str(number).encode() + b"\x00"
            document = self._document(branch, row)
            items += (b"\x03", index, document)
            size += 1 + len(index) + len(document)
        chunks += (b"\x04", name, _INT32.pack(size), *items, b"\x00")
        return len(rows)

    def _document(self, branch: Branch, row: Parts) -> bytes:
        references, _, elements = row
        if not branch.branches:
            return _INT32.pack(len(elements) + 5) + elements + b"\x00"
        chunks = [elements]
        for below in branch.branches:
            self._branch(chunks, below, branch.role, references, None)
        body = b"".join(chunks)
        return _INT32.pack(len(body) + 5) + body + b"\x00"

    def _copy(self, relay: bytes) -> list[bytes]:
        """The slots of this partition's copy of a relay; notes when its answer is still awaited."""
        held = self._copies.get(relay)
        if held is not None:
            return held
        found = self._state.scan(LOCAL + relay)
        if not found:
            return []
        subscription, answered = COPY_HEAD.unpack(found[0][1])
        if not answered and subscription > self.answered_to:
            self._complete = False
        slots = [slot for _, slot in found[1:]]
        if answered:
            if len(self._copies) >= MOST_COPIES:
                self._copies.clear()
            self._copies[relay] = slots
        return slots

    def forget(self, relay: bytes) -> None:
        """The copy of a relay has changed or gone."""
        self._copies.pop(relay, None)


def _order(parts: Parts) -> bytes:
    return parts[1]
