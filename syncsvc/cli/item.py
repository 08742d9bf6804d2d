"""
One thing that a pipeline needs, and what `apply` would do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from syncsvc.errors import Problem

CREATE, SAME, UPDATE, LOSES, DIFFERS, LATER = "+", "=", "~", "-", "!", "."
MEANINGS = "+ made   = as it should be   ~ changed   - loses something, only with --yes   ! refused   . made later"


@dataclass(frozen=True, slots=True)
class Item:
    """A topic, connector, generation, collection, index or view."""

    #: `+` is made, `=` is as it should be, `~` is changed, `-` is changed or dropped with a loss and only with --yes,
    #: `!` differs and is refused, `.` is made by the worker.
    sign: str
    #: `topic`, `connector`, `generation`, `collection`, `index` or `view`.
    kind: str
    name: str
    #: For a person: what is made, what is lost, or what differs.
    what: str
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    #: `(setting, now, wanted)`, by name; secrets as stars.  Now is None where it is not set.
    changes: tuple[tuple[str, str | None, str], ...] = ()
    #: What `apply` does beside making what is missing.
    step: Literal["", "alter", "drop"] = ""

    @property
    def drifted(self) -> bool:
        """Whether it exists and is not as it should be."""
        return self.sign in (UPDATE, LOSES, DIFFERS)

    @property
    def destructive(self) -> bool:
        """Whether something is lost by doing it."""
        return self.sign == LOSES

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "sign": self.sign,
            "kind": self.kind,
            "name": self.name,
            "what": self.what,
            "changes": {setting: {"now": now, "wanted": wanted} for setting, now, wanted in self.changes},
            "destructive": self.destructive,
            "problems": [problem.as_dict() for problem in self.problems],
        }


def changes(pairs: Mapping[str, tuple[str | None, str]]) -> tuple[tuple[str, str | None, str], ...]:
    """`{setting: (now, wanted)}` as an item has it."""
    return tuple((setting, now, wanted) for setting, (now, wanted) in sorted(pairs.items()))
