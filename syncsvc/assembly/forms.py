"""
The branches of a plan with everything that can be known before the first document is rendered.

Part of `render`: names as bytes, what stands in a document where a row is missing, which levels need no work at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncsvc.assembly import elements
from syncsvc.mapping.model import Computed
from syncsvc.routing.plan import Branch, Level, Plan


class LevelForm:
    """What is shown behind the fields of a row."""

    __slots__ = ("cascades", "computed", "forms", "plain")

    def __init__(self, plan: Plan, level: Level, role: int) -> None:
        self.forms = tuple(Form(plan, branch, role) for branch in level.branches)
        #: Those whose rows take this level's row with them, unlogged.
        self.cascades = tuple(form for form in self.forms if not form.many and _takes_along(form))
        #: `(name, expression, name of the list when it only counts one)`.
        self.computed = tuple(map(_computed, level.computed))
        #: True when the fields are all there is.
        self.plain = not self.forms and not self.computed


class Form:
    """A branch, ready to be rendered."""

    __slots__ = (
        "absent", "cascade", "cases", "known", "label", "level", "limit", "many", "mapped", "merge", "name", "node",
        "ordered", "reference", "required", "role", "simple", "value",
    )  # fmt: skip

    def __init__(self, plan: Plan, branch: Branch, parent: int) -> None:
        #: Name in the document, and as bytes with a zero byte.
        self.label, self.name = branch.name, branch.name.encode() + b"\x00"
        self.many, self.role, self.reference, self.ordered = branch.many, branch.role, branch.reference, branch.ordered
        self.limit, self.mapped, self.merge = branch.limit, branch.mapped, branch.merge
        self.required, self.cascade = branch.required, branch.cascade
        self.value = None if branch.value is None else branch.value.encode()
        references = plan.roles[parent].references
        #: First byte of the address of its relay; empty when its rows are at the document's own address.
        self.node = b"" if branch.reference is None else bytes((references[branch.reference].node,))
        self.level = LevelForm(plan, branch.level, branch.role)
        self.cases = tuple(Form(plan, case, parent) for case in branch.cases)
        #: True for a list of objects without conditions: the common case.
        self.simple = self.many and self.limit is None and self.value is None and not self.mapped
        #: True for a looked-up row of which nothing but its own fields is shown: always the same element.
        conditional = self.many or self.cases or self.cascade or self.merge or self.required
        self.known = self.level.plain and self.reference is not None and not conditional
        #: What stands in the document when there is no row.
        self.absent = b"".join(_absent(plan, branch))


def _takes_along(form: Form) -> bool:
    return any(case.cascade for case in form.cases or (form,))


def _computed(value: Computed) -> tuple[str, Computed, str | None]:
    return value.name, value, value.expression.counted


def _absent(plan: Plan, branch: Branch) -> Iterator[bytes]:
    """Null, or an empty list; of a merged relation, that for everything it would have shown."""
    name = branch.name.encode() + b"\x00"
    if branch.many:
        yield (elements.DOCUMENT if branch.mapped else elements.ARRAY) + name + elements.EMPTY
    elif not branch.merge:
        yield elements.NULL + name
    else:
        role = plan.roles[branch.role]
        names = [field.name for field in role.fields] + [value.name for value in role.computed]
        for shown in names:
            yield elements.NULL + shown.encode() + b"\x00"
        for below in branch.level.branches:
            yield from _absent(plan, below)
        for computed in branch.level.computed:
            yield elements.NULL + computed.name.encode() + b"\x00"
