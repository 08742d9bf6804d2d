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
from syncsvc.assembly.copies import NOTHING, Copies, Copy
from syncsvc.assembly.elements import DOCUMENT, INT32, Value
from syncsvc.assembly.forms import Form, LevelForm
from syncsvc.assembly.layout import SLOT
from syncsvc.assembly.state import State
from syncsvc.expressions import ComputeError, evaluate
from syncsvc.routing import labels
from syncsvc.routing.plan import Plan
from syncsvc.routing.slot import BODY, GOOD, parse
from syncsvc.routing.stamp import earlier

#: MongoDB refuses documents above 16 MiB; the rest is room for `_sync`.
MOST_BYTES = 16 * 1024 * 1024 - 64

Rows = list[tuple[bytes, bytes]]
#: A slot taken apart: references, order, elements, stamp, end.
Parts = tuple[tuple[bytes | None, ...], bytes, bytes, bytes, bytes]
#: `{role: slots}` at a document's address.
ByRole = dict[int, list[bytes]]


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
        self._references = [len(role.references) for role in plan.roles]
        self._ended = [role.ended for role in plan.roles]
        self.copies = Copies(state)
        self._complete, self._problem = True, ""

    def rows_at(self, address: bytes) -> Rows:
        """The slots at a document's address, in key order."""
        return self._state.scan(SLOT + address)

    def render(self, address: bytes, rows: Rows) -> Rendered:
        """The document at an address whose slots are `rows`."""
        self._complete, self._problem = True, ""
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
        row = self._parts(root_role, root[0])
        identity, chunks = row[1], [row[2]]
        shown = self._fill(chunks, level, row, by_role, {})
        if not self._problem and sum(map(len, chunks)) > MOST_BYTES:
            self._problem = "document.too_large: the document would exceed MongoDB's 16 MiB"
        if self._problem:
            return Rendered(address, identity or None, None, self._complete, self._problem)
        return Rendered(address, identity, b"".join(chunks) if shown else None, self._complete, None)

    def _parts(self, role: int, slot: bytes) -> Parts:
        """Cuts a slot; a poisoned one is noted as the document's problem and shows its last good form."""
        count = self._references[role]
        if slot[:1] != GOOD or count > 1 or self._ended[role]:
            whole = parse(slot, count, ended=self._ended[role])
            if whole.poison is not None:
                self._problem = f"row.unreadable: {whole.poison.decode()} could not be decoded"
            return whole.references, whole.order, whole.elements, whole.stamp, whole.ended
        at = BODY
        references: tuple[bytes | None, ...] = ()
        if count:
            length = (slot[at] << 8) | slot[at + 1]
            at += 2
            if length == 0xFFFF:
                references = (None,)
            else:
                references = (slot[at : at + length],)
                at += length
        length = (slot[at] << 8) | slot[at + 1]
        at += 2
        return references, slot[at : at + length], slot[at + length :], slot[1:BODY], b""

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
            form = _case(declared, row)
            if form is None:
                chunks.append(declared.absent)
                continue
            slots = self._slots(form, row[0], by_role)
            if form.cascade and not form.many and self._went(form, row, slots):
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
        copy = self._copy(form, key)
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

    def _slots(self, form: Form, references: tuple[bytes | None, ...], by_role: ByRole | None) -> list[bytes]:
        if form.reference is None:
            return [] if by_role is None else by_role.get(form.role, [])
        key = references[form.reference]
        return [] if key is None else self._copy(form, key).slots

    def _copy(self, form: Form, key: bytes) -> Copy:
        """What is here of the row that is referred to; nothing, and noted, while its answer is awaited."""
        copy = self.copies.of(form.node + key)
        if copy is None:
            self._complete = False
            return NOTHING
        return copy

    def _went(self, form: Form, row: Parts, slots: list[bytes]) -> bool:
        """
        Whether a row went with the one it refers to.

        That one is not there, a former life of it ended since, or it went with one that it refers to in its turn.
        """
        if form.reference is not None and row[0][form.reference] is None:
            return False
        if not slots:
            return True
        other = self._row(form, slots)
        return earlier(row[3], other[4]) or self._went_along(form.level, other)

    def _went_along(self, level: LevelForm, row: Parts) -> bool:
        """Whether a row of a level went with one of those that its cascades refer to."""
        for above in level.cascades:
            case = _case(above, row)
            if case is not None and case.cascade and self._went(case, row, self._slots(case, row[0], None)):
                return True
        return False

    def _row(self, form: Form, slots: list[bytes]) -> Parts:
        """
        The row of a single value: the first one that did not go with a row it refers to.

        Under a key that a collation compares, a row that a cascade took is still here when its successor is spelled
        differently: nobody said that it went.
        """
        first = self._parts(form.role, slots[0])
        if len(slots) == 1 or not form.level.cascades or not self._went_along(form.level, first):
            return first
        others = (self._parts(form.role, slot) for slot in slots[1:])
        return next((row for row in others if not self._went_along(form.level, row)), first)

    def _one(self, chunks: list[bytes], form: Form, slots: list[bytes], sizes: dict[str, int]) -> bool:
        content = None
        if slots:
            content = self._content(form, self._row(form, slots), sizes if form.merge else {})
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
        rows = [self._parts(form.role, slot) for slot in slots]
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
                    self._problem = f"{error.code}: {name}: {error.what}"
                    return
            chunks.append(element)
            if shown is not None:
                shown |= elements.decode(element)


def _case(form: Form, row: Parts) -> Form | None:
    """The form itself; of a relation to one of several tables, that to the one this row refers to."""
    if not form.cases:
        return form
    return next((case for case in form.cases if row[0][case.reference or 0] is not None), None)


def _value(form: Form, content: bytes) -> Value:
    if form.value is None:
        return DOCUMENT, elements.document(content)
    return elements.pick(content, form.value)


def _order(parts: Parts) -> bytes:
    return parts[1]


def _order_behind_key(parts: Parts) -> bytes:
    return labels.split(parts[1])[1]
