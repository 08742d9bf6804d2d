"""
What `verify` found, as data: counts, and the first differences with the place inside the document.

A difference names the document and the path, never a value; values are only there when they were asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One document that is not as the SQL join says."""

    #: `missing` (no document for a row), `extra` (a document without a row) or `different`.
    kind: str
    #: The document's `_id`.
    id: Any
    #: Place inside the document, `applications[2].user.name`; "" for a whole document.
    path: str = ""
    #: For a person, without values: "the values differ", "an int where Int64 is expected".
    what: str = ""
    #: What the SQL join gives at `path`; None as well when the place should not be there.
    expected: Any = None
    #: What the document has there.
    found: Any = None

    def as_dict(self, *, with_values: bool = False) -> dict[str, Any]:
        """`{kind, id, path, what}`, and `expected` and `found` as text when asked for."""
        shown = {"kind": self.kind, "id": str(self.id), "path": self.path, "what": self.what}
        if with_values:
            shown |= {"expected": repr(self.expected), "found": repr(self.found)}
        return shown


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for one pipeline."""

    #: Documents there should be.
    documents: int
    #: Rows without a document.
    missing: int
    #: Documents without a row.
    extra: int
    #: Documents whose content differs.
    different: int
    seconds: float
    #: The first ones found, a bounded list.
    differences: tuple[Difference, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether every document is as the SQL join says, and there is no other."""
        return not (self.missing or self.extra or self.different)

    @property
    def first(self) -> Difference | None:
        """The first difference; None when there is none."""
        return self.differences[0] if self.differences else None

    def as_dict(self, *, with_values: bool = False) -> dict[str, Any]:
        """JSON-ready: `{documents, equal, missing, extra, different, seconds, differences: [...]}`."""
        return {
            "documents": self.documents,
            "equal": self.equal,
            "missing": self.missing,
            "extra": self.extra,
            "different": self.different,
            "seconds": round(self.seconds, 3),
            "differences": [difference.as_dict(with_values=with_values) for difference in self.differences],
        }
