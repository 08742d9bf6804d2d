"""
Rows that one keyed partition holds, taken apart for `render`, and which of them still stand.

A slot is cut, not decoded.  What stands in the way of a whole document is noted: an answer that is awaited, a row that
could not be read.
"""

from __future__ import annotations

from syncsvc.assembly.copies import NOTHING, Copies, Copy
from syncsvc.assembly.forms import Form, LevelForm
from syncsvc.assembly.state import State
from syncsvc.routing.plan import Plan
from syncsvc.routing.slot import BODY, GOOD, parse
from syncsvc.routing.stamp import earlier

#: A slot taken apart: references, order, elements, stamp, end.
Parts = tuple[tuple[bytes | None, ...], bytes, bytes, bytes, bytes]
#: `{role: slots}` at a document's address.
ByRole = dict[int, list[bytes]]


class Held:
    """The rows behind the documents of one keyed partition."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._references = [len(role.references) for role in plan.roles]
        self._ended = [role.ended for role in plan.roles]
        self.copies = Copies(state)
        #: Of the document under way: no answer is awaited; `code: what` of why it cannot be shown, or "".
        self.complete, self.problem = True, ""

    def begin(self) -> None:
        """Another document is rendered."""
        self.complete, self.problem = True, ""

    def parts(self, role: int, slot: bytes) -> Parts:
        """Cuts a slot; a poisoned one is noted as the document's problem and shows its last good form."""
        count = self._references[role]
        if slot[:1] != GOOD or count > 1 or self._ended[role]:
            whole = parse(slot, count, ended=self._ended[role])
            if whole.poison is not None:
                self.problem = f"row.unreadable: {whole.poison.decode()} could not be decoded"
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

    def slots(self, form: Form, references: tuple[bytes | None, ...], by_role: ByRole | None) -> list[bytes]:
        """The slots of a relation: at the document's address, or of the row that is referred to."""
        if form.reference is None:
            return [] if by_role is None else by_role.get(form.role, [])
        key = references[form.reference]
        return [] if key is None else self.copy(form, key).slots

    def copy(self, form: Form, key: bytes) -> Copy:
        """What is here of the row that is referred to; nothing, and noted, while its answer is awaited."""
        copy = self.copies.of(form.node + key)
        if copy is None:
            self.complete = False
            return NOTHING
        return copy

    def went(self, form: Form, row: Parts, slots: list[bytes]) -> bool:
        """
        Whether a row went with the one it refers to.

        That one is not there, a former life of it ended since, or it went with one that it refers to in its turn.
        """
        if form.reference is not None and row[0][form.reference] is None:
            return False
        if not slots:
            return True
        other = self.row(form, slots)
        return earlier(row[3], other[4]) or self._went_along(form.level, other)

    def _went_along(self, level: LevelForm, row: Parts) -> bool:
        """Whether a row of a level went with one of those that its cascades refer to."""
        for above in level.cascades:
            case = case_of(above, row)
            if case is not None and case.cascade and self.went(case, row, self.slots(case, row[0], None)):
                return True
        return False

    def row(self, form: Form, slots: list[bytes]) -> Parts:
        """
        The row of a single value: the first one that did not go with a row it refers to.

        Under a key that a collation compares, a row that a cascade took is still here when its successor is spelled
        differently: nobody said that it went.
        """
        first = self.parts(form.role, slots[0])
        if len(slots) == 1 or not form.level.cascades or not self._went_along(form.level, first):
            return first
        others = (self.parts(form.role, slot) for slot in slots[1:])
        return next((row for row in others if not self._went_along(form.level, row)), first)


def case_of(form: Form, row: Parts) -> Form | None:
    """The form itself; of a relation to one of several tables, that to the one this row refers to."""
    if not form.cases:
        return form
    return next((case for case in form.cases if row[0][case.reference or 0] is not None), None)
