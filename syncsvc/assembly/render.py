"""
Render one document from the slots at its address and the local copies of what they refer to.

The last step of the join: total (every state renders to a document, to nothing, or to a stated problem) and a function
of the state alone.  Works on encoded BSON throughout: elements are cut out of slots and joined, never decoded, unless a
value is computed from them.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from syncsvc.assembly import elements
from syncsvc.assembly.elements import DOCUMENT, INT32, Value
from syncsvc.assembly.forms import Form, LevelForm
from syncsvc.assembly.held import ByRole, Held, Parts, case_of
from syncsvc.assembly.layout import SLOT
from syncsvc.assembly.state import State
from syncsvc.expressions import ComputeError, evaluate
from syncsvc.routing import labels
from syncsvc.routing.plan import Plan
from syncsvc.routing.slot import GOOD
from syncsvc.routing.stamp import earlier

#: MongoDB refuses documents above 16 MiB; the rest is room for `_sync`.
MOST_BYTES = 16 * 1024 * 1024 - 64

Rows = list[tuple[bytes, bytes]]


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
        self._state = state
        self._views = [(view.role, LevelForm(plan, view.level, view.role)) for view in plan.views]
        self._held = Held(plan, state)
        self.copies = self._held.copies

    def rows_at(self, address: bytes) -> Rows:
        """The slots at a document's address, in key order."""
        return self._state.scan(SLOT + address)

    def render(self, address: bytes, rows: Rows) -> Rendered:
        """The document at an address whose slots are `rows`."""
        self._held.begin()
        start = 1 + len(address)
        by_role: ByRole = {}
        for key, slot in rows:
            role = (key[start] << 8) | key[start + 1]
            try:
                by_role[role].append(slot)
            except KeyError:
                by_role[role] = [slot]
        root_role, level = self._views[address[0]]
        root = by_role.get(root_role)
        if root is None:
            return Rendered(address, None, None, True, None)
        row = self._held.parts(root_role, root[0])
        identity, chunks = row[1], [row[2]]
        shown = self._fill(chunks, level, row, by_role, {})
        if not self._held.problem and sum(map(len, chunks)) > MOST_BYTES:
            self._held.problem = "document.too_large: the document would exceed MongoDB's 16 MiB"
        if self._held.problem:
            return Rendered(address, identity or None, None, self._held.complete, self._held.problem)
        return Rendered(address, identity, b"".join(chunks) if shown else None, self._held.complete, None)

    def _fill(
        self, chunks: list[bytes], level: LevelForm, row: Parts, by_role: ByRole | None, sizes: dict[str, int]
    ) -> bool:
        """
        Appends what a level shows behind its fields; False when its row must not be shown at all.

        `sizes` takes how many rows each list has, also behind its limit.
        """
        for declared in level.forms:
            if declared.known:
                element = self._known(declared, row)
                if element is not None:
                    chunks.append(element)
                    continue
            form = case_of(declared, row)
            if form is None:
                chunks.append(declared.absent)
                continue
            slots = self._held.slots(form, row[0], by_role)
            if form.cascade and not form.many and self._held.went(form, row, slots):
                return False
            if form.many:
                sizes[form.label] = self._many(chunks, form, slots, row)
            elif not self._one(chunks, form, slots, sizes):
                return False
        if level.computed:
            self._compute(chunks, level, sizes)
        return True

    def _known(self, form: Form, row: Parts) -> bytes | None:
        """The element of a looked-up row, made once while that stays as it is; None for one with a problem."""
        key = row[0][form.reference or 0]
        if key is None:
            return form.absent
        copy = self._held.copy(form, key)
        if not copy.slots:
            return form.absent
        if copy.slots[0][:1] != GOOD:
            return None  # shown with its problem
        element = copy.shown.get(form)
        if element is None:
            chunks: list[bytes] = []
            self._one(chunks, form, copy.slots, {})
            element = copy.shown[form] = b"".join(chunks)
        return element

    def _one(self, chunks: list[bytes], form: Form, slots: list[bytes], sizes: dict[str, int]) -> bool:
        content = None
        if slots:
            content = self._content(form, self._held.row(form, slots), sizes if form.merge else {})
        if content is None:
            chunks.append(form.absent)
            return not form.required
        if form.merge:
            chunks.append(content)
        elif form.value is None:
            chunks += (DOCUMENT, form.name, elements.document(content))
        else:
            kind, value = elements.pick(content, form.value)
            chunks += (kind, form.name, value)
        return True

    def _many(self, chunks: list[bytes], form: Form, slots: list[bytes], parent: Parts) -> int:
        """Appends a list or an object; returns how many rows it has, shown or not."""
        rows = [self._held.parts(form.role, slot) for slot in slots]
        if form.cascade:  # what was written before a former life of its parent ended went with that
            rows = [row for row in rows if not earlier(row[3], parent[4])]
        if form.ordered:
            rows.sort(key=_order_behind_key if form.mapped else _order)
        if not form.simple:
            return self._shaped(chunks, form, rows)
        items: list[bytes] = []
        plain, size, number = form.level.plain, 5, 0
        for row in rows:
            content = row[2] if plain else self._content(form, row, {})
            if content is None:
                continue
            name = elements.index(number)
            number += 1
            items += (DOCUMENT, name, INT32.pack(len(content) + 5), content, b"\x00")
            size += 6 + len(name) + len(content)
        chunks += (elements.ARRAY, form.name, INT32.pack(size), *items, b"\x00")
        return number

    def _shaped(self, chunks: list[bytes], form: Form, rows: list[Parts]) -> int:
        """A list with a limit, of single values, or an object."""
        found: dict[bytes, Value] = {}
        for number, row in enumerate(rows):
            key = labels.split(row[1])[0] if form.mapped else b"%d" % number
            if key is None or key in found:
                continue
            content = self._content(form, row, {})
            if content is not None:
                found[key] = _value(form, content)
        values = dict(islice(found.items(), form.limit))
        chunks += elements.mapped(form.name, values) if form.mapped else elements.array(form.name, values.values())
        return len(found)

    def _content(self, form: Form, row: Parts, sizes: dict[str, int]) -> bytes | None:
        """Elements of what a row shows; None when it must not be shown."""
        if form.level.plain:
            return row[2]
        chunks = [row[2]]
        return b"".join(chunks) if self._fill(chunks, form.level, row, None, sizes) else None

    def _compute(self, chunks: list[bytes], level: LevelForm, sizes: dict[str, int]) -> None:
        """Appends the values that are computed from what the level shows."""
        shown: dict[str, Any] | None = None
        for name, computed, counted in level.computed:
            if counted is not None and counted in sizes:
                element = b"\x10" + name.encode() + b"\x00" + INT32.pack(sizes[counted])
            else:
                if shown is None:
                    shown = elements.decode(b"".join(chunks))
                try:
                    element = elements.encode(name, evaluate(computed.expression, shown))
                except ComputeError as error:
                    self._held.problem = f"{error.code}: {name}: {error.what}"
                    return
            chunks.append(element)
            if shown is not None:
                shown |= elements.decode(element)


def _value(form: Form, content: bytes) -> Value:
    if form.value is None:
        return DOCUMENT, elements.document(content)
    return elements.pick(content, form.value)


def _order(parts: Parts) -> bytes:
    return parts[1]


def _order_behind_key(parts: Parts) -> bytes:
    return labels.split(parts[1])[1]
